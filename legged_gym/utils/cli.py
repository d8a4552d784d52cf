"""The command line that all scripts share, and how it reaches the configs.

Precedence, from weak to strong: config classes, the config saved with a run (where a script loads one), ``--cfg``
files in the order given, flags such as ``--num_envs``, and settings by path such as ``--env.terrain.num_rows=6``.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from typing import Any, Dict, List, NoReturn, Optional, Sequence, Tuple, Union

from legged_gym.envs.base.base_config import BaseConfig
from legged_gym.errors import UserError, in_file
from legged_gym.reading import read_yaml
from legged_gym.setting_types import LARGEST_SEED
from legged_gym.sim.factory import SIMULATORS

LOGGERS = ("tensorboard", "wandb", "none")

# Flags of NVIDIA Isaac Gym's parser that old command lines carry: name -> whether a value follows.
_ISAAC_GYM_FLAGS = {
    "--pipeline": True,
    "--graphics_device_id": True,
    "--compute_device_id": True,
    "--subscenes": True,
    "--slices": True,
    "--physx": False,
    "--flex": False,
    "--horovod": False,
}
_RUNNER_FLAGS = (
    "num_steps_per_env",
    "max_iterations",
    "experiment_name",
    "run_name",
    "load_run",
    "checkpoint",
    "start_from",
    "logger",
    "wandb_project",
    "wandb_entity",
)
# What a run folder's config.yaml holds beside the settings; such a file can be given to --cfg as it is.
_RUN_FILE_KEYS = ("task", "command", "created", "run", "versions", "git")


class ArgumentParser(argparse.ArgumentParser):
    """An argument parser that knows settings by path and explains a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print.

        Raises:
            UserError: always.
        """
        raise UserError(f"{message}; --help lists the flags")

    def parse(self, argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
        """Parse a command line.

        Args:
            argv: Arguments without the program's name; None takes those of the process.

        Returns:
            The flags, and besides: `env_settings` and `train_settings`, lists of (path, text) from ``--env.<path>`` and
            ``--train.<path>``.

        Raises:
            UserError: for anything the script does not know, with near matches.
        """
        rest, settings = _take_settings(list(sys.argv[1:] if argv is None else argv))
        args, unknown = self.parse_known_args(rest)
        if unknown:
            raise UserError(self._explain(unknown[0]))
        args.env_settings, args.train_settings = settings["--env."], settings["--train."]
        for flag in _ISAAC_GYM_FLAGS:
            if getattr(args, flag[2:]) is not None:
                print(f"note: {flag} is ignored with MuJoCo")
        if args.original_cfg:
            print("note: --original_cfg changes nothing: a run is always loaded with the settings saved in its folder")
        return args

    def _explain(self, token: str) -> str:
        if not token.startswith("-"):
            return f"unexpected {token!r}; values are given as --flag=value"
        flag = token.partition("=")[0]
        shown = [name for action in self._actions if action.help != argparse.SUPPRESS for name in action.option_strings]
        near = difflib.get_close_matches(flag, shown, n=2, cutoff=0.7)
        hint = f"did you mean {' or '.join(near)}?" if near else "--help lists the flags"
        return f"unknown flag {flag}; {hint}"


def make_parser(description: str) -> ArgumentParser:
    """Return a parser with the flags that all scripts share; a script adds its own and calls `parse`."""
    parser = ArgumentParser(
        description=description,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Any setting can be given by its path: --env.terrain.num_rows=6 --train.algorithm.learning_rate=1e-4",
    )
    add = parser.add_argument
    add("--task", help="name of the task; list_tasks.py shows them")
    add("--cfg", action="append", default=[], metavar="FILE", help="YAML file {env: {..}, train: {..}}; repeatable")
    add("--num_envs", type=positive, help="number of robots")
    add("-B", dest="num_envs", type=positive, metavar="N", help="the same")
    add("--seed", type=seed, help="-1 draws one and prints it")
    add("--experiment_name", help="folder under logs/ to write to or load from")
    add("-e", "--exp_name", dest="experiment_name", metavar="NAME", help="the same")
    add("--load_run", type=_run, help="run folder to load, by name or path; -1 is the newest (default)")
    add("--checkpoint", type=int, help="iteration to load; -1 is the last (default)")
    add("--sim", choices=SIMULATORS, default="auto", help="physics; auto is mujoco_warp on a GPU, else mujoco")
    add("--sim_device", help="device of the physics: cuda:0 if there is one, else cpu")
    add("--rl_device", help="device of the networks: cuda:0 if there is one, else cpu")
    add("--device", help="cpu or cuda:N, of the networks and, with mujoco_warp, of the physics; cpu if there is no GPU")
    add("--num_threads", type=positive, help="CPU threads of the physics (sim.num_threads)")
    add("--asset", "--xml_path", "--xml-path", metavar="FILE", help="URDF or MJCF of the robot (asset.file)")
    add("--obs_layout", help="layout of the observation, where a task has several (env.obs_layout)")
    add("--headless", action="store_true", help="no viewer")
    add("--deterministic", action="store_true", help="only algorithms that repeat bit for bit, where torch has them")
    add("--original_cfg", action="store_true", help=argparse.SUPPRESS)
    for flag, has_value in _ISAAC_GYM_FLAGS.items():
        if has_value:
            add(flag, help=argparse.SUPPRESS)
        else:
            add(flag, action="store_true", default=None, help=argparse.SUPPRESS)
    return parser


def add_training_flags(parser: ArgumentParser) -> None:
    """Add the flags of scripts that train."""
    add = parser.add_argument
    add("--num_steps_per_env", type=positive, help="steps of each robot an iteration")
    add("--num_learning_epochs", type=positive, help="passes over the samples of an iteration")
    add("--max_iterations", type=positive, help="iterations in total; with --resume those already done count")
    add("--resume", action="store_true", help="go on with a run, in its folder and with its settings")
    add("--start_from", metavar="RUN", help="run, checkpoint or shipped policy whose networks a new run begins with")
    add("--run_name", help="ending of the name of the run folder")
    add("--run_folder", metavar="PATH", help="folder of the run: a new one, or one to go on with")
    add("--logger", choices=LOGGERS, help="where curves go; metrics.jsonl is always written")
    add("--wandb_project", help="project on Weights & Biases; with an entity it switches W&B on")
    add("--wandb_entity", help="account or team on Weights & Biases")
    add("--disable_wandb", action="store_true", help="no W&B, whatever else is said")
    add("--teacher", metavar="RUN", help="run, checkpoint or shipped policy that a student learns from")
    add("--multi_gpu", action="store_true", help="insist on several processes; start with torchrun")


def get_args(argv: Optional[Sequence[str]] = None, description: str = "") -> argparse.Namespace:
    """Parse the flags of training, like legged_gym's function of that name.

    Args:
        argv: Arguments without the program's name; None takes those of the process.
        description: First line of ``--help``.

    Raises:
        UserError: for anything unknown.
    """
    parser = make_parser(description)
    add_training_flags(parser)
    return parser.parse(argv)


def apply_args(
    args: argparse.Namespace, env_cfg: Optional[BaseConfig] = None, train_cfg: Optional[BaseConfig] = None
) -> None:
    """Write what the command line says into the configs; doing it twice changes nothing more.

    Args:
        args: From `ArgumentParser.parse`.
        env_cfg: Config of the environment, None to leave it out.
        train_cfg: Config of the training, None to leave it out.

    Raises:
        UserError: for unknown settings, values of the wrong type, files that cannot be read.
    """
    cfgs = {"env": env_cfg, "train": train_cfg}
    for path in args.cfg:
        for part, values in read_cfg_file(path, args.task).items():
            cfg = cfgs[part]
            if cfg is not None:
                with in_file(path):
                    cfg.update(values, prefix=f"{part}.")
    _apply_flags(args, env_cfg, train_cfg)
    for part, settings in (("env", args.env_settings), ("train", args.train_settings)):
        cfg = cfgs[part]
        if cfg is None:
            continue
        for path, text in settings:
            if (part, path) == ("env", "seed"):
                raise UserError("--env.seed: the seed of a run is given with --seed")
            cfg.set(path, text, prefix=f"{part}.")
    if env_cfg is not None and train_cfg is not None:
        env_cfg.seed = train_cfg.seed  # type: ignore[attr-defined]


def read_cfg_file(path: str, task: Optional[str] = None) -> Dict[str, Dict[str, Any]]:
    """Read a ``--cfg`` file: the parts ``env`` and ``train``, each a nested dict; a run's config.yaml is one too.

    Raises:
        UserError: when the file is missing, is no YAML, has other parts, is of another task, or has a seed of the
            environment alone.
    """
    content = read_yaml(path)
    content = {} if content is None else content
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected the parts 'env:' and 'train:', got {type(content).__name__}")
    for key in content:
        if key not in ("env", "train", *_RUN_FILE_KEYS):
            raise UserError(f"{path}: unknown part {key!r}; settings stand under 'env:' or 'train:'")
    if task and content.get("task") not in (None, task):
        hint = "take out its line 'task:' to use its settings all the same"
        raise UserError(f"{path} is the config of task {content['task']!r}, not of {task!r}; {hint}")
    parts = {part: content[part] for part in ("env", "train") if content.get(part) is not None}
    seeds = [values.get("seed") if isinstance(values, dict) else None for values in map(parts.get, ("env", "train"))]
    if seeds[0] is not None and seeds[0] != seeds[1]:
        raise UserError(f"{path}: env.seed is not read: the seed of a run is train.seed, or given with --seed")
    return parts


def _apply_flags(args: argparse.Namespace, env_cfg: Any, train_cfg: Any) -> None:
    if env_cfg is not None:
        if args.num_envs is not None:
            env_cfg.env.num_envs = args.num_envs
        if args.num_threads is not None:
            if hasattr(env_cfg.sim, "num_threads"):
                env_cfg.sim.num_threads = args.num_threads
            else:
                print("note: --num_threads has no meaning for this task")
                args.num_threads = None  # said once
        if args.seed is not None:
            env_cfg.seed = args.seed
        if args.asset is not None:
            env_cfg.asset.file = os.path.abspath(args.asset)
        if args.obs_layout is not None:
            if not hasattr(env_cfg.env, "obs_layout"):
                raise UserError("--obs_layout: this task has one layout; --env.observations... changes it")
            env_cfg.env.obs_layout = args.obs_layout
    if train_cfg is not None:
        if args.seed is not None:
            train_cfg.seed = args.seed
        for name in _RUNNER_FLAGS:
            if getattr(args, name, None) is not None:
                setattr(train_cfg.runner, name, getattr(args, name))
        if getattr(args, "num_learning_epochs", None) is not None:
            train_cfg.algorithm.num_learning_epochs = args.num_learning_epochs
        train_cfg.runner.resume = train_cfg.runner.resume or getattr(args, "resume", False)
        if getattr(args, "teacher", None) is not None:
            if not hasattr(train_cfg.runner, "teacher"):
                raise UserError("--teacher: this task learns without one; tasks of students have train.runner.teacher")
            train_cfg.runner.teacher = args.teacher


def _take_settings(argv: List[str]) -> Tuple[List[str], Dict[str, List[Tuple[str, str]]]]:
    """Split ``--env.a.b=value`` and ``--env.a.b value`` (train likewise) from the other arguments."""
    rest: List[str] = []
    settings: Dict[str, List[Tuple[str, str]]] = {"--env.": [], "--train.": []}
    tokens = iter(argv)
    for token in tokens:
        prefix = next((prefix for prefix in settings if token.startswith(prefix)), None)
        if prefix is None:
            rest.append(token)
            continue
        path, equals, text = token[len(prefix) :].partition("=")
        if not equals:
            text = next(tokens, "--")
            if text.startswith("--"):
                raise UserError(f"{token} needs a value: {token}=...")
        settings[prefix].append((path, text))
    return rest, settings


def positive(text: str) -> int:
    """Read a whole number of at least 1; a type for argparse."""
    number = _whole(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is too small, at least 1 is needed")
    return number


def seed(text: str) -> int:
    """Read a seed, -1 to draw one; a type for argparse."""
    number = _whole(text)
    if not -1 <= number <= LARGEST_SEED:
        raise argparse.ArgumentTypeError(f"{number} is no seed; it is 0 .. {LARGEST_SEED}, or -1 to draw one")
    return number


def _run(text: str) -> Union[int, str]:
    return -1 if text == "-1" else text


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r}") from None
