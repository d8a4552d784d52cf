"""Sweeps on the server of Weights & Biases: it hands out parameters, agents on any machines train with them."""

from __future__ import annotations

import _thread
import os
import signal
from dataclasses import replace
from typing import Any, Optional, Sequence, Tuple

from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.registry import TrainCfg
from legged_gym.errors import UserError
from legged_gym.programs import EXIT_STOPPED
from legged_gym.sweeps import config as sweep_config
from legged_gym.sweeps.config import SweepConfig
from legged_gym.sweeps.run import MAX_FAILURES, TRAIN, Training, write_settings
from legged_gym.utils.options import CommandLine
from legged_gym.utils.run_folder import logs_folder
from legged_gym.utils.wandb_settings import find_names, import_wandb
from rsl_rl.utils.stop_signals import SignalHandlers

_KILLED = 255  # exit status by which W&B knows that a run was killed


class Agent:
    """What W&B's agent calls for every run: one process, waited for.

    Args:
        command: The training, without its parameters: it asks W&B for them itself (`Joined`).
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.command = list(command)
        self.failures = 0
        self.interrupted = False

    def run_one(self) -> None:
        """Train once; W&B has put id and parameters of the run into the environment."""
        training = Training(self.command)
        try:
            status = None
            while status is None:
                status = training.wait(0.5)
        except BaseException as error:
            training.stop()
            if type(error) is Exception:  # put into this thread by W&B, to stop the run
                return
            raise
        self.failures = 0 if status in (0, EXIT_STOPPED) else self.failures + 1
        if self.failures:
            print(f"warning: the run failed with exit status {status}", flush=True)
        if self.failures == MAX_FAILURES:
            _thread.interrupt_main()  # the only way to end W&B's agent from within

    def interrupt(self, number: int, frame: Any) -> None:
        """Handle a signal to stop."""
        self.interrupted = True
        raise KeyboardInterrupt


class Joined:
    """The run of a training that an agent started: its parameters come from W&B, what they come to goes back.

    Constructing it logs in.

    Attributes:
        command: the command line with the parameters, which are weaker than flags and stronger than files.
    """

    def __init__(self, command: CommandLine) -> None:
        wandb = import_wandb(online=False)  # the agent has logged in
        self._run = wandb.init()
        given = dict(self._run.config).items()
        self._parameters = {name: value for name, value in given if name.startswith(("env_cfg.", "train_cfg."))}
        folder = os.path.join(logs_folder(), "sweeps", os.environ["WANDB_SWEEP_ID"])
        name = f"{os.environ.get('WANDB_RUN_ID', os.getpid())}.yaml"
        # Checked first, since this knows the names in the sweep file.
        self._effective = sweep_config.resolve(command, self._parameters)[2]
        files = (*command.files, write_settings(folder, name, self._parameters))
        self.command = replace(command, files=files).with_flags(logger="wandb")

    def report(self, env_cfg: LeggedRobotCfg, train_cfg: TrainCfg) -> None:
        """Give W&B all settings, and the value that each parameter has where the command line wins."""
        won = sweep_config.overridden(self._parameters, self._effective)
        settings = {"env": env_cfg.to_dict(), "train": train_cfg.to_dict()}
        self._run.config.update({**settings, **won}, allow_val_change=True)

    def killed(self) -> None:
        """Mark the run as killed; call it when a signal ended the training."""
        self._run.finish(exit_code=_KILLED)


def join(command: CommandLine) -> Optional[Joined]:
    """Return the run of the sweep that this process was started for; None if it was not."""
    return Joined(command) if os.environ.get("WANDB_SWEEP_ID") else None


def _names_of_sweep(command: CommandLine, sweep: Optional[SweepConfig]) -> Tuple[Optional[str], Optional[str]]:
    """Entity and project: of flags, else of the sweep's file, else of what holds for all runs of a user."""
    written = sweep.content if sweep else {}
    entity, project = (command.flags.get(f"wandb_{key}") or written.get(key) for key in ("entity", "project"))
    return find_names(entity, project)


def run_sweep(
    command: CommandLine,
    arguments: Sequence[str],
    sweep: Optional[SweepConfig],
    sweep_id: Optional[str],
    train: Sequence[str] = TRAIN,
) -> None:
    """Create a sweep, or join one, and carry out its runs until `run_cap` or until the server has no more.

    Args:
        command: The command line.
        arguments: What of it the trainings get.
        sweep: The sweep file; only its `run_cap` counts when a sweep is joined, and None is no bound.
        sweep_id: ``<id>`` or ``<entity>/<project>/<id>`` of the sweep to join; None creates one.
        train: Interpreter and script of the trainings.

    Raises:
        UserError: no account, no package, no server, no such sweep; `MAX_FAILURES` runs in a row failed.
        KeyboardInterrupt: after the training under way has saved.
    """
    entity, project = _names_of_sweep(command, sweep)
    if sweep_id is not None and "/" in sweep_id:
        parts = sweep_id.split("/")
        if len(parts) != 3 or not all(parts):
            raise UserError(f"--wandb_sweep_id={sweep_id}: expected <id> or <entity>/<project>/<id>")
        entity, project, sweep_id = parts
    if not (entity and project):
        raise UserError("a sweep needs --wandb_entity and --wandb_project, or --local to do without an account")
    mode = "disabled" if command.options.disable_wandb else os.environ.get("WANDB_MODE", "online")
    if mode != "online":
        raise UserError(f"W&B is {mode}, and only its server can run this sweep; --local does without")
    os.environ.setdefault("WANDB_DIR", logs_folder())
    os.makedirs(os.environ["WANDB_DIR"], exist_ok=True)
    wandb = import_wandb(online=True)
    if sweep_id is None:
        assert sweep is not None, "a new sweep has a file"
        try:
            sweep_id = wandb.sweep(sweep.content, entity=entity, project=project)
        except Exception as error:
            raise UserError(f"W&B cannot create the sweep: {error}; --local does without W&B") from None
    print(f"sweep {sweep_id}: join it with --wandb_sweep_id={entity}/{project}/{sweep_id}", flush=True)
    agent = Agent([*train, *arguments])
    count = sweep.run_cap if sweep else None
    # W&B's agent ends quietly when it is interrupted, so it is noted here.
    try:
        with SignalHandlers(agent.interrupt, (signal.SIGINT, signal.SIGTERM)):
            wandb.agent(sweep_id, function=agent.run_one, entity=entity, project=project, count=count)
    except KeyboardInterrupt:
        pass
    except Exception as error:
        raise UserError(f"W&B's agent gave up: {error}") from None
    if agent.failures == MAX_FAILURES:
        raise UserError(f"{MAX_FAILURES} runs in a row failed")
    if agent.interrupted:
        raise KeyboardInterrupt
