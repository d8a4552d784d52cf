"""Public forks of legged_gym, unmodified, on MuJoCo: clones them, trains each for a few iterations, prints a table.

    python benchmarks/forks.py --folder=~/forks
    python benchmarks/forks.py --folder=~/forks unitree_rl_gym HIMLoco --num_envs=64 --log=logs/forks

Nothing of a fork is part of this project: whoever runs this gets them from their authors, under their licences. What is
in the folder already is not cloned again. Packages that forks import besides (`--packages` lists them) are to be
installed beforehand, best into a folder of their own: `pip install --target ~/forks/extra ...`, and `--path` that.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, List, Mapping, Optional, Sequence, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.markdown import table

PROGRAM = Path(__file__).resolve().parents[1] / "legged_gym" / "scripts" / "run_fork.py"
_LEARNER = ("rsl_rl", "leggedrobotics/rsl_rl", "v1.0.2")
_ITERATION = re.compile(r"(?:Learning iteration|Iteration:?|│ +iterations +│)\s*(\d+)")
_REWARD = re.compile(r"(?:Mean reward:|Mean episode reward:|│ +train/episode/rew total/mean +│)\s*(\S+)")
_ERROR = re.compile(r"error: |\w*(Error|Exception): ")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Fork:
    """A repository and what is trained of it."""

    name: str
    source: str  # owner/name on GitHub
    tasks: Tuple[str, ...]
    script: str = "legged_gym/scripts/train.py"
    learner: bool = False  # whether it needs rsl_rl v1.0.2 besides
    packages: str = ""
    arguments: Tuple[str, ...] = ("--task={task}", "--headless", "--num_envs={robots}", "--max_iterations={iterations}")
    environment: Tuple[Tuple[str, str], ...] = ()
    driver: str = ""  # a file here that starts the training, of a fork whose script takes no options


_VERSE = (
    "+simulator=isaacgym", "+exp=locomotion", "+domain_rand=NO_domain_rand",
    "+rewards=loco/reward_{rewards}_locomotion", "+robot={task}", "+terrain=terrain_locomotion_plane",
    "+obs=loco/leggedloco_obs_singlestep_withlinvel", "num_envs={robots}", "project_name=x",
    "experiment_name=x", "headless=True", "algo.config.num_learning_iterations={iterations}",
)  # fmt: skip


FORKS = (
    Fork("unitree_rl_gym", "unitreerobotics/unitree_rl_gym", ("go2", "g1", "h1", "h1_2"), learner=True,
         packages="scipy"),
    Fork("legged_gym", "leggedrobotics/legged_gym",
         ("anymal_c_flat", "anymal_c_rough", "anymal_b", "a1", "cassie"), learner=True, packages="scipy"),
    Fork("fanziqi", "fan-ziqi/legged_gym", ("a1_flat", "a1_rough", "cyberdog2_flat"), learner=True, packages="scipy"),
    Fork("pointfoot", "limxdynamics/pointfoot-legged-gym", ("pointfoot_flat",), packages="scipy",
         environment=(("ROBOT_TYPE", "PF_TRON1A"),)),
    Fork("DreamWaQ", "Manaro-Alpha/DreamWaQ", ("a1", "go1"), "legged_gym/legged_gym/scripts/train.py",
         packages="scipy"),
    Fork("HIMLoco", "OpenRobotLab/HIMLoco", ("a1", "go1", "aliengo"), "legged_gym/legged_gym/scripts/train.py",
         packages="scipy"),
    Fork("HoST", "OpenRobotLab/HoST", ("g1_ground", "g1_ground_prone", "h1_ground", "g1_platform", "g1_slope"),
         "legged_gym/legged_gym/scripts/train.py", packages="scipy seaborn pandas"),
    Fork("ORCAgym", "mit-biomimetics/ORCAgym", ("mini_cheetah_osc",),
         "gym/scripts/train.py", packages="scipy pandas pygame wandb",
         arguments=("--task={task}", "--headless", "--disable_wandb", "--num_envs={robots}",
                    "--max_iterations={iterations}")),
    Fork("humanoid-gym", "roboterax/humanoid-gym", ("humanoid_ppo",), "humanoid/scripts/train.py",
         packages="scipy wandb opencv-python-headless"),
    Fork("engineai", "engineai-robotics/engineai_legged_gym", ("zqsa01",), packages="scipy pygame wandb"),
    Fork("HumanoidVerse", "LeCAR-Lab/HumanoidVerse", ("h1/h1_10dof", "g1/g1_12dof"), "humanoidverse/train_agent.py",
         packages="hydra-core omegaconf loguru rich termcolor easydict scipy opencv-python-headless", arguments=_VERSE),
    Fork("walk-these-ways", "Improbable-AI/walk-these-ways", ("go1",), driver="walk_these_ways.py",
         packages="ml_logger==0.8.117 params-proto==2.10.5 gym", arguments=("{robots}", "{iterations}")),
)  # fmt: skip


@dataclass
class Outcome:
    """What a training came to."""

    iterations: int
    reward: str
    seconds: float
    problem: str

    def row(self, fork: Fork, task: str, wanted: int) -> List[str]:
        """A line of the table."""
        ran = "yes" if self.iterations >= wanted and not self.problem else f"no: {self.problem or 'it ended early'}"
        return [fork.source, f"`{task}`", ran, str(self.iterations), self.reward, f"{self.seconds:.0f}"]


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Train what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help=f"forks, or FORK:TASK (all: {', '.join(f.name for f in FORKS)})")
    add("--folder", default="~/forks", help="where they are cloned to (~/forks)")
    add("--path", action="append", default=[], help="folder with packages that they need; repeatable")
    add("--num_envs", type=int, default=16, help="robots (16)")
    add("--iterations", type=int, default=20, help="iterations of each training (20)")
    add("--limit", type=float, default=1800.0, help="seconds that one may take (1800)")
    add("--log", metavar="DIR", default="logs/forks", help="where their output is kept (logs/forks)")
    add("--packages", action="store_true", help="say what the forks import besides, and end")
    args = parser.parse_args(argv)
    chosen = list(_chosen(args.names))
    if args.packages:
        print(" ".join(sorted({package for fork, _ in chosen for package in fork.packages.split()})))
        return
    folder = Path(args.folder).expanduser().resolve()
    rows = []
    for fork, task in chosen:
        values = {"task": task, "robots": args.num_envs, "iterations": args.iterations}
        outcome = train(fork, folder, args.path, values, Path(args.log).resolve(), args.limit)
        rows.append(outcome.row(fork, task, args.iterations))
        print(" | ".join(rows[-1]), flush=True)
    print()
    print(table(["fork", "task", "runs", "iterations", "mean reward", "s"], rows, 3))


def _chosen(names: Sequence[str]) -> Iterator[Tuple[Fork, str]]:
    known = {fork.name: fork for fork in FORKS}
    for name in names or known:
        fork, _, task = name.partition(":")
        if fork not in known:
            sys.exit(f"error: no fork {fork!r}; known: {', '.join(known)}")
        yield from ((known[fork], one) for one in ([task] if task else known[fork].tasks))


def train(
    fork: Fork, folder: Path, paths: Sequence[str], values: Mapping[str, Any], logs: Path, limit: float
) -> Outcome:
    """Clone what is not there, train, and read what the training printed; `values` fill the fork's arguments."""
    clone(fork.name, fork.source, None, folder)
    paths, task = list(paths), str(values["task"])
    if fork.learner:
        clone(*_LEARNER, folder)
        paths.append(str(folder / _LEARNER[0]))
    rewards = "h1" if "h1" in task else task.rpartition("/")[2]
    words = [word.format(**values, rewards=rewards) for word in fork.arguments]
    command = [
        sys.executable,
        str(PROGRAM),
        *(f"--path={path}" for path in paths),
        *([f"--path={folder / fork.name}"] if fork.driver else []),
        str(PROGRAM.parents[2] / "benchmarks" / fork.driver if fork.driver else folder / fork.name / fork.script),
    ]
    log = logs / f"{fork.name}_{Path(task).name}.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    environment = {**os.environ, "WANDB_MODE": "disabled", **dict(fork.environment)}
    with open(log, "w") as out:
        try:
            status = subprocess.run(
                [*command, *words], cwd=folder / fork.name, env=environment, stdout=out, stderr=out, timeout=limit
            ).returncode
        except subprocess.TimeoutExpired:
            status = 0
    return read(_COLOUR.sub("", log.read_text(errors="replace")), status, time.monotonic() - begin)


def read(text: str, status: int, seconds: float) -> Outcome:
    """What a training's output tells."""
    done = [int(number) + 1 for number in _ITERATION.findall(text)]
    rewards = _REWARD.findall(text)
    lines = text.strip().splitlines() or [""]
    errors = [line for line in lines if _ERROR.match(line)] or lines
    problem = errors[-1][:160] if status else "rewards are not finite" if re.search(r"reward\S*:?\s+nan", text) else ""
    return Outcome(max(done, default=0), rewards[-1] if rewards else "", seconds, problem)


def clone(name: str, source: str, tag: Optional[str], folder: Path) -> None:
    """Get a repository from its authors unless it is there."""
    if (folder / name).is_dir():
        return
    branch = ["--branch", tag] if tag else []
    address = f"https://github.com/{source}.git"
    subprocess.run(["git", "clone", "--quiet", "--depth=1", *branch, address, str(folder / name)], check=True)


if __name__ == "__main__":
    main()
