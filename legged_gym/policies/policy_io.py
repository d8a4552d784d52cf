"""Finding a policy on the disk and running it, whatever form it has.

=================================  ==============================================================================
``--load_run``, ``--checkpoint``   a training run of the task; by default the last checkpoint of the newest run
``--policy=<folder>``              a shipped policy (``resources/policies/<task>``, also by the task's name alone), a
                                   run folder, or a folder with exported files
``--policy=<file>``                a checkpoint (.pt), or an exported policy (.onnx; TorchScript .pt)
=================================  ==============================================================================

Checkpoints and ONNX files are data. TorchScript is code, which runs when it is loaded: only for files of people one
trusts.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, List, Mapping, Optional, Protocol, Tuple, Union

from legged_gym.envs import registry
from legged_gym.errors import UserError
from legged_gym.reading import read_bytes
from legged_gym.utils import run_folder, training
from legged_gym.utils.cli import ArgumentParser
from legged_gym.utils.options import CommandLine
from legged_gym.utils.training import Change, Plan
from rsl_rl.utils.archive import is_script

if TYPE_CHECKING:
    from torch import Tensor

    from legged_gym.envs.base.legged_robot import LeggedRobot
    from legged_gym.policies.exported_policy import OnnxStep, TorchScriptStep
    from rsl_rl.models import Policy as PolicyNetwork

# Files that a folder may hold, the first of them is taken; checkpoints of a run come before these.
_IN_FOLDER = (run_folder.SHIPPED_CHECKPOINT, "policy.onnx", "policy.pt")


class Policy(Protocol):
    """Deterministic actions (the mean), with the memory of a recurrent policy carried from call to call.

    Attributes:
        groups: the observation groups that it reads.
    """

    groups: List[str]

    def __call__(self, obs: Dict[str, Tensor]) -> Tensor:
        """Map observation groups, each (N, ...), to actions (N, A)."""

    def reset(self, dones: Optional[Tensor] = None) -> None:
        """Forget the past of the robots where `dones` (N,) is set; of all without it."""


@dataclass(frozen=True)
class PolicySource(Plan):
    """A policy that was found, with the settings saved with it and those of the command line on top.

    Attributes:
        kind: "checkpoint", "onnx" or "torchscript".
        run_dir: folder with the saved settings: a run's or a shipped policy's; None where there are none.
    """

    kind: str = "checkpoint"
    run_dir: Optional[str] = None

    @property
    def path(self) -> str:
        """The file."""
        return str(self.checkpoint)

    @property
    def is_run(self) -> bool:
        """Whether it is of a run on this machine, whose folder takes videos, plots and exported files."""
        return self.run_dir is not None and not os.path.isfile(
            os.path.join(self.run_dir, run_folder.SHIPPED_CHECKPOINT)
        )

    @property
    def name(self) -> str:
        """A short name: the run's folder and the file; for a shipped policy the folder alone."""
        stem = os.path.splitext(os.path.basename(self.path))[0]
        if self.run_dir is None:
            return stem
        return f"{os.path.basename(self.run_dir)}/{stem}" if self.is_run else os.path.basename(self.run_dir)


def add_policy_flag(parser: ArgumentParser) -> None:
    """Add ``--policy`` to a script that runs policies."""
    parser.add_argument(
        "--policy",
        metavar="PATH",
        help="a shipped, exported or saved policy, instead of a run (file, folder or task); TorchScript runs its code",
    )
    parser.add_argument(
        "--use_pretrained_checkpoint", action="store_true", help="the policy of the task that comes along"
    )


def find_policy(command: CommandLine, change: Optional[Change] = None) -> PolicySource:
    """Find the policy that a command line asks for.

    Args:
        command: its settings win over those saved with the policy.
        change: to the saved settings of the environment, before those of the command line.

    Raises:
        UserError: there is none, or it is of another task than ``--task``.
    """
    if command.policy is not None:
        return _find_at(command, command.policy, change)
    try:
        plan = training.plan_run(command, change)
    except UserError as error:
        shipped = os.path.join(run_folder.POLICIES_DIR, str(command.task))
        if command.flags.get("load_run", -1) == -1 and os.path.isdir(shipped):
            raise UserError(f"{error}; a trained policy comes along: --policy={command.task}") from None
        raise
    return PolicySource(**vars(plan), run_dir=_settings_folder(str(plan.checkpoint)))


def load_policy(source: PolicySource, env: LeggedRobot, device: Optional[str] = None) -> Policy:
    """Make a policy ready to run in an environment.

    Args:
        source: from `find_policy`.
        env: the environment, made from `source.env_cfg`.
        device: of the network; None for that of the environment. Exported policies compute on the CPU.

    Raises:
        UserError: the policy does not fit the environment, or an exported file is damaged.
        RslRlError: a checkpoint is damaged.
    """
    # Imported here: mistakes found before are answered without waiting for torch.
    import torch

    from legged_gym.policies.exported_policy import ExportedPolicy
    from legged_gym.policies.metadata import check_fits
    from rsl_rl.extensions.extensions import saved_view
    from rsl_rl.runners.inference_policy import InferencePolicy

    place = env.device if device is None else torch.device(device)
    if source.kind != "checkpoint":
        step = _exported_step(source.path)
        with _reading_description(source.path):
            check_fits(step.description, env, source.path)
        return ExportedPolicy(step, place)
    network, content = load_network_for(source, env)
    view = saved_view(source.path, content, source.train_cfg.algorithm.extensions, network.to(place))
    return InferencePolicy(network, acting_view=view)


