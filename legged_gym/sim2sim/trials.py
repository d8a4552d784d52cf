"""How well a policy does what it is told: pure commands on a plane, straight on over the terrain saved with it.

A trial is one command for 10 s from rest, of which the first second counts for falls alone; `cells_of` says which
commands there are. `legged_gym.evaluation.grid` measures the same in the training environment. A policy that goes from
goal to goal does so at speeds of its training, for as long as an episode of it.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from legged_gym.evaluation.cells import EPISODE_S, SETTLE_S, cells_of
from legged_gym.policies.onnx_file import GROUND_FILE
from legged_gym.reading import read_json
from legged_gym.sim2sim.course import goals_rule
from legged_gym.sim2sim.ends import ENDS, OLDER, falls
from legged_gym.sim2sim.ground import Ground, read_ground
from legged_gym.sim2sim.network import Network
from legged_gym.sim2sim.robot import Robot, Term, World

SCORE_FILE = "score.json"
"""Beside a policy: what the training environment measures of it, from benchmarks/sim2sim.py."""
PLANE, TERRAIN = "plane", "terrain"
TOLERANCE = 0.2
"""Relative deviation of a metric from that of the training environment that is still the same policy."""
# deviations that are always allowed: of a fraction, of errors in m/s and rad/s
LEAST = {"success": 0.0, "goals": 0.0, "progress": 0.0, "lin_vel_xy_error": 0.01, "ang_vel_error": 0.02, "falls": 0.1}
GREATER_IS_BETTER = ("success", "goals", "progress")

COURSE_TRIALS = 20
"""From goal to goal, over all starts."""

_ROUNDING = 1e-6


class Trial(NamedTuple):
    """One episode.

    Attributes:
        name: for people.
        command: m/s forward, m/s to the left, rad/s.
        place: m, where the robot begins.
    """

    name: str
    command: Tuple[float, float, float]
    place: Tuple[float, float, float] = (0.0, 0.0, 0.0)


class Measured(NamedTuple):
    """What a trial came to; errors and speed are means over the time after the first second, before a fall.

    Attributes:
        trial: the trial.
        seconds: s that were measured.
        along: m or rad, way along the command.
        fell: whether.
        lin_vel_xy_error: m/s.
        ang_vel_error: rad/s.
    """

    trial: Trial
    seconds: float
    along: float
    fell: bool
    lin_vel_xy_error: float
    ang_vel_error: float


class Ran(NamedTuple):
    """What a trial from goal to goal came to.

    Attributes:
        trial: the trial.
        success: whether all goals were reached, and every hurdle passed between its posts.
        goals: the share of the goals that was reached.
        fell: whether.
    """

    trial: Trial
    success: bool
    goals: float
    fell: bool


def trials_of(description: Mapping[str, Any], ground: Ground) -> List[Trial]:
    """All trials of a policy on a ground; none on a plane for who follows no velocity commands."""
    commands = description["commands"]
    if len(ground.starts):
        return _course_trials(commands, ground) if goals_rule(description) else _straight_on(commands, ground)
    terms = [term["name"] for group in description["observations"].values() for term in group.get("terms", [])]
    if "commands" not in terms or "lin_vel_x" not in commands["ranges"]:
        return []
    return [Trial(f"{cell.direction}, {cell.speed}", cell.command) for cell in cells_of(commands)]


def _straight_on(commands: Mapping[str, Any], ground: Ground) -> List[Trial]:
    """At middle speed, from every start of a terrain."""
    forward = [cell.command for cell in cells_of(commands) if cell.direction == "forward"]
    places = zip(ground.tiles, ground.starts.tolist())
    return [Trial(tile.name, forward[len(forward) // 2], tuple(start)) for tile, start in places if forward]


def _course_trials(commands: Mapping[str, Any], ground: Ground) -> List[Trial]:
    """At speeds spread evenly over those of the training, from every start."""
    low, high = commands["ranges"]["lin_vel_x"]
    count = max(1, COURSE_TRIALS // len(ground.starts))
    speeds = [round(low + (high - low) * (k + 0.5) / count, 4) for k in range(count)]
    return [
        Trial(f"{tile.name} at {speed:g} m/s", (speed, 0.0, 0.0), tuple(start))
        for tile, start in zip(ground.tiles, ground.starts.tolist())
        for speed in speeds
    ]


def run_trial(robot: Robot, trial: Trial) -> Measured:
    """Let a robot follow a command until the time is over or it falls."""
    dt, command = robot.description["control_dt"], np.array(trial.command)
    robot.start(trial.place, dict(zip(("lin_vel_x", "lin_vel_y", "ang_vel_yaw"), trial.command)))
    unit = command / np.linalg.norm(command)
    seconds = along = linear = angular = 0.0
    fell = False
    for step in range(round(EPISODE_S / dt)):
        if step * dt >= SETTLE_S - _ROUNDING:
            velocity = np.array([*robot.velocity[:2], robot.angular_velocity[2]])
            error = command - velocity
            seconds, along = seconds + dt, along + dt * float(velocity @ unit)
            linear, angular = linear + dt * float(np.linalg.norm(error[:2])), angular + dt * abs(float(error[2]))
        robot.step()
        fell = robot.fell()
        if fell:
            break
    return Measured(trial, seconds, along, fell, linear, angular)


def run_course(robot: Robot, trial: Trial) -> Ran:
    """Let a robot go from goal to goal until the last, a fall, or the end of an episode."""
    robot.start(trial.place, {"lin_vel_x": trial.command[0]})
    seconds = robot.description.get("terminations", OLDER)["episode_length_s"]
    fell = False
    while robot.time < seconds and not (fell or robot.course.finished):
        robot.step()
        fell = robot.fell()
    return Ran(trial, robot.course.finished and bool(robot.course.passed.all()), robot.course.share, fell)


def score_course(ran: Sequence[Ran]) -> Dict[str, float]:
    """Trials from goal to goal together: `success` and `falls`, fractions, `goals`, the mean share, and `trials`."""
    means = {name: float(np.mean([getattr(each, name) for each in ran])) for name in ("success", "goals")}
    return {**means, "falls": float(np.mean([each.fell for each in ran])), "trials": len(ran)}


def score(measured: Sequence[Measured]) -> Dict[str, float]:
    """Trials of a command together.

    Returns:
        `progress`, way along the command over what was commanded, a fall ends it; `lin_vel_xy_error` m/s and
        `ang_vel_error` rad/s, means over time; `falls`, a fraction; `trials`, how many.
    """
    full = EPISODE_S - SETTLE_S
    commanded = [full * float(np.linalg.norm(each.trial.command)) for each in measured]
    seconds = max(sum(each.seconds for each in measured), _ROUNDING)
    return {
        "progress": float(np.mean([each.along / way for each, way in zip(measured, commanded)])),
        "lin_vel_xy_error": sum(each.lin_vel_xy_error for each in measured) / seconds,
        "ang_vel_error": sum(each.ang_vel_error for each in measured) / seconds,
        "falls": float(np.mean([each.fell for each in measured])),
        "trials": len(measured),
    }


def deviations(found: Mapping[str, float], expected: Mapping[str, float]) -> Dict[str, str]:
    """Metrics in which a policy is worse than in its training environment by more than the tolerance, in words."""
    worse = {}
    for name in (name for name in LEAST if name in expected):
        sign, least = -1.0 if name in GREATER_IS_BETTER else 1.0, LEAST[name]
        # the other way round, NaN would pass
        if not sign * (found[name] - expected[name]) <= max(TOLERANCE * abs(expected[name]), least):
            worse[name] = f"{name} is {found[name]:.3f}, {expected[name]:.3f} in the training environment"
    return worse


def ground_of(policy: Network) -> Optional[Ground]:
    """The terrain saved with a policy, None if there is none."""
    path = os.path.join(os.path.dirname(os.path.abspath(policy.path)), GROUND_FILE)
    return read_ground(path) if os.path.isfile(path) else None


class Scored(NamedTuple):
    """A policy on a ground.

    Attributes:
        score: of `score` or `score_course`.
        fallen: the trials that ended by a fall.
    """

    score: Dict[str, float]
    fallen: List[str]


def score_policy(policy: Network, world: World, terms: Mapping[str, Term]) -> Scored:
    """Run the trials of a ground, of which there are some: all of a plane, or of a terrain.

    Raises:
        UserError: as `Robot`.
    """
    robot, trials = Robot(policy, world, terms), trials_of(policy.description, world.ground)
    unknown = [each["name"] for each in falls(policy.description) if each["name"] not in ENDS]
    if unknown:
        print(f"note: plain MuJoCo does not know the terminations {', '.join(unknown)} of the training")
    if goals_rule(policy.description):
        ran = [run_course(robot, trial) for trial in trials]
        return Scored(score_course(ran), [each.trial.name for each in ran if each.fell])
    measured = [run_trial(robot, trial) for trial in trials]
    return Scored(score(measured), [each.trial.name for each in measured if each.fell])


def expected_score(policy: Network) -> Dict[str, Dict[str, float]]:
    """What the training environment measured of this very policy, by ground; empty where nothing is known."""
    path = os.path.join(os.path.dirname(os.path.abspath(policy.path)), SCORE_FILE)
    if not os.path.isfile(path):
        return {}
    content = read_json(path)
    if content.get("policy_sha256") != policy.sha256:
        print(f"note: {path} is of another policy; make it anew with benchmarks/sim2sim.py")
        return {}
    return {ground: content[ground] for ground in (PLANE, TERRAIN) if ground in content}
