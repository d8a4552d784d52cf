"""What a job does on the machine where it runs: train in a child process, and see that a stopped training goes on.

A job has no state but the run folder, so a job that was requeued, on whichever machine, and one that is started again
in place are the same: train.py finds the last checkpoint of that folder. Torch is imported by the child alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import zlib
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

from legged_gym.programs import EXIT_STOPPED, script_file
from legged_gym.utils import run_folder

if TYPE_CHECKING:
    import submitit

TRAIN_SCRIPT = script_file("train")
ATTEMPTS = "attempts.jsonl"

# Windows lacks two of them, and gets a clear word for it when this module has been imported.
_NAMES = ("SIGTERM", "SIGUSR1", "SIGUSR2")
_STOP_SIGNALS = tuple(signal.Signals[name] for name in _NAMES if hasattr(signal, name))
# A training that is told to stop before it listens to signals dies of them, with nothing lost.
_STOPPED = (EXIT_STOPPED, *(-number for number in _STOP_SIGNALS))
_POLL_S = 0.2
# Below the ports that systems give to outgoing connections.
_FIRST_PORT, _PORTS = 20000, 10000


class TrainingFailedError(RuntimeError):
    """A training ended in a way that another attempt would not mend."""


@dataclass
class TrainJob:
    """A training as a job of `submitit`: a callable that can be pickled.

    Attributes:
        flags: Of train.py; --run_folder is among them.
        run_folder: That folder.
        job_folder: Where `attempts.jsonl` is kept, a line for each time that the training ran.
        nodes: Machines of the job.
        processes: On each machine. With more than one in all, torchrun starts them.
        threads: Of torch, in each process; 0 leaves it to torch.
    """

    flags: Tuple[str, ...]
    run_folder: str
    job_folder: str
    nodes: int = 1
    processes: int = 1
    threads: int = 0

    def __call__(self) -> str:
        """Train to the end.

        A signal stops the training after its iteration. If SLURM sent it to the whole job, the job then goes back into
        the queue; otherwise the training is started again here. So is one that was killed (out of memory, by hand) and
        had saved a checkpoint before.

        Returns:
            "finished", or "stopped" where SLURM is ending the job.

        Raises:
            TrainingFailedError: the training failed.
        """
        import submitit

        env = submitit.JobEnvironment()
        received: List[int] = []
        requeue = signal.getsignal(_requeue_signal(env))

        def note(number: int, frame: Optional[FrameType]) -> None:
            received.append(number)

        for number in _STOP_SIGNALS:
            signal.signal(number, note)
        while True:
            first = self._iterations()
            status = self._train(env, received)
            if env.global_rank == 0:
                self._record(env, first, status, received)
            if status == 0 and not (received and self._is_group()):
                return "finished"
            if received and env.name() == "slurm":
                if _slurm_keeps(env):
                    signal.signal(_requeue_signal(env), requeue)
                    signal.raise_signal(_requeue_signal(env))  # submitit requeues the job and leaves the program
                return "stopped"
            killed_after_progress = status == -signal.SIGKILL and self._iterations() > first
            if not (received or status in _STOPPED or killed_after_progress):
                raise TrainingFailedError(f"train.py ended with status {status}; its output is above")
            received.clear()

    def checkpoint(self) -> Any:
        """What submitit submits when it requeues: this job once more."""
        import submitit

        return submitit.helpers.DelayedSubmission(self)

    def command(self, host: str, job_id: str) -> List[str]:
        """Return the command line of the child.

        Args:
            host: The machine where the processes of several machines meet.
            job_id: Number of the job, for the name and the port of the meeting.
        """
        train = [TRAIN_SCRIPT, *self.flags]
        if not self._is_group():
            return [sys.executable, *train]
        meeting = ["--standalone"]
        if self.nodes > 1:
            port = _FIRST_PORT + zlib.crc32(job_id.encode()) % _PORTS
            meeting = [f"--nnodes={self.nodes}", "--rdzv_backend=c10d", f"--rdzv_endpoint={host}:{port}"]
            meeting.append(f"--rdzv_id={job_id}")
        torchrun = [sys.executable, "-m", "torch.distributed.run", *meeting, f"--nproc_per_node={self.processes}"]
        return [*torchrun, *train, "--multi_gpu"]

    def _is_group(self) -> bool:
        return self.nodes * self.processes > 1

    def _iterations(self) -> int:
        """Iterations of the last checkpoint, -1 if there is none."""
        found = run_folder.list_checkpoints(self.run_folder) if os.path.isdir(self.run_folder) else []
        return found[-1][0] if found else -1

    def _train(self, env: submitit.JobEnvironment, received: List[int]) -> int:
        """Run the child and hand on the wish to stop; returns its exit status, -n if signal n killed it."""
        environment = dict(os.environ)
        if self.threads:
            environment["OMP_NUM_THREADS"] = str(self.threads)
        command = self.command(env.hostnames[0], env.job_id)
        print(" ".join(map(shlex.quote, command)), flush=True)
        child = subprocess.Popen(
            command,
            env=environment,
            # torchrun would die of the user's signals, which SLURM sends to every process of a job.
            preexec_fn=_ignore_user_signals if self._is_group() else None,
        )
        told: List[int] = []
        while child.poll() is None:
            time.sleep(_POLL_S)
            # SLURM tells every process of a job; elsewhere the job has to.
            tell = received and env.name() != "slurm"
            for process in self._trainers(child.pid) if tell else ():
                if process not in told:
                    told.append(process)
                    with contextlib.suppress(ProcessLookupError):  # it has ended by itself
                        os.kill(process, signal.SIGTERM)
        return child.returncode

    def _trainers(self, child: int) -> List[int]:
        """Ids of the processes that train. To torchrun itself a signal means to kill them after 30 s."""
        return _children(child) if self._is_group() else [child]

    def _record(self, env: submitit.JobEnvironment, first: int, status: int, received: List[int]) -> None:
        line: Dict[str, Any] = {
            "job": env.job_id,
            "host": socket.gethostname(),
            "ended": time.strftime("%Y-%m-%d %H:%M:%S %z"),
            "from_iteration": max(first, 0),
            "to_iteration": self._iterations(),
            "status": status,
            "signals": [signal.Signals(number).name for number in received],
        }
        with open(os.path.join(self.job_folder, ATTEMPTS), "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _requeue_signal(env: submitit.JobEnvironment) -> signal.Signals:
    """The signal by which submitit is told to requeue a job."""
    return signal.Signals["SIG" + env.USR_SIG]


def _slurm_keeps(env: submitit.JobEnvironment) -> bool:
    """Whether the job is still running for SLURM, which otherwise is already cancelling or requeuing it."""
    command = ["squeue", "--noheader", "--format=%T", f"--jobs={env.raw_job_id}"]
    return "RUNNING" in subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=False).stdout


def _ignore_user_signals() -> None:
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)


def _children(process: int) -> List[int]:
    """Ids of the child processes, on Linux."""
    found: List[int] = []
    tasks = f"/proc/{process}/task"
    try:
        for thread in os.listdir(tasks):
            with open(f"{tasks}/{thread}/children", encoding="utf-8") as file:
                found.extend(int(number) for number in file.read().split())
    except OSError:  # it has ended meanwhile
        return []
    return found
