"""Logs of shipped policies in plain MuJoCo: other ground, friction, mass, commands, noise and pushes than nominal."""

from __future__ import annotations

import copy
import os
import sys
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import numpy as np

from benchmarks.log_mistakes import MOTOR, Change, Mistake
from legged_gym.scripts.sim2sim import robot_file_of
from legged_gym.sim2sim.ground import Ground
from legged_gym.sim2sim.network import Network
from legged_gym.sim2sim.robot import Robot, World
from legged_gym.sim2sim.terms import TERMS

Log = Dict[str, np.ndarray]

CELL, REACH = 0.1, 15.0  # m


class Conditions(NamedTuple):
    """What a walk is like.

    Attributes:
        seed: of commands, ground, noise and pushes.
        ground: "plane", "rough" or "slope".
        noise: share of the noise of training, on all that is sensed.
        friction, mass: factors of the nominal ones.
        push: m/s, now and then.
    """

    seed: int
    ground: str = "plane"
    noise: float = 0.2
    friction: float = 1.0
    mass: float = 1.0
    push: float = 0.0


class LoggingRobot(Robot):
    """A robot that writes down what it senses, sees and does, with mistakes in it if wanted."""

    noise: Mapping[str, float] = {}
    changes: Sequence[Change] = ()

    def begin(self, seed: int, noise: float, changes: Sequence[Change]) -> None:
        """Start a log; `changes` act while it walks."""
        self.rows: List[Dict[str, np.ndarray]] = []
        self.random = np.random.default_rng(seed)
        self.share, self.changes = noise, changes
        act = self._drives.act

        def send(action: np.ndarray) -> None:
            values = {MOTOR: action}
            self._change(values)
            act(values[MOTOR])

        self._drives.act = send  # type: ignore[method-assign]

    def _change(self, values: Dict[str, np.ndarray]) -> None:
        for change in self.changes:
            try:
                change(values, self.rotation)
            except KeyError:
                continue  # is of the motors, or of what is sensed

    def observe(self) -> Dict[str, np.ndarray]:
        """As a robot's program would: noise of the sensors first, then its mistakes, then scales."""
        values = {}
        for group in self.description["observations"].values():
            for term in group["terms"]:
                value = np.asarray(self._terms[term["name"]](self, term), float).ravel()
                half = self.share * LEVELS.get(term["name"], 0.0)
                values[term["name"]] = value + self.random.uniform(-half, half, value.size)
        self.rows.append({**values, "rotation": self.rotation, "command": np.array(list(self.command.values()))})
        values = dict(values)
        self._change(values)
        self.rows[-1]["seen"] = scaled(values, self.description)
        return {name: self.rows[-1]["seen"] for name in self.description["observations"]}


LEVELS = {"base_lin_vel": 0.1, "base_ang_vel": 0.2, "projected_gravity": 0.05, "dof_pos": 0.01, "dof_vel": 1.5}
"""Half the width of the noise of training, SI."""


def scaled(values: Mapping[str, np.ndarray], description: Mapping[str, Any]) -> np.ndarray:
    """The input of the network for plain values of its one group."""
    (group,) = description["observations"].values()
    parts = [values[term["name"]] * np.array(term["scale"]) for term in group["terms"]]
    return np.clip(np.concatenate(parts), -group["clip"], group["clip"])


def make_ground(kind: str, seed: int) -> Ground:
    """Plane, bumps of 3 cm, or a slope of 6 degrees."""
    count = round(2 * REACH / CELL) + 1
    random = np.random.default_rng(seed)
    if kind == "plane":
        return Ground()
    if kind == "slope":
        x = np.linspace(-REACH, REACH, count)
        turn = random.uniform(-np.pi, np.pi)
        heights = np.tan(np.radians(6.0)) * (np.cos(turn) * x[:, None] + np.sin(turn) * x[None, :])
    else:
        heights = random.uniform(0.0, 0.03, (count, count))
    return Ground(heights, CELL, (-REACH, -REACH))


def walk(policy: Network, conditions: Conditions, steps: int, mistakes: Sequence[Mistake] = ()) -> LoggingRobot:
    """Let a policy walk with commands that change; its rows are the log."""
    random = np.random.default_rng(conditions.seed)
    plain = policy.description
    description = copy.deepcopy(plain)
    contact = description["physics"]["contact"]
    contact["friction"] = [conditions.friction * value for value in contact["friction"]]
    policy.description = description
    try:
        world = World(robot_file_of(policy), make_ground(conditions.ground, conditions.seed), 0.002)
        robot = LoggingRobot(policy, world, TERMS)
    finally:
        policy.description = plain
    first = robot.model.joint(plain["joints"][0]["name"]).bodyid[0]
    robot.model.body_mass[robot.model.body_rootid[first]] *= conditions.mass
    height = (
        0.0
        if world.ground.heights is None
        else float(np.max(world.ground.height(*np.mgrid[-0.4:0.5:0.1, -0.4:0.5:0.1])))
    )
    robot.start((0.0, 0.0, height), draw_command(plain, random))
    robot.begin(conditions.seed, conditions.noise, [mistake.make() for mistake in mistakes])
    for step in range(steps):
        if step and step % 100 == 0:
            robot.command.update(draw_command(plain, random))
        if conditions.push and step and step % 120 == 0:
            robot.data.qvel[:2] += random.uniform(-conditions.push, conditions.push, 2)
        robot.step()
        robot.rows[-1]["action"] = robot.actions[-1]
    return robot