def load_network_for(source: PolicySource, env: LeggedRobot) -> Tuple[PolicyNetwork, Dict[str, Any]]:
    """Build the networks of a checkpoint that fits an environment.

    Returns:
        The networks in evaluation mode, on the CPU; the critic is untrained if the file has none. And the content of
        the checkpoint.

    Raises:
        UserError: it is of another task.
        RslRlError: it is missing or damaged, or reads other observations.
    """
    from rsl_rl.models.saved_policy import build_policy

    network, content = build_policy(source.path, env.observation_dims, env.num_actions)
    task = content["meta"].get("task") or source.task
    if task not in registry.family(source.task):
        raise UserError(f"checkpoint {source.path} is of task {task!r}, not {source.task!r}")
    return network, content


def inference_checkpoint(content: Mapping[str, Any], views: Iterable[str] = ()) -> Dict[str, Any]:
    """What of a checkpoint it takes to run the policy: neither critic nor optimiser nor state of the training.

    Args:
        content: the checkpoint.
        views: extensions that change what the policy sees.
    """
    from rsl_rl.models.saved_policy import without_critic

    extensions = content.get("algorithm_state", {}).get("extensions", {})
    kept = {name: extensions[name] for name in views if name in extensions}
    return {
        **({"algorithm_state": {"extensions": kept}} if kept else {}),
        "model_state_dict": without_critic(content["model_state_dict"]),
        "meta": content["meta"],
        "iter": content["iter"],
    }


def _find_at(command: CommandLine, name: str, change: Optional[Change]) -> PolicySource:
    """Find what ``--policy`` names."""
    path = _file_at(name, command.flags.get("checkpoint", -1))
    kind = _kind_of(path)
    folder = _settings_folder(path)
    trained_in = run_folder.read_run_config(folder).get("task") if folder else None
    trained_in = trained_in or _task_inside(path, kind) or command.task
    task = command.task or trained_in
    if task is None:
        raise UserError(f"{path} does not say which task it is of; give --task=<name>")
    if trained_in not in registry.family(task):
        raise UserError(f"{path} is a policy of task {trained_in!r}, not {task!r}")
    if folder is None:
        print(f"note: {path} has no {run_folder.RUN_CONFIG}; the settings of task {task} as it is now are used")
    cfgs = training.resolve(task, command, folder, change)
    return PolicySource(task, *cfgs, command.options, path, kind, folder)


def _file_at(path: str, checkpoint: int) -> str:
    """The file that a path, or the name of a task with a shipped policy, stands for."""
    if os.path.isfile(path):
        return path
    folder = path if os.path.isdir(path) else os.path.join(run_folder.POLICIES_DIR, path)
    if not os.path.isdir(folder):
        there = run_folder.POLICIES_DIR
        shipped = sorted(os.listdir(there)) if os.path.isdir(there) else []
        raise UserError(f"--policy: there is no {path}; shipped policies are: {', '.join(shipped) or 'none'}")
    if checkpoint != -1 or run_folder.list_checkpoints(folder):
        return run_folder.get_load_path(folder, folder, checkpoint)
    for name in _IN_FOLDER:
        if os.path.isfile(os.path.join(folder, name)):
            return os.path.join(folder, name)
    raise UserError(f"--policy: {folder} holds no policy ({', '.join(_IN_FOLDER)} or model_<iteration>.pt)")


def _kind_of(path: str) -> str:
    """Tell the forms apart; a damaged file counts as what its name says."""
    if path.endswith(".onnx"):
        return "onnx"
    if not path.endswith(".pt"):
        raise UserError(f"--policy: {path} is no policy; expected a .pt or .onnx file")
    return "torchscript" if is_script(path) else "checkpoint"


def _settings_folder(path: str) -> Optional[str]:
    """The folder that holds the settings of a policy: its own, or the one above for exported files."""
    folder = os.path.dirname(os.path.abspath(path))
    for candidate in (folder, os.path.dirname(folder)):
        if os.path.isfile(os.path.join(candidate, run_folder.RUN_CONFIG)):
            return candidate
    return None


def _task_inside(path: str, kind: str) -> Optional[str]:
    """The task that a file names."""
    if kind == "checkpoint":
        from rsl_rl.models.saved_policy import read_checkpoint

        task: Optional[str] = read_checkpoint(path)["meta"].get("task")
        return task
    with _reading_description(path):
        return str(_exported_step(path).description["task"])


@contextlib.contextmanager
def _reading_description(path: str) -> Iterator[None]:
    """Tell of a description that lacks something, or has something else in its place.

    Raises:
        UserError: it does.
    """
    try:
        yield
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise UserError(f"{path}: its description cannot be used ({reason}); export the policy again") from None


def _exported_step(path: str) -> Union[OnnxStep, TorchScriptStep]:
    from legged_gym.policies.exported_policy import OnnxStep, TorchScriptStep

    return (OnnxStep if path.endswith(".onnx") else TorchScriptStep)(read_bytes(path), path)
