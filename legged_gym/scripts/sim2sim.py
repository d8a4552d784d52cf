"""Try an exported policy in plain MuJoCo: robot file, policy, and nothing of the training environment.

    python legged_gym/scripts/sim2sim.py --policy=a1_flat                          score it beside the environment's
    python legged_gym/scripts/sim2sim.py --policy=<run>/exported/policy.onnx --robot=a1.xml --dt=0.001
    python legged_gym/scripts/sim2sim.py --policy=a1_flat --command 0.5 0 0.2 --duration=10 --video=walk.mp4
    python legged_gym/scripts/sim2sim.py --policy=<run>/exported/policy.onnx --clip dance.npz    follow a motion clip

A score is made of one trial of 10 s for each pure command (forward, back, left, right, turn left, turn right; slow,
middle, fast) on a plane, and where terrain.npz is beside the policy, of one over each of its tiles; a policy that goes
from goal to goal is scored by success on the tiles, or on the course of hurdles, in terrain.npz alone. The score of the
training environment is read from score.json beside the policy (benchmarks/sim2sim.py makes it). Exit status 1 tells of
a metric that is worse by more than 20 %: joints in another order, a sign, a scale, a delay, or a policy that leans on
its simulator. A policy that follows motion clips is scored by those: status 1 tells of one that it did not follow to
its end. docs/sim2sim.md, docs/deploy.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from typing import Dict, List, Mapping, Optional, Sequence

if not __package__:
    # Run as a file: the packages beside this one go before any installed ones, another rsl_rl among them.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from legged_gym.errors import UserError
from legged_gym.programs import run_script
from legged_gym.reading import path_of
from legged_gym.sim2sim import trials
from legged_gym.sim2sim.ground import Ground, read_ground
from legged_gym.sim2sim.motion import Reference, clips_beside, follow, ground_of_clip
from legged_gym.sim2sim.network import Network, open_policy
from legged_gym.sim2sim.robot import Robot, Term, World
from legged_gym.sim2sim.terms import TERMS
from legged_gym.utils.cli import ArgumentParser, number
from legged_gym.utils.files import check_writable
from legged_gym.utils.reports import short_path, write_json
from legged_gym.utils.start_points import policy_file

DEFAULT_DT = 0.002
EXIT_WORSE = 1


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Score, or show one run.

    Raises:
        UserError: for a mistake in the command line or in a file.
    """
    args = _parse(argv)
    policy = open_policy(policy_file(args.policy))
    terms = {**TERMS, **(_own_terms(args.terms) if args.terms else {})}
    dt = _time_step(policy) if args.dt is None else args.dt
    robot_file = args.robot or robot_file_of(policy)
    print(f"policy     {short_path(policy.path)}\nrobot      {short_path(robot_file)}\ntime step  {dt:g} s", flush=True)
    if args.clip and "motion" not in policy.description:
        raise UserError("--clip: this policy follows no motion clips")
    terrain = read_ground(args.terrain) if args.terrain else trials.ground_of(policy)
    worlds = {trials.PLANE: World(robot_file, Ground(), dt, args.delay)}
    if terrain is not None:
        worlds[trials.TERRAIN] = World(robot_file, terrain, dt, args.delay)
    if args.command is not None or args.video or args.window:
        world = worlds[trials.TERRAIN if args.terrain else trials.PLANE]
        robot = Robot(policy, world, terms)
        start = world.ground.starts[0] if len(world.ground.starts) else (0.0, 0.0, 0.0)
        if args.clip:
            robot.reference = Reference(args.clip[0], robot.model, robot.description)
        command = args.command or _forward(policy, world.ground)
        robot.start(start, dict(zip(("lin_vel_x", "lin_vel_y", "ang_vel_yaw"), command)))
        _show(robot, world, max(1, round(args.duration / policy.description["control_dt"])), args.video, args.window)
        x, y, _ = robot.position - robot.description["start"]["position"] - start
        way = f"{x:.2f} m forward, {y:.2f} m to the left, {'fallen' if robot.fell() else 'upright'}"
        print(f"after {robot.time:.1f} s: {way}")
        return 0
    if "motion" in policy.description:
        own = worlds[trials.TERRAIN] if args.terrain else None
        return _follow(policy, own, worlds[trials.PLANE], terms, args.clip, args.json)
    return _score(policy, worlds, terms, args.json)


