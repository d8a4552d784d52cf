"""Sweeps without an account: Optuna chooses, a folder on a shared disk holds the state, any number of workers join.

``logs/sweeps/<id>/`` holds

==================  ===================================================================================
``sweep.json``      the sweep file and the command line that every run has in common
``journal.log``     all trials, written by Optuna
``trial_<n>.yaml``  the parameters of a run, given to train.py by ``--cfg``; ``.log``: what it printed
``results.csv``     one line a trial, written anew after each; ``results.png`` when the sweep is done
==================  ===================================================================================

A trial is one attempt at a run. Its worker, and the training that it started, hold a lock on ``trial_<n>.lock``. When
both are gone and there is no result, the trial is lost: it is enqueued again, with the same parameters and the same run
folder, where train.py goes on from the last checkpoint. Decisions are taken under one lock of the sweep. The system
frees locks with the processes that held them, so kill -9 and power failures leave nothing behind.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import secrets
import time
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import optuna
from optuna.storages.journal import JournalFileBackend, JournalStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState

from legged_gym.errors import UserError
from legged_gym.processes.locks import FileLock
from legged_gym.sweeps import config as sweep_config
from legged_gym.sweeps.config import Parameter, SweepConfig
from legged_gym.utils.files import saved_figure, write_files

PREFIX = "local-"
SEED = 1  # of all that is drawn: the same file makes the same sweep
_STATES = {"finished": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}


class Claim:
    """A trial that this worker carries out.

    Attributes:
        trial: Optuna's.
        number: Of the trial.
        run: Number of the run; a run has several trials if some were lost.
        run_folder: Where the run is or will be.
        parameters: Name -> value.
        lock: Held until `LocalSweep.finish`.
    """

    def __init__(self, trial: Trial, lock: FileLock) -> None:
        run = trial.user_attrs["run"]
        self.trial = trial
        self.number = trial.number
        self.run: int = run["number"]
        self.run_folder: str = run["folder"]
        self.parameters: Dict[str, Any] = run["parameters"]
        self.lock = lock
        self._reported = 0

    def report(self, values: Sequence[Tuple[int, float]]) -> bool:
        """Tell the pruner what is new in (iteration, value); returns whether the run is not worth going on."""
        stop = False
        for iteration, value in values:
            if iteration > self._reported:
                self._reported = iteration
                self.trial.report(value, iteration)
                stop = self.trial.should_prune() or stop
        return stop


class LocalSweep:
    """A sweep in its folder, as one worker sees it.

    Args:
        folder: ``logs/sweeps/<id>``.

    Raises:
        UserError: there is no sweep.

    Attributes:
        config: The sweep file.
        arguments: Arguments of train.py that all runs have in common.
        id: The name of the folder.
    """

    def __init__(self, folder: str) -> None:
        self.folder = os.path.abspath(folder)
        self.id = os.path.basename(self.folder)
        try:
            with open(os.path.join(folder, "sweep.json"), encoding="utf-8") as file:
                saved = json.load(file)
        except (OSError, ValueError) as error:
            raise UserError(f"there is no sweep {self.id} in {os.path.dirname(self.folder)}: {error}") from None
        self.config: SweepConfig = sweep_config.parse(saved["config"])
        self.arguments: List[str] = saved["arguments"]
        self._experiment: str = saved["experiment_name"]
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._lock = FileLock(self._path("sweep.lock"))
        journal = self._path("journal.log")
        # Optuna's own lock outlives a process that is killed, and holds up the others for half a minute.
        backend = JournalFileBackend(journal, FileLock(journal + ".lock"))  # type: ignore[arg-type]
        self.study = optuna.create_study(
            storage=JournalStorage(backend),
            study_name="sweep",
            direction=StudyDirection[self.config.goal.upper()],
            pruner=_pruner(self.config),
            load_if_exists=True,
        )

    @classmethod
    def create(cls, root: str, config: SweepConfig, arguments: Sequence[str], experiment: str) -> LocalSweep:
        """Make a new sweep in a folder below `root`; a grid gets all its trials now, others get theirs one by one.

        Args:
            root: ``logs/sweeps``.
            config: The sweep file.
            arguments: Arguments of train.py for all runs.
            experiment: Folder of the runs, beside `root`.
        """
        folder = os.path.join(root, PREFIX + secrets.token_hex(4))
        saved = {"arguments": list(arguments), "experiment_name": experiment, "config": config.content}
        write_files(folder, {"sweep.json": json.dumps(saved, indent=2).encode()})
        sweep = cls(folder)
        if config.method == "grid":
            choices = [_choices(parameter) for parameter in config.parameters.values()]
            for point in itertools.islice(itertools.product(*choices), config.run_cap):
                sweep.study.enqueue_trial(dict(zip(config.parameters, point)))
        return sweep

    def claim(self) -> Optional[Claim]:
        """Take the next trial; None when there is nothing to begin now, see `done`."""
        with self._lock:
            self._enqueue_lost()
            trials = self.study.get_trials(deepcopy=False)
            if not self._has_work(trials):
                return None
            # Every run has a generator of its own, so that no two workers draw alike.
            run = len({trial.user_attrs["run"]["number"] for trial in trials if "run" in trial.user_attrs})
            self.study.sampler = self._sampler(SEED + run)
            trial = self.study.ask()
            lock = FileLock(self._path(f"trial_{trial.number:04d}.lock"))
            lock.acquire()
            parameters = {name: _suggest(trial, parameter) for name, parameter in self.config.parameters.items()}
            if "run" not in trial.user_attrs:
                name = f"{time.strftime('%Y%m%d_%H%M%S')}_{self.id}_{run:04d}"
                folder = os.path.join(os.path.dirname(os.path.dirname(self.folder)), self._experiment, name)
                trial.set_user_attr("run", {"number": run, "folder": folder, "parameters": parameters})
            return Claim(trial, lock)

    def finish(self, claim: Claim, outcome: str, value: Optional[float] = None, status: Optional[int] = None) -> None:
        """Record the end of a trial.

        Args:
            claim: The trial.
            outcome: `finished`, `pruned`, `failed`; or `killed`, after which the run is enqueued to go on.
            value: The metric, where there is one.
            status: Exit status of the training.
        """
        with self._lock:
            claim.trial.set_user_attr("result", {"outcome": outcome, "value": value, "exit_code": status})
            self._tell(self.study.get_trials(deepcopy=False)[claim.number])
            self._write_results()
        claim.lock.release()

    def done(self) -> bool:
        """Whether no run is left to do and none is under way."""
        trials = self.study.get_trials(deepcopy=False)
        return not self._has_work(trials) and not any(trial.state == TrialState.RUNNING for trial in trials)

    def rows(self) -> List[Dict[str, Any]]:
        """What results.csv says, a dict a trial that was begun."""
        rows = []
        for trial in self.study.get_trials(deepcopy=False):
            if trial.state == TrialState.WAITING:
                continue
            run, result = trial.user_attrs.get("run", {}), trial.user_attrs.get("result", {})
            parameters = run.get("parameters", {})
            rows.append(
                {
                    "trial": trial.number,
                    "run": run.get("number"),
                    **{name: parameters.get(name) for name in self.config.parameters},
                    self.config.metric: result.get("value"),
                    "state": result.get("outcome", "lost" if trial.state.is_finished() else "running"),
                    "exit_code": result.get("exit_code"),
                    "run_folder": run.get("folder"),
                    "wall_time_s": trial.duration and round(trial.duration.total_seconds(), 1),
                }
            )
        return rows

    def best(self) -> Optional[Dict[str, Any]]:
        """Return the row of the best run that finished; None if there is none."""
        rows = [row for row in self.rows() if row["state"] == "finished"]
        choose = max if self.config.goal == "maximize" else min
        return choose(rows, key=lambda row: row[self.config.metric]) if rows else None

    def write_plot(self) -> None:
        """Draw results.png: the metric over the trials, and over every parameter that varies."""
        with self._lock:
            _plot(self._path("results.png"), self.rows(), self.config, self.id)

    def _has_work(self, trials: Sequence[FrozenTrial]) -> bool:
        taken = sum(trial.state == TrialState.RUNNING or _is_counted(trial) for trial in trials)
        if self.config.run_cap is not None and taken >= self.config.run_cap:
            return False
        return self.config.method != "grid" or any(trial.state == TrialState.WAITING for trial in trials)

    def _enqueue_lost(self) -> None:
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            lock = FileLock(self._path(f"trial_{trial.number:04d}.lock"))
            if lock.acquire(wait=False):
                self._tell(trial)
                lock.release()

    def _tell(self, trial: FrozenTrial) -> None:
        """End a trial as its attributes say; one without a result is enqueued again.

        Enqueuing comes first: a worker that dies in between leaves a running trial, which another one finds again.
        """
        result = trial.user_attrs.get("result", {})
        state = _STATES.get(result.get("outcome"), TrialState.FAIL)
        if result.get("outcome") not in _STATES:
            follows = [other.user_attrs.get("follows") for other in self.study.get_trials(deepcopy=False)]
            if trial.number not in follows:
                attrs = {**trial.user_attrs, "follows": trial.number}
                attrs.pop("result", None)
                self.study.enqueue_trial(trial.params, user_attrs=attrs)
        self.study.tell(trial.number, result["value"] if state == TrialState.COMPLETE else None, state=state)

    def _sampler(self, seed: int) -> optuna.samplers.BaseSampler:
        if self.config.method == "bayes":
            # The liar takes runs under way for bad ones, so that workers do not all try the same spot.
            return optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True)
        return optuna.samplers.RandomSampler(seed=seed)

    def _write_results(self) -> None:
        rows = self.rows()
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        write_files(self.folder, {"results.csv": text.getvalue().encode()})

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)


def _is_counted(trial: FrozenTrial) -> bool:
    """Whether the trial made a run that counts; one that was killed or lost goes on in another trial."""
    return trial.state.is_finished() and trial.user_attrs.get("result", {}).get("outcome") in _STATES


def _choices(parameter: Parameter) -> List[str]:
    # As JSON: Optuna's choices are text and numbers, ours may be lists.
    return [json.dumps(value) for value in parameter.values]


def _suggest(trial: Trial, parameter: Parameter) -> Any:
    if parameter.values:
        return json.loads(trial.suggest_categorical(parameter.name, _choices(parameter)))
    if parameter.whole:
        return trial.suggest_int(parameter.name, int(parameter.low), int(parameter.high))
    return parameter.value(trial.suggest_float(parameter.name, parameter.low, parameter.high, log=parameter.log))


def _pruner(config: SweepConfig) -> optuna.pruners.BasePruner:
    """W&B's Hyperband has one ladder, at min_iter * eta^k iterations, which Optuna calls successive halving."""
    form = config.early_terminate
    if form is None:
        return optuna.pruners.NopPruner()
    eta = int(form.get("eta", 3))
    first = form["min_iter"] if "min_iter" in form else max(1, form["max_iter"] // eta ** form["s"])
    return optuna.pruners.SuccessiveHalvingPruner(min_resource=int(first), reduction_factor=eta)


def _varying(rows: Sequence[Dict[str, Any]], config: SweepConfig) -> Iterator[str]:
    """Yield the names of numbers that differ between runs."""
    for name in config.parameters:
        values = [row[name] for row in rows]
        if all(isinstance(value, (int, float)) for value in values) and len(set(values)) > 1:
            yield name


def _plot(path: str, rows: Sequence[Dict[str, Any]], config: SweepConfig, title: str) -> None:
    rows = [row for row in rows if row["state"] == "finished"]
    names = ["trial", *_varying(rows, config)]
    columns = min(len(names), 3)
    lines = -(-len(names) // columns)
    with saved_figure(path, (5 * columns, 4 * lines)) as figure:
        figure.suptitle(title)
        for index, name in enumerate(names):
            axis = figure.add_subplot(lines, columns, index + 1)
            axis.plot([row[name] for row in rows], [row[config.metric] for row in rows], "o")
            parameter = config.parameters.get(name)
            axis.set(xlabel=name, ylabel=config.metric, xscale="log" if parameter and parameter.log else "linear")
            axis.grid(alpha=0.3)
