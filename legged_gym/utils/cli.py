"""The command line that all scripts share; `options.CommandLine` is what it comes to."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from typing import Any, Callable, Dict, List, NoReturn, Optional, Sequence, Tuple, Union

from legged_gym.errors import UserError
from legged_gym.setting_types import FLAG, LARGEST_SEED, Flag, Number
from legged_gym.sim.factory import SIMULATORS, chosen_early
from legged_gym.utils.completion import complete
from rsl_rl.utils.archive import CHECKPOINT_NAME

_SIM_HELP = "physics; auto is mujoco_warp on a GPU, else mujoco; isaacgym is NVIDIA's package"
LOGGERS = ("tensorboard", "wandb", "none")

# Flags of Isaac Gym's parser and Isaac Lab's that other command lines carry: name -> whether a value follows.
_ISAAC_FLAGS = {
    "--pipeline": True,
    "--graphics_device_id": True,
    "--compute_device_id": True,
    "--subscenes": True,
    "--slices": True,
    "--physx": False,
    "--flex": False,
    "--horovod": False,
    "--enable_cameras": False,
    "--real-time": False,
    "--video_interval": True,
}


def number(unit: str = "", **bounds: Any) -> Callable[[str], Any]:
    """A type for argparse: numbers within `bounds` (of `setting_types.Number`)."""
    kind = Number(False, unit, **bounds)

    def read(text: str) -> Any:
        try:
            return kind.convert(text, "", FLAG)
        except UserError as error:
            raise argparse.ArgumentTypeError(str(error).lstrip(": ")) from None

    return read


whole = number(whole=True)
positive = number(whole=True, low=1)
seed = number(whole=True, low=-1, high=LARGEST_SEED)


class ArgumentParser(argparse.ArgumentParser):
    """An argument parser that knows settings by path and explains a mistake in one line."""

    def __init__(self, description: Optional[str], **more: Any) -> None:
        kind = argparse.RawDescriptionHelpFormatter
        super().__init__(description=description, allow_abbrev=False, formatter_class=kind, **more)

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
        complete(self)
        rest, settings = _take_settings(list(sys.argv[1:] if argv is None else argv))
        args, unknown = self.parse_known_args(rest)
        for token in unknown:
            if token.startswith("-") or args.task is None:
                raise UserError(self._explain(token))
            print(f"warning: {token!r} belongs to no flag and is ignored; values are given as --flag=value")
        args.env_settings, args.train_settings = settings["--env."], settings["--train."]
        for flag in _ISAAC_FLAGS:
            if getattr(args, flag[2:].replace("-", "_")) is not None:
                print(f"note: {flag} is ignored with MuJoCo")
        if args.original_cfg:
            print("note: --original_cfg changes nothing: a run is always loaded with the settings saved in its folder")
        return args

    def parse_args(self, args: Optional[Sequence[str]] = None) -> argparse.Namespace:  # type: ignore[override]
        """Parse the command line of a script that knows no settings."""
        complete(self)
        return super().parse_args(args)

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
        description,
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
    add("--load_run", type=_run, help="run folder to load, by name, its end or path; -1 is the newest (default)")
    add("--checkpoint", type=_checkpoint, help="iteration to load, or a .pt file; -1 is the last (default)")
    add("--sim", type=chosen_early, choices=SIMULATORS, default="auto", help=_SIM_HELP)
    add("--sim_device", help="device of the physics: cuda:0 if there is one, else cpu")
    add("--rl_device", help="device of the networks: cuda:0 if there is one, else cpu")
    add("--device", help="cpu or cuda:N, of the networks and, with mujoco_warp, of the physics; cpu if there is no GPU")
    add("--num_threads", type=positive, help="CPU threads of the physics (sim.num_threads)")
    add("--asset", "--xml_path", "--xml-path", metavar="FILE", help="URDF or MJCF of the robot (asset.file)")
    add("--obs_layout", help="layout of the observation, where a task has several (env.obs_layout)")
    add("--headless", action="store_true", help="no viewer")
    add("--deterministic", action="store_true", help="only algorithms that repeat bit for bit, where torch has them")
    add("--original_cfg", action="store_true", help=argparse.SUPPRESS)
    for flag, has_value in _ISAAC_FLAGS.items():
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
    add("--wandb_project", "--log_project_name", help="project on Weights & Biases; with an entity it switches W&B on")
    add("--wandb_entity", help="account or team on Weights & Biases")
    add("--wandb_note", metavar="TEXT", help="what the page of the run on Weights & Biases says of it")
    add("--disable_wandb", "--no_use_wandb", action="store_true", help="no W&B, whatever else is said")
    add("--teacher", metavar="RUN", help="run, checkpoint or shipped policy that a student learns from")
    for flag in ("--video", "--video_length"):  # as above
        add(flag, nargs="?", const="", help=argparse.SUPPRESS)
    add("--multi_gpu", "--distributed", action="store_true", help="insist on several processes; start with torchrun")


def add_viewer_flags(parser: argparse.ArgumentParser, viewers: Sequence[str]) -> None:
    """Add the flags of scripts that can show what they do on a page."""
    add = parser.add_argument
    add("--viewer", choices=viewers, help="where robots are shown; web is a page in a browser, with --host and --port")
    add("--port", type=number(whole=True, low=0, high=65535), help="of the page; 0 takes a free one (default 8080)")
    add("--host", help="address of the page; 0.0.0.0 lets other machines in (default 127.0.0.1)")


def page_address(viewer: Optional[str], host: Optional[str], port: Optional[int]) -> Optional[Tuple[str, int]]:
    """Host and port of the page in a browser, by the flags of those names; None where none is wanted.

    Raises:
        UserError: an address without a page.
    """
    if viewer == "web":
        return host or "127.0.0.1", 8080 if port is None else port
    for name, value in (("port", port), ("host", host)):
        if value is not None:
            raise UserError(f"--{name} is for the page in a browser: give --viewer=web too")
    return None


def wanted_viewer(viewer: Optional[str], env_settings: List[Tuple[str, str]]) -> Optional[str]:
    """``--viewer``; ``--env.viser.enable=True`` of other command lines, which is taken out, means "web".

    Raises:
        UserError: its value is neither true nor false, or ``--viewer`` says something else.
    """
    for path, text in list(env_settings):
        if path == "viser.enable":
            env_settings.remove((path, text))
            enabled = Flag().convert(text, "--env.viser.enable", FLAG)
            if viewer is not None and enabled != (viewer == "web"):
                raise UserError(f"--env.viser.enable={text} and --viewer={viewer}: leave one of them out")
            viewer = "web" if enabled else viewer
    return viewer


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


def _checkpoint(text: str) -> Union[int, str]:
    """A number, a file, or what the number of such a file's name says."""
    name = CHECKPOINT_NAME.fullmatch(text)
    if name and not os.path.isfile(text):
        return int(name.group(1))
    return text if text.endswith(".pt") else whole(text)


def _run(text: str) -> Union[int, str]:
    return -1 if text == "-1" else text
