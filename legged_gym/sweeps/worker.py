"""A worker of a local sweep: takes trials and trains, until none is left. Workers share nothing but the disk."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from typing import Dict, List, Optional, Sequence, Tuple

from legged_gym.errors import UserError
from legged_gym.programs import EXIT_STOPPED, run_script
from legged_gym.sweeps.local import Claim, LocalSweep
from legged_gym.sweeps.run import MAX_FAILURES, TRAIN, Training, read_metric, write_settings

_POLL_S = 0.3


def run_workers(sweep: LocalSweep, count: int, train: Sequence[str] = TRAIN) -> None:
    """Work on a sweep until it is done, with `count` workers on this machine.

    Args:
        sweep: The sweep.
        count: Workers; 1 works in this process.
        train: Interpreter and script of the trainings.

    Raises:
        UserError: it could not be done.
        KeyboardInterrupt: Ctrl-C or SIGTERM, after the trainings under way have saved.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if count == 1:
        work(sweep.folder, train, count)
    else:
        # spawn: a forked process would share Optuna's view of the journal.
        context = multiprocessing.get_context("spawn")
        workers = [context.Process(target=_process, args=(sweep.folder, train, count)) for _ in range(count)]
        try:
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        except KeyboardInterrupt:
            for worker in workers:
                worker.terminate()
            for worker in workers:
                worker.join()
            raise
    if not sweep.done():
        raise UserError(f"the sweep is not done; go on with --wandb_sweep_id={sweep.id}")
    sweep.write_plot()


def work(folder: str, train: Sequence[str] = TRAIN, workers: int = 1) -> None:
    """Take trials and train until none is left and none of another worker can come back.

    Args:
        folder: Of the sweep.
        train: Interpreter and script of the trainings.
        workers: How many share this machine, for the number of threads.

    Raises:
        UserError: `MAX_FAILURES` trainings in a row failed.
        KeyboardInterrupt: after the training under way has saved.
    """
    sweep = LocalSweep(folder)
    failures = 0
    while True:
        claim = sweep.claim()
        if claim is None:
            if sweep.done():
                return
            time.sleep(_POLL_S)
            continue
        failures = 0 if _carry_out(sweep, claim, train, workers) else failures + 1
        if failures == MAX_FAILURES:
            raise UserError(f"{failures} runs in a row failed; see {_log(sweep, claim)}")


def _process(folder: str, train: Sequence[str], workers: int) -> None:
    """What a process of `run_workers` does; Ctrl-C reaches it as SIGTERM from the first process, once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    run_script(lambda _: work(folder, train, workers), [])


def _carry_out(sweep: LocalSweep, claim: Claim, train: Sequence[str], workers: int) -> bool:
    """Train and record the result; returns whether it did not fail."""
    values = ", ".join(f"{name.rpartition('.')[2]}={value}" for name, value in claim.parameters.items())
    print(f"run {claim.run}: {values}", flush=True)
    settings = write_settings(sweep.folder, f"trial_{claim.number:04d}.yaml", claim.parameters)
    threads, env = _threads(sweep.arguments, workers)
    # A run that was begun before is gone on with by the same command.
    command = [*train, *sweep.arguments, *threads, f"--cfg={settings}", f"--run_folder={claim.run_folder}"]
    began = time.monotonic()
    training = Training(command, _log(sweep, claim), env, keep_open=(claim.lock.file.fileno(),))
    outcome: Optional[str] = None
    try:
        status = training.wait(_POLL_S)
        while status is None:
            if sweep.config.early_terminate and claim.report(_values(sweep, claim)):
                outcome, status = "pruned", training.stop()
            else:
                status = training.wait(_POLL_S)
    except KeyboardInterrupt:
        sweep.finish(claim, "killed", status=training.stop())
        raise
    logged = _values(sweep, claim)
    if sweep.config.early_terminate:
        claim.report(logged)  # what later runs are compared with
    value = logged[-1][1] if logged else None
    if outcome is None:
        outcome = "killed" if status == EXIT_STOPPED else "finished" if status == 0 and logged else "failed"
    sweep.finish(claim, outcome, value, status)
    print(
        f"run {claim.run}: {outcome}, {_told(sweep, claim, status, value)}, {time.monotonic() - began:.0f} s",
        flush=True,
    )
    return outcome != "failed"


def _told(sweep: LocalSweep, claim: Claim, status: int, value: Optional[float]) -> str:
    if status not in (0, EXIT_STOPPED):
        return f"exit status {status}, see {_log(sweep, claim)}"
    return f"{sweep.config.metric} was not logged" if value is None else f"{sweep.config.metric} {value:.4g}"


def _values(sweep: LocalSweep, claim: Claim) -> List[Tuple[int, float]]:
    return read_metric(claim.run_folder, sweep.config.metric)


def _log(sweep: LocalSweep, claim: Claim) -> str:
    return os.path.join(sweep.folder, f"trial_{claim.number:04d}.log")


def _threads(arguments: Sequence[str], workers: int) -> Tuple[List[str], Dict[str, str]]:
    """Arguments and variables that share the CPUs between the workers of a machine, where the user has not."""
    if workers == 1:
        return [], {}
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = max(1, cpus // workers)
    given = any(argument.startswith("--num_threads") for argument in arguments)
    env = {} if "OMP_NUM_THREADS" in os.environ else {"OMP_NUM_THREADS": str(share)}
    return ([] if given else [f"--num_threads={share}"]), env
