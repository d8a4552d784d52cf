"""Where the numbers of a run go: a JSON line an iteration, TensorBoard or Weights & Biases, and the console.

`metrics.jsonl` is always written when there is a folder. TensorBoard and W&B are imported only when chosen. None of
them can stop a training: whatever one raises becomes one warning, and the run goes on without it.
"""

from __future__ import annotations

import functools
import json
import math
import os
import secrets
import sys
from typing import Any, Callable, List, Mapping, Optional, TextIO

from rsl_rl.utils.console import Console, Progress, SteadyStream
from rsl_rl.utils.errors import RslRlError, check_choice
from rsl_rl.utils.files import replacing

METRICS_FILE = "metrics.jsonl"
WANDB_ID_FILE = "wandb_id.txt"
LOGGERS = ("tensorboard", "wandb", "none")
# Tags that TensorBoard also shows against the seconds trained.
_TIME_TAGS = ("Train/mean_reward", "Train/mean_episode_length")


class TensorboardWriter:
    """Events for TensorBoard, each once, also after a resume.

    TensorBoard forgets all points from a step on when a run says that it goes on from there. Steps are iterations, and
    for some tags seconds: those that are forgotten for no reason are written again, from `metrics.jsonl`.

    Args:
        log_dir: run folder, where the event file goes.
        last_iteration: of the checkpoint that this run goes on from; 0 for a fresh start.

    Raises:
        RslRlError: TensorBoard is not installed.
    """

    name = "TensorBoard logging"

    def __init__(self, log_dir: str, last_iteration: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise RslRlError("tensorboard is not installed: install it, or choose runner.logger=none") from error
        kept = [json.loads(line) for line in lines_until(os.path.join(log_dir, METRICS_FILE), last_iteration)]
        seconds = kept[-1].get("Train/time") if kept else None
        first_step = min(last_iteration + 1, int(seconds or 0))
        self._writer = SummaryWriter(log_dir, flush_secs=10, purge_step=first_step)
        for row in kept:
            iteration = row.pop("iteration")
            metrics = {tag: math.nan if value is None else float(value) for tag, value in row.items()}
            self.log(metrics, iteration, first_step)

    def log(self, metrics: Mapping[str, float], iteration: int, first_step: int = 0) -> None:
        """Add every metric at `iteration`, and some also at the seconds trained, under `<tag>/time`.

        Args:
            metrics: by tag.
            iteration: that they are of.
            first_step: points before this iteration, or second, are there already.
        """
        if iteration >= first_step:
            for tag, value in metrics.items():
                self._writer.add_scalar(tag, value, iteration)
        for tag in _TIME_TAGS:
            if tag in metrics and int(metrics["Train/time"]) >= first_step:
                self._writer.add_scalar(f"{tag}/time", metrics[tag], int(metrics["Train/time"]))

    def flush(self) -> None:
        """Hand everything to the file system."""
        self._writer.flush()

    def close(self) -> None:
        """Close the event file."""
        self._writer.close()


class WandbWriter:
    """Weights & Biases, offline unless asked otherwise.

    Construction starts a W&B run, goes on with the one that this run folder had before, or joins the one that the
    caller has begun (a sweep agent does).

    Args:
        log_dir: run folder; its name becomes the name of the run, whose id it keeps.
        settings: `wandb_project`, `wandb_entity`, `wandb_note`, `wandb_mode` of the runner config. The mode is
            "online", "offline" or "disabled"; None takes the environment variable WANDB_MODE, else "offline".
        config: stored with the run.
    """

    name = "W&B logging"

    def __init__(self, log_dir: str, settings: Mapping[str, Any], config: Mapping[str, Any]) -> None:
        import wandb

        self._module: Any = wandb
        begun = getattr(wandb, "run", None)
        run_id = _kept_id(os.path.join(log_dir, WANDB_ID_FILE), getattr(begun, "id", None))
        if begun is None:
            mode: Any = settings["wandb_mode"] or os.environ.get("WANDB_MODE", "offline")
            wandb.init(
                project=settings["wandb_project"] or settings["experiment_name"],
                entity=settings["wandb_entity"],
                notes=settings.get("wandb_note"),
                mode=mode,
                name=os.path.basename(os.path.normpath(log_dir)),
                id=run_id,
                resume="allow",
                dir=log_dir,
                config=dict(config),
            )

    def log(self, metrics: Mapping[str, float], iteration: int) -> None:
        """Send the metrics of one iteration. Tags carry no spaces here, since sweeps address them by name."""
        self._module.log({tag.replace(" ", "_"): value for tag, value in metrics.items()}, step=iteration)

    def flush(self) -> None:
        """Nothing to do: W&B has a process of its own that writes."""

    def close(self) -> None:
        """Finish the run."""
        self._module.finish()


class MetricsFile:
    """`metrics.jsonl`: one JSON object a line and an iteration, in order, none twice.

    Construction drops what a run that was killed wrote after its last checkpoint.

    Args:
        log_dir: run folder.
        last_iteration: iteration of the checkpoint that this run goes on from; 0 for a fresh start.
    """

    name = METRICS_FILE

    def __init__(self, log_dir: str, last_iteration: int) -> None:
        path = os.path.join(log_dir, METRICS_FILE)
        if os.path.exists(path):
            with replacing(path) as file:
                file.write("".join(lines_until(path, last_iteration)).encode())
        self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115 - stays open as long as the run lives

    def log(self, metrics: Mapping[str, float], iteration: int) -> None:
        """Append one line. JSON knows no NaN and no infinity: they become null."""
        finite = {tag: value if math.isfinite(value) else None for tag, value in metrics.items()}
        self._file.write(json.dumps({"iteration": iteration, **finite}) + "\n")
        # A line must not be lost when the process is killed right after the checkpoint of this iteration.
        self._file.flush()

    def flush(self) -> None:
        """Nothing to do: every line is handed over at once."""

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Logger:
    """Hands the metrics of every iteration to the files and, at intervals, to the console.

    The files are opened by `start`, not by the constructor, because a checkpoint may be loaded in between.

    Args:
        log_dir: run folder, made if absent; None keeps to the console.
        settings: the `runner` config; `logger` is "tensorboard", "wandb" or "none".
        config: the whole config, for W&B to keep.
        enabled: False on all ranks but 0, which then log nothing.
        stream: where the console output goes; standard output by default.

    Raises:
        RslRlError: unknown logger.
    """

    def __init__(
        self,
        log_dir: Optional[str],
        settings: Mapping[str, Any],
        config: Mapping[str, Any],
        enabled: bool = True,
        stream: Optional[TextIO] = None,
    ) -> None:
        check_choice("runner.logger", settings["logger"], LOGGERS)
        self._log_dir = log_dir if enabled else None
        self._settings = settings
        self._config = config
        self._console = Console(stream or sys.stdout) if enabled else None
        self._outlets: List[Any] = []

    def start(self, iteration: int) -> None:
        """Open the files to go on after `iteration`; does nothing when they are open.

        Raises:
            RslRlError: TensorBoard is asked for and not installed.
        """
        if self._log_dir is None or self._outlets:
            return
        folder, chosen = self._log_dir, self._settings["logger"]
        self._attempt("run folder", lambda: os.makedirs(folder, exist_ok=True))
        # In this order: the second reads what the first leaves of an earlier part of the run.
        self._open(MetricsFile.name, lambda: MetricsFile(folder, iteration))
        if chosen == "tensorboard":
            self._open(TensorboardWriter.name, lambda: TensorboardWriter(folder, iteration))
        elif chosen == "wandb":
            self._open(WandbWriter.name, lambda: WandbWriter(folder, self._settings, self._config))

    def _open(self, name: str, make: Callable[[], Any]) -> None:
        self._attempt(name, lambda: self._outlets.append(make()))

    def _attempt(self, name: str, work: Callable[[], Any]) -> bool:
        """Do what may fail without ending a training; tells whether it did not, with a warning if it did."""
        try:
            work()
            return True
        except RslRlError:
            raise
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            print(f"warning: {name} is off, training goes on without it ({reason})", file=SteadyStream(sys.stderr))
            return False

    def _tell_all(self, work: Callable[[Any], None]) -> None:
        """Do something with every outlet; the first failure of one turns it off."""
        self._outlets = [each for each in self._outlets if self._attempt(each.name, functools.partial(work, each))]

    def log(self, metrics: Mapping[str, float], progress: Progress) -> None:
        """Write one iteration; the console gets the whole block every `log_interval` iterations."""
        self._tell_all(lambda outlet: outlet.log(metrics, progress.iteration))
        if self._console is not None:
            last = progress.iteration == progress.last_iteration
            due = last or progress.iteration % self._settings["log_interval"] == 0
            self._console.show(metrics, progress, with_block=due)

    def message(self, text: str) -> None:
        """Print one line that does not collide with the progress bar."""
        if self._console is not None:
            self._console.message(text)

    def flush(self) -> None:
        """Hand everything to the file system and end the line of the progress bar."""
        self._tell_all(lambda outlet: outlet.flush())
        if self._console is not None:
            self._console.finish()

    def close(self) -> None:
        """Close every outlet; `start` opens them again."""
        self.flush()
        self._tell_all(lambda outlet: outlet.close())
        self._outlets = []


def lines_until(path: str, last_iteration: float = math.inf) -> List[str]:
    """The lines of `metrics.jsonl` up to an iteration; not those that were cut short by a kill. None without a file."""
    kept: List[str] = []
    if not os.path.exists(path):
        return kept
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                if json.loads(line)["iteration"] <= last_iteration and line.endswith("\n"):
                    kept.append(line)
            except (ValueError, KeyError, TypeError):
                continue
    return kept


def _kept_id(path: str, begun: Optional[str]) -> str:
    """The id of a run on W&B: that of one that has begun, else the one that was kept, else a new one, which is kept."""
    kept = ""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            kept = file.read().strip()
    run_id = begun or kept or secrets.token_hex(4)
    if run_id != kept:
        with replacing(path) as written:
            written.write(f"{run_id}\n".encode())
    return run_id
