"""What a page in a browser costs a training, and how well it shows a robot at play.

    python benchmarks/viewer.py --json=result.json
    python benchmarks/viewer.py --skip=training

Training: iterations of one run in turns, without a page, with one that nobody looks at, and with one that a client in
another process looks at (4 robots). The client receives and does not draw, as a browser on another machine would.
Ratios are of the speeds in one round: quartiles and median over the rounds, by the clock, and by the time that the
training's process computes, which other programs on the machine disturb less. Play: one A1, as seen by such a client;
then the time from opening the page in a browser without a GPU to a picture of the robot, on a plane and on rough
ground.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

if not __package__:
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

import numpy as np

from legged_gym.programs import run_script
from legged_gym.utils import reports, training
from legged_gym.utils.cli import add_training_flags, make_parser
from legged_gym.utils.options import CommandLine

Seen = Tuple[float, int, float, float]

_KINDS = ("alone", "served", "watched")
_PLAY_SECONDS = 10.0
_PARTS = ("training", "play", "pictures")


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Measure as the command line says."""
    parser = make_parser(__doc__ or "")
    add_training_flags(parser)
    parser.add_argument("--rounds", type=int, default=10, help="rounds that are counted, after one that is not (10)")
    parser.add_argument("--skip", action="append", default=[], choices=_PARTS, help="leave a part out; repeatable")
    parser.add_argument("--json", metavar="FILE", help="write the result here too")
    args = parser.parse(argv)
    args.task = args.task or "a1_flat"
    reports.check_writable(args.json)
    result: Dict[str, Any] = {"kind": "viewer_benchmark", "task": args.task}
    if "training" not in args.skip:
        with contextlib.redirect_stdout(sys.stderr):
            result["training"] = measure_training(CommandLine.read(args), args.rounds)
    if "play" not in args.skip:
        result["play"] = measure_play()
    if "pictures" not in args.skip:
        result["first_picture_s"] = {policy: first_picture(policy) for policy in ("a1_flat", "a1")}
    result.update(reports.origin(__file__, argv))
    print(json.dumps(reports.rounded(result), indent=2))
    if args.json:
        reports.write_json(args.json, result)


# ---------------------------------------------------------------- training


def measure_training(command: CommandLine, rounds: int) -> Dict[str, Any]:
    """Seconds of iterations of each kind, and how fast the last two are in comparison with the first."""
    from legged_gym.viewing.training import watched

    plan = training.plan_training(command, begins=True).settled()
    with contextlib.closing(training.make_env(plan)) as env, watched(env, "127.0.0.1", 0) as page:
        runner = training.make_runner(plan, env, None)
        times: Dict[str, List[float]] = {kind: [] for kind in _KINDS}
        cpu_times: Dict[str, List[float]] = {kind: [] for kind in _KINDS}
        last: Dict[str, float] = {}
        runner.callbacks.append(lambda _, __, metrics: last.update(metrics))
        for turn in range(rounds + 1):
            for kind in _KINDS if turn % 2 else _KINDS[::-1]:
                env.drop_part("page")
                with contextlib.ExitStack() as stack:
                    if kind != "alone":
                        env.use_part("page", page)
                    if kind == "watched":
                        stack.enter_context(client_process(f"http://127.0.0.1:{page.page.server.get_port()}"))
                    began = time.process_time()
                    runner.learn(1, init_at_random_ep_len=turn == 0)
                    computed = time.process_time() - began
                env.use_part("page", page)
                if turn:
                    times[kind].append(last["Train/iteration_time"])
                    cpu_times[kind].append(computed)
    return {
        "num_envs": env.num_envs,
        "iteration_s": times,
        "speed_over_alone": _over_alone(times),
        "speed_over_alone_by_cpu_time": _over_alone(cpu_times),
    }


def _over_alone(times: Dict[str, List[float]]) -> Dict[str, List[float]]:
    """Lower quartile, median and upper quartile of the ratios in each round."""
    alone = np.array(times["alone"])
    return {kind: np.quantile(alone / np.array(times[kind]), [0.25, 0.5, 0.75]).tolist() for kind in _KINDS[1:]}


@contextlib.contextmanager
def client_process(address: str) -> Iterator[None]:
    """Somebody looks, in another process; he has seen all that was there before."""
    words = [sys.executable, "-m", "benchmarks.page_client", address]
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield
        finally:
            process.kill()


# ---------------------------------------------------------------- play


def measure_play() -> Dict[str, float]:
    """How smoothly a page shows one A1 at play, and what that costs."""
    from benchmarks.page_client import Client
    from tests.viewing.browser import program

    flags = ["--policy=a1_flat", "--viewer=web", "--num_envs=1"]
    with program("play", *flags) as (address, pid), Client(address) as client:
        while client.last_seconds is None or client.last_seconds < 2.0:
            time.sleep(0.05)
        before = _seen(client, pid)
        time.sleep(_PLAY_SECONDS)
        return per_second(before, _seen(client, pid))


def per_second(before: Seen, after: Seen) -> Dict[str, float]:
    """What happened between two states of a visitor, per second of the clock."""
    played, poses, cpu, wall = (end - start for end, start in zip(after, before))
    return {"robot_s_per_s": played / wall, "pose_updates_per_s": poses / wall, "share_of_a_core": cpu / wall}


def _seen(client: Any, pid: int) -> Seen:
    """Seconds of play, packets with poses, seconds of computing, and of the clock."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return client.last_seconds, client.pose_packets, cpu, time.perf_counter()


def first_picture(policy: str) -> float:
    """Seconds from opening the page to a picture of the robot, in a browser without a GPU."""
    from tests.viewing.browser import program, robot_is_drawn, visit

    with program("play", f"--policy={policy}", "--viewer=web", "--num_envs=1") as (address, _), visit() as (page, _):
        started = time.perf_counter()
        page.goto(address)
        while not robot_is_drawn(page):
            pass
        return time.perf_counter() - started


if __name__ == "__main__":
    run_script(main)
