"""Where the numbers of a run go: a JSON line an iteration, TensorBoard or Weights & Biases, and the console.

`metrics.jsonl` is always written when there is a folder. TensorBoard and W&B are imported only when chosen, and W&B can
never stop a training: whatever it raises becomes one warning, and the run goes on without it.
"""

from __future__ import annotations

import json
import math
import os
import sys
from typing import Any, List, Mapping, Optional, TextIO

from rsl_rl.utils.console import Console, Progress
from rsl_rl.utils.errors import RslRlError, check_choice
from rsl_rl.utils.files import replacing

METRICS_FILE = "metrics.jsonl"
LOGGERS = ("tensorboard", "wandb", "none")
# Tags that TensorBoard also shows against the seconds trained.
_TIME_TAGS = ("Train/mean_reward", "Train/mean_episode_length")


class TensorboardWriter:
    """Events for TensorBoard.

    Args:
        log_dir: run folder, where the event file goes.

    Raises:
        RslRlError: TensorBoard is not installed.
    """

    def __init__(self, log_dir: str) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise RslRlError("tensorboard is not installed: install it, or choose runner.logger=none") from error
        self._writer = SummaryWriter(log_dir, flush_secs=10)

    def log(self, metrics: Mapping[str, float], iteration: int) -> None:
        """Add every metric at `iteration`, and some also at the seconds trained, under `<tag>/time`."""
        for tag, value in metrics.items():
            self._writer.add_scalar(tag, value, iteration)
        for tag in _TIME_TAGS:
            if tag in metrics:
                self._writer.add_scalar(f"{tag}/time", metrics[tag], int(metrics["Train/time"]))

    def flush(self) -> None:
        """Hand everything to the file system."""
        self._writer.flush()

    def close(self) -> None:
        """Close the event file."""
        self._writer.close()


class WandbWriter:
    """Weights & Biases, offline unless asked otherwise; the first failure of any kind turns it off.

    Construction starts a W&B run, or joins the one that the caller has begun (a sweep agent does).

    Args:
        log_dir: run folder; its name becomes the name of the run.
        settings: `wandb_project`, `wandb_entity`, `wandb_mode` of the runner config. The mode is "online", "offline"
            or "disabled"; None takes the environment variable WANDB_MODE, else "offline".
        config: stored with the run.
    """

    def __init__(self, log_dir: str, settings: Mapping[str, Any], config: Mapping[str, Any]) -> None:
        self._module: Any = None
        try:
            import wandb

            if getattr(wandb, "run", None) is None:
                mode: Any = settings["wandb_mode"] or os.environ.get("WANDB_MODE", "offline")
                wandb.init(
                    project=settings["wandb_project"] or settings["experiment_name"],
                    entity=settings["wandb_entity"],
                    mode=mode,
                    name=os.path.basename(os.path.normpath(log_dir)),
                    dir=log_dir,
                    config=dict(config),
                )
            self._module = wandb
        except Exception as error:
            self._turn_off(error)

    def log(self, metrics: Mapping[str, float], iteration: int) -> None:
        """Send the metrics of one iteration. Tags carry no spaces here, since sweeps address them by name."""
        self._attempt("log", {tag.replace(" ", "_"): value for tag, value in metrics.items()}, step=iteration)

    def flush(self) -> None:
        """Nothing to do: W&B has a process of its own that writes."""

    def close(self) -> None:
        """Finish the run."""
        self._attempt("finish")
        self._module = None

    def _attempt(self, function: str, *args: Any, **kwargs: Any) -> None:
        if self._module is None:
            return
        try:
            getattr(self._module, function)(*args, **kwargs)
        except Exception as error:
            self._turn_off(error)

    def _turn_off(self, error: Exception) -> None:
        self._module = None
        reason = " ".join(str(error).split()) or type(error).__name__
        print(f"warning: W&B logging is off, training goes on without it ({reason})", file=sys.stderr)


class MetricsFile:
    """`metrics.jsonl`: one JSON object a line and an iteration, in order, none twice.

    Construction drops what a run that was killed wrote after its last checkpoint.

    Args:
        log_dir: run folder.
        last_iteration: iteration of the checkpoint that this run goes on from; 0 for a fresh start.
    """

    def __init__(self, log_dir: str, last_iteration: int) -> None:
        path = os.path.join(log_dir, METRICS_FILE)
        if os.path.exists(path):
            _drop_lines_after(path, last_iteration)
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
        """Open the files to go on after `iteration`; does nothing when they are open."""
        if self._log_dir is None or self._outlets:
            return
        os.makedirs(self._log_dir, exist_ok=True)
        self._outlets.append(MetricsFile(self._log_dir, iteration))
        if self._settings["logger"] == "tensorboard":
            self._outlets.append(TensorboardWriter(self._log_dir))
        elif self._settings["logger"] == "wandb":
            self._outlets.append(WandbWriter(self._log_dir, self._settings, self._config))

    def log(self, metrics: Mapping[str, float], progress: Progress) -> None:
        """Write one iteration; the console gets the whole block every `log_interval` iterations."""
        for outlet in self._outlets:
            outlet.log(metrics, progress.iteration)
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
        for outlet in self._outlets:
            outlet.flush()
        if self._console is not None:
            self._console.finish()

    def close(self) -> None:
        """Close every outlet; `start` opens them again."""
        self.flush()
        for outlet in self._outlets:
            outlet.close()
        self._outlets = []


def _drop_lines_after(path: str, last_iteration: int) -> None:
    """Keep the lines up to `last_iteration`; a line cut short by a kill goes too."""
    kept: List[str] = []
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                if json.loads(line)["iteration"] <= last_iteration and line.endswith("\n"):
                    kept.append(line)
            except (ValueError, KeyError, TypeError):
                continue
    with replacing(path) as file:
        file.write("".join(kept).encode())