def _parse(argv: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = ArgumentParser(__doc__)
    add = parser.add_argument
    add("--policy", required=True, metavar="PATH", help="an ONNX file, its folder, or the name of a shipped policy")
    add("--robot", metavar="FILE", help="URDF or MJCF; by default that of the training")
    add("--dt", type=float, metavar="S", help=f"physics step; by default {DEFAULT_DT:g} s where that fits")
    add(
        "--delay",
        type=number(whole=True, low=0),
        metavar="N",
        help="control steps that actions come late; by default as in training",
    )
    add("--terrain", metavar="FILE", help="a terrain.npz; by default that beside the policy")
    add("--terms", metavar="FILE", help="Python file with functions <term>(robot, term) for observations of your own")
    add("--command", nargs=3, type=number(), metavar="V", help="run this instead: m/s forward, m/s left, rad/s")
    add("--clip", nargs="+", metavar="FILE", help="motion clips to follow; by default those beside the policy")
    add("--duration", type=number("s", above=0), default=10.0, metavar="S", help="of that run (10)")
    add("--video", metavar="FILE", help="record that run as MP4")
    add("--window", action="store_true", help="show that run in MuJoCo's viewer")
    add("--json", metavar="FILE", help="write the score here too")
    args = parser.parse_args(argv)
    for flag in ("video", "json"):
        if getattr(args, flag):
            check_writable(getattr(args, flag), f"--{flag}")
    if args.video and not args.video.endswith(".mp4"):
        raise UserError(f"--video={args.video}: a video is an .mp4 file")
    if args.json and (args.command is not None or args.video or args.window):
        raise UserError("--json: a run that is shown has no score; leave out --command, --video and --window")
    return args


def robot_file_of(policy: Network) -> str:
    """The robot file of the training."""
    return path_of(str(policy.description["robot_file"]["file"]))


def _time_step(policy: Network) -> float:
    """The default if the control step is a multiple of it, else that of the training."""
    count = policy.description["control_dt"] / DEFAULT_DT
    return DEFAULT_DT if abs(count - round(count)) < 1e-6 else float(policy.description["physics_dt"])


def _own_terms(path: str) -> Dict[str, Term]:
    spec = importlib.util.spec_from_file_location("own_terms", path) if os.path.isfile(path) else None
    if spec is None or spec.loader is None:
        raise UserError(f"--terms={path}: no Python file there")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UserError(f"--terms={path}: {type(error).__name__}: {error}") from error
    return {name: value for name, value in vars(module).items() if callable(value)}


def _score(policy: Network, worlds: Mapping[str, World], terms: Mapping[str, Term], json_file: Optional[str]) -> int:
    """Score on all grounds, beside what is known of the training environment; returns the exit status."""
    expected, result = trials.expected_score(policy), {}
    worse: List[str] = []
    worlds = {name: world for name, world in worlds.items() if trials.trials_of(policy.description, world.ground)}
    if not worlds:
        raise UserError("this policy follows no velocity commands, so there is nothing to score; give --command")
    for ground, world in worlds.items():
        found, fallen = trials.score_policy(policy, world, terms)
        result[ground], known = found, expected.get(ground, {})
        print(f"\n{ground + ', ' + str(found['trials']) + ' trials':<24}{'here':>10}{'environment':>14}")
        for name in (name for name in trials.LEAST if name in found):
            print(f"  {name:<22}{found[name]:10.3f}" + (f"{known[name]:14.3f}" if known else ""))
        if fallen:
            print(f"  fell: {'; '.join(fallen)}")
        worse += trials.deviations(found, known).values() if known else []
    if not expected:
        print("\nnothing is known of the training environment; benchmarks/sim2sim.py --policy=<file> measures it")
    else:
        print(f"\n{'WORSE than in training: ' + '; '.join(worse) if worse else 'as in training, within 20 %'}")
    if json_file:
        write_json(json_file, {"kind": "sim2sim_score", "policy_sha256": policy.sha256, **result})
    return EXIT_WORSE if worse else 0


def _follow(
    policy: Network,
    world: Optional[World],
    plane: World,
    terms: Mapping[str, Term],
    clips: Optional[Sequence[str]],
    json_file: Optional[str],
) -> int:
    """Follow clips one after the other, in a world or each on its own ground; returns the exit status."""
    robots: Dict[Optional[str], Robot] = {}
    references = []
    for file in clips or clips_beside(policy.path, policy.description):
        ground = None if world else ground_of_clip(policy.path, policy.description, file)
        if ground not in robots:
            there = world or (plane._replace(ground=read_ground(ground)) if ground else plane)
            robots[ground] = Robot(policy, there, terms)
        references.append((robots[ground], Reference(file, robots[ground].model, policy.description)))
    print(f"\n{'clip':<32}{'followed':>10}{'bodies, m':>12}{'joints, rad':>13}")
    found = []
    for robot, reference in references:
        found.append(follow(robot, reference))
        name, share, bodies, joints = found[-1]
        print(f"{name:<32}{100.0 * share:8.1f} %{bodies:12.3f}{joints:13.3f}", flush=True)
    if json_file:
        measured = [each._asdict() for each in found]
        write_json(json_file, {"kind": "sim2sim_clips", "policy_sha256": policy.sha256, "clips": measured})
    return EXIT_WORSE if any(each.share < 1.0 for each in found) else 0


def _show(robot: Robot, world: World, steps: int, video: Optional[str], in_window: bool) -> None:
    """So many control steps, in a window, a video or words alone."""
    from legged_gym.sim2sim.film import film, window

    if video:
        film(robot, world, video, steps, os.path.basename(os.path.dirname(os.path.abspath(robot.policy.path))))
        print(f"video      {short_path(video)}")
    elif in_window:
        window(robot, steps)
    else:
        for _ in range(steps):
            robot.step()


def _forward(policy: Network, ground: Ground) -> Sequence[float]:
    if "motion" in policy.description:
        return (0.0, 0.0, 0.0)
    found = trials.trials_of(policy.description, ground)
    if not found:
        raise UserError("this policy follows no velocity commands: give --command 0 0 0")
    return found[0].command


if __name__ == "__main__":
    run_script(main)
