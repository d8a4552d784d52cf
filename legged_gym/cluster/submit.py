"""From planned trainings to jobs of SLURM or of this machine, by `submitit`."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

from legged_gym import LEGGED_GYM_PACKAGE_DIR
from legged_gym.cluster.job import TrainJob
from legged_gym.cluster.plan import Training
from legged_gym.errors import UserError
from legged_gym.utils.files import write_files

LAUNCH_FILE = "launch.json"

_POLL_S = 0.5
_NO_LIMIT_MIN = 60 * 24 * 365 * 10
# submitit counts the times that a job ran into its time limit; long trainings may do so as often as they like.
_MAX_TIMEOUTS = 10**6


@dataclass(frozen=True)
class Resources:
    """What a job gets; None leaves it to the cluster, or to this machine.

    Attributes:
        nodes: machines; the processes of a job train one policy.
        gpus_per_node: GPUs on each machine.
        processes_per_node: processes on each machine; None for one a GPU.
        cpus_per_task: CPUs on each machine.
        max_parallel: jobs at a time.
        time: time limit of SLURM, minutes.
        signal_delay: seconds before it when SLURM sends a signal.
        partition: of SLURM.
        account: of SLURM.
        slurm: "key=value" of other options of sbatch.
        job_name: name of the jobs in SLURM.
    """

    nodes: int = 1
    gpus_per_node: Optional[int] = None
    processes_per_node: Optional[int] = None
    cpus_per_task: Optional[int] = None
    max_parallel: Optional[int] = None
    time: int = 1440
    signal_delay: int = 90
    partition: Optional[str] = None
    account: Optional[str] = None
    slurm: Sequence[str] = ()
    job_name: str = "legged_gym"


def choose_executor(wish: str, dry_run: bool) -> str:
    """Return "slurm" or "local"; "auto" is "slurm" where its programs are found.

    Raises:
        UserError: SLURM or submitit is needed and not installed, or the system is Windows.
    """
    if not hasattr(signal, "SIGUSR1"):
        raise UserError("launch.py needs Linux or macOS; elsewhere start train.py once for each training")
    try:
        import submitit
    except ImportError:
        raise UserError("launch.py needs submitit: pip install -e '.[cluster]' in the repository") from None
    found = submitit.SlurmExecutor.affinity() > 0
    if wish == "slurm" and not (found or dry_run):
        raise UserError("there is no SLURM on this machine (no srun); use --executor=local, or --dry_run")
    return wish if wish != "auto" else ("slurm" if found or dry_run else "local")


def make_job(training: Training, wish: Resources, launch_folder: str) -> TrainJob:
    """Return the job of a training; its folder is ``<launch folder>/<index>``."""
    processes = wish.processes_per_node or wish.gpus_per_node or 1
    return TrainJob(
        flags=training.flags,
        run_folder=training.run_folder,
        job_folder=os.path.join(launch_folder, str(training.index)),
        nodes=wish.nodes,
        processes=processes,
        threads=max(1, wish.cpus_per_task // processes) if wish.cpus_per_task else 0,
    )


def batch_script(wish: Resources, launch_folder: str, count: int) -> str:
    """Return the script that `sbatch` gets for `count` trainings; SLURM need not be there."""
    import submitit

    class BatchScript(submitit.SlurmExecutor):
        @classmethod
        def affinity(cls) -> int:
            return 1

        def text(self) -> str:
            return str(self._make_submission_file_text(self._submitit_command_str, ""))

    executor = BatchScript(os.path.join(launch_folder, "slurm"))
    executor.update_parameters(**_slurm_parameters(wish))
    if count > 1:
        executor.parameters["map_count"] = count
    return executor.text()


def submit_to_slurm(trainings: Sequence[Training], wish: Resources, launch_folder: str) -> List[str]:
    """Submit one array of jobs, or a single job; returns their ids.

    Raises:
        UserError: `sbatch` refuses.
    """
    import submitit

    jobs = _prepare(trainings, wish, launch_folder)
    executor = submitit.SlurmExecutor(os.path.join(launch_folder, "slurm"), max_num_timeout=_MAX_TIMEOUTS)
    executor.update_parameters(**_slurm_parameters(wish))
    try:
        with executor.batch():
            submitted = [executor.submit(job) for job in jobs]
    except submitit.core.utils.FailedJobError as error:
        raise UserError(f"sbatch refuses: {error}") from None
    ids = [job.job_id for job in submitted]
    _write_launch(trainings, launch_folder, {"job": ids})
    return ids


def run_here(trainings: Sequence[Training], wish: Resources, launch_folder: str) -> Tuple[List[str], List[str]]:
    """Run the trainings on this machine, `wish.max_parallel` at a time, and wait for all of them.

    With GPUs, job k of those that run at a time gets the GPUs from k * `wish.gpus_per_node` on.

    Returns:
        Ids and results ("finished", "failed") of the jobs.
    """
    jobs = _prepare(trainings, wish, launch_folder)
    ids, results = ["-"] * len(jobs), ["waiting"] * len(jobs)
    waiting = list(range(len(jobs)))
    slots: Dict[int, Tuple[int, Any]] = {}
    while waiting or slots:
        for slot in range(wish.max_parallel or 1):
            if waiting and slot not in slots:
                index = waiting.pop(0)
                submitted = _submit_here(jobs[index], wish, slot)
                slots[slot] = (index, submitted)
                ids[index], results[index] = submitted.job_id, "running"
                print(f"job {index} runs, output in {submitted.paths.stdout}", flush=True)
        time.sleep(_POLL_S)
        for slot, (index, submitted) in list(slots.items()):
            if submitted.done():
                results[index] = "failed" if submitted.exception() is not None else submitted.result()
                del slots[slot]
                print(f"job {index} {results[index]}", flush=True)
        _write_launch(trainings, launch_folder, {"job": ids, "result": results})
    return ids, results


def _submit_here(job: TrainJob, wish: Resources, slot: int) -> Any:
    import submitit

    executor = submitit.LocalExecutor(job.job_folder)
    count = wish.gpus_per_node or 0
    gpus = tuple(range(slot * count, (slot + 1) * count))
    executor.update_parameters(timeout_min=_NO_LIMIT_MIN, gpus_per_node=count, visible_gpus=gpus, stderr_to_stdout=True)
    return executor.submit(job)


def _prepare(trainings: Sequence[Training], wish: Resources, launch_folder: str) -> List[TrainJob]:
    """Make the folders and the jobs, which import this very package wherever they run."""
    paths = [os.path.dirname(LEGGED_GYM_PACKAGE_DIR), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    jobs = [make_job(training, wish, launch_folder) for training in trainings]
    for job in jobs:
        os.makedirs(job.job_folder)
    _write_launch(trainings, launch_folder, {})
    return jobs


def _slurm_parameters(wish: Resources) -> Dict[str, Any]:
    """What submitit is told for SLURM, by the names of sbatch; what is None is left to the cluster."""
    parameters = {
        "job_name": wish.job_name,
        "nodes": wish.nodes,
        "ntasks_per_node": 1,
        "cpus_per_task": wish.cpus_per_task,
        "gpus_per_node": wish.gpus_per_node,
        "time": wish.time,
        "partition": wish.partition,
        "account": wish.account,
        "signal_delay_s": wish.signal_delay,
        "array_parallelism": wish.max_parallel or 256,
        "stderr_to_stdout": True,
        # Since version 22.05 srun does not take it over from sbatch.
        "srun_args": [f"--cpus-per-task={wish.cpus_per_task}"] if wish.cpus_per_task else None,
        "additional_parameters": {"requeue": True, **dict(pair.split("=", 1) for pair in wish.slurm)},
    }
    return {name: value for name, value in parameters.items() if value is not None}


def _write_launch(trainings: Sequence[Training], launch_folder: str, columns: Dict[str, Sequence[str]]) -> None:
    """Keep what was launched, with one entry of each of `columns` a training."""
    known = [
        {**asdict(training), **{name: column[training.index] for name, column in columns.items()}}
        for training in trainings
    ]
    text = json.dumps({"command": sys.argv, "trainings": known}, indent=1)
    write_files(launch_folder, {LAUNCH_FILE: text.encode()})