def draw_command(description: Mapping[str, Any], random: np.random.Generator) -> Dict[str, float]:
    """As in training, but not faster than 1 m/s."""
    ranges = description["commands"]["ranges"]
    command = {name: float(np.clip(random.uniform(low, high), -1.0, 1.0)) for name, (low, high) in ranges.items()}
    if np.hypot(command["lin_vel_x"], command["lin_vel_y"]) <= description["commands"]["min_norm"]:
        command["lin_vel_x"] = command["lin_vel_y"] = 0.0
    return command


def log_of(robot: LoggingRobot, mistakes: Sequence[Mistake] = (), raw: bool = False) -> Log:
    """Columns of a log; `mistakes` are planted into what was seen, after the walk."""
    description, rows = robot.description, robot.rows
    changes = [mistake.make() for mistake in mistakes]
    seen = []
    for row in rows:
        values = {key: value for key, value in row.items() if key not in ("seen", "action", "rotation", "command")}
        for change in changes:
            change(values, row["rotation"])
        seen.append(scaled(values, description) if changes else row["seen"])
    ((name, group),) = description["observations"].items()
    table, log = np.array(seen), {"time": description["control_dt"] * np.arange(len(rows))}
    for term in group["terms"]:
        log[f"{name}.{term['name']}"] = table[:, term["start"] : term["start"] + term["size"]]
    log["action"] = np.array([row["action"] for row in rows])
    return {**log, **(_raw(robot) if raw else {})}


def _raw(robot: LoggingRobot) -> Log:
    rows = robot.rows
    log = {name: np.array([row[term] for row in rows]) for name, term in RAW.items() if term in rows[0]}
    log["q"] = log["q"] + robot.default
    log["quat"] = np.array([_quat(row["rotation"], row["projected_gravity"]) for row in rows])
    return {
        **log,
        **{f"command.{name}": np.array([row["command"][i] for row in rows]) for i, name in enumerate(robot.command)},
    }


RAW = {"q": "dof_pos", "dq": "dof_vel", "gyro": "base_ang_vel", "lin_vel": "base_lin_vel"}


def _quat(rotation: np.ndarray, gravity: np.ndarray) -> np.ndarray:
    """x, y, z, w of an IMU that gravity as it was sensed is made of."""
    roll, pitch = np.arctan2(-gravity[1], -gravity[2]), np.arctan2(gravity[0], np.hypot(gravity[1], gravity[2]))
    yaw = np.arctan2(rotation[1, 0], rotation[0, 0])
    (sr, cr), (sp, cp), (sy, cy) = ((np.sin(0.5 * angle), np.cos(0.5 * angle)) for angle in (roll, pitch, yaw))
    x, y = sr * cp * cy - cr * sp * sy, cr * sp * cy + sr * cp * sy
    return np.array([x, y, cr * cp * sy - sr * sp * cy, cr * cp * cy + sr * sp * sy])


def environment_logs(name: str, count: int, steps: int) -> List[Log]:
    """Logs of robots in the training environment of a policy, with noise, pushes and all that it randomises."""
    if not count:
        return []
    import contextlib

    import torch

    from legged_gym.envs.variants import for_evaluation
    from legged_gym.policies.policy_io import add_policy_flag, find_policy, load_policy
    from legged_gym.utils.cli import make_parser
    from legged_gym.utils.options import CommandLine
    from legged_gym.utils.training import make_env

    parser = make_parser("")
    add_policy_flag(parser)
    flags = ["--sim=mujoco", "--seed=5", f"--num_envs={count}", f"--policy={name}"]
    source = find_policy(CommandLine.read(parser.parse(flags)), for_evaluation)
    seen, done = [], []
    with contextlib.closing(make_env(source.settled())) as env, torch.no_grad():
        policy, obs = load_policy(source, env), env.reset()
        (group,) = policy.groups
        terms = [(row["name"], row["size"]) for row in env.observation_groups[group].layout()]
        clip, dt = float(env.cfg.normalization.clip_actions), env.dt
        for _ in range(steps):
            action = policy(obs)
            seen.append((obs[group].numpy().copy(), action.clamp(-clip, clip).numpy().copy()))
            obs, _, dones, _ = env.step(action)
            policy.reset(dones)
            done.append(dones.numpy().copy())
    ends = np.cumsum(done, axis=0) > 0
    return [_environment_log(seen, ends[:, robot], robot, f"{group}", terms, dt) for robot in range(count)]


def _environment_log(
    seen: List[Any], ended: np.ndarray, robot: int, group: str, terms: Sequence[Any], dt: float
) -> Log:
    """One robot until its episode ends."""
    steps = int(np.argmax(ended)) + 1 if ended.any() else len(seen)
    table = np.array([obs[robot] for obs, _ in seen[:steps]])
    log, start = {"time": dt * np.arange(steps), "action": np.array([action[robot] for _, action in seen[:steps]])}, 0
    for name, size in terms:
        log[f"{group}.{name}"] = table[:, start : start + size]
        start += size
    return log
