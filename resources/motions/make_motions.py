"""Make the clips of this folder: key poses in between which splines go, with feet that inverse kinematics holds.

    python resources/motions/make_motions.py

A clip is told as curves over time: place and turn of the pelvis, place and heading of each foot, angles of the other
joints. Both legs have six joints, so a foot and a pelvis leave them one pose, which Newton's method on MuJoCo's
Jacobians finds frame by frame.
"""

from __future__ import annotations

import math
import os
import sys
from typing import Callable, Dict, List, Sequence, Tuple

import mujoco
import numpy as np
import torch

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[0] = ROOT

from legged_gym.motions.checks import faults  # noqa: E402
from legged_gym.motions.clip import Clip, write_clip  # noqa: E402
from legged_gym.motions.contacts import foot_contacts  # noqa: E402
from legged_gym.sim.robot.robot_file import load_robot  # noqa: E402
from legged_gym.sim.robot.skeleton import read_skeleton  # noqa: E402
from rsl_rl.utils.files import replacing  # noqa: E402

FPS = 50
HEIGHT = 0.75  # of the pelvis, knees a little bent, m
WIDTH = 0.118  # of a foot from the middle, m
ANKLE = 0.0353  # of a foot's frame over the ground, m
LIFT = 0.1  # of a foot that steps, m
TILT = 0.15  # of it then, toes down, rad
SIDES = ("left", "right")
LEG = ("hip_pitch", "hip_roll", "hip_yaw", "knee", "ankle_pitch", "ankle_roll")
ARMS = {"left_shoulder_roll": 0.2, "right_shoulder_roll": -0.2, "left_elbow": 0.9, "right_elbow": 0.9,
        "left_shoulder_pitch": 0.2, "right_shoulder_pitch": 0.2}  # fmt: skip

Keys = Sequence[Tuple[float, Sequence[float]]]
Root = Callable[[np.ndarray], np.ndarray]
Told = Tuple[float, Root, "Feet", Dict[str, Keys]]


def curve(keys: Keys, times: np.ndarray) -> np.ndarray:
    """Values (T, n) through keys (time, values): cubic pieces, at rest at the ends, monotone where the keys are."""
    at = np.array([time for time, _ in keys], dtype=float)
    values = np.array([value for _, value in keys], dtype=float).reshape(len(keys), -1)
    slopes = np.zeros_like(values)
    for k in range(1, len(keys) - 1):
        before, after = (values[j + 1] - values[j] for j in (k - 1, k))
        before, after = before / (at[k] - at[k - 1]), after / (at[k + 1] - at[k])
        slopes[k] = np.where(
            before * after > 0, 2.0 * before * after / np.where(before * after > 0, before + after, 1.0), 0.0
        )
    piece = np.clip(np.searchsorted(at, times, side="right") - 1, 0, len(keys) - 2)
    length = (at[piece + 1] - at[piece])[:, None]
    s = np.clip((times - at[piece])[:, None] / length, 0.0, 1.0)
    start, end = values[piece], values[piece + 1]
    # quintic, so that accelerations do not jump either
    ease = s**3 * (10.0 - 15.0 * s + 6.0 * s**2)
    flow = s * (1.0 - s) ** 3 * (1.0 + 3.0 * s) * length * slopes[piece]
    flow -= (1.0 - s) * s**3 * (4.0 - 3.0 * s) * length * slopes[piece + 1]
    return start + (end - start) * ease + flow


class Feet:
    """Where feet stand, and the steps that they take."""

    def __init__(self) -> None:
        self.keys: Dict[str, List[Tuple[float, Tuple[float, float, float]]]] = {
            side: [(0.0, (0.0, sign * WIDTH, 0.0))] for side, sign in zip(SIDES, (1.0, -1.0))
        }
        self.steps: Dict[str, List[Tuple[float, float]]] = {side: [] for side in SIDES}

    def step(self, side: str, start: float, end: float, place: Tuple[float, float, float]) -> None:
        """Take a foot from where it is to (x, y, heading) between two times."""
        self.keys[side] += [(start, self.keys[side][-1][1]), (end, place)]
        self.steps[side].append((start, end))

    def at(self, side: str, times: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Places (T, 3) and heading and pitch (T, 2)."""
        keys = [*self.keys[side], (times[-1] + 1.0, self.keys[side][-1][1])]
        flat = curve(keys, times)
        rise = np.zeros(len(times))
        for start, end in self.steps[side]:
            s = np.clip((times - start) / (end - start), 0.0, 1.0)
            rise += LIFT * 64.0 * (s * (1.0 - s)) ** 3
        return np.column_stack((flat[:, :2], ANKLE + rise)), np.column_stack((flat[:, 2], TILT / LIFT * rise))


class Solver:
    """Inverse kinematics of both legs."""

    def __init__(self, file: str) -> None:
        loaded = load_robot(file, "ankle_roll")
        spec = loaded.spec
        if not loaded.root.joints:
            loaded.root.add_freejoint(name="root")
        self.model = spec.compile()
        self.data = mujoco.MjData(self.model)
        joints = [[self.model.joint(f"{side}_{name}_joint") for name in LEG] for side in SIDES]
        self.feet = [self.model.body(f"{side}_ankle_roll_link").id for side in SIDES]
        self.qpos = [[int(joint.qposadr[0]) for joint in leg] for leg in joints]
        self.dofs = [[int(joint.dofadr[0]) for joint in leg] for leg in joints]
        self.limits = [np.array([joint.range for joint in leg]) for leg in joints]

    def solve(self, places: Sequence[np.ndarray], turns: Sequence[np.ndarray]) -> float:
        """Bend the legs of the pose in `data` so that feet are there; returns the largest error, m or rad."""
        error = np.zeros(6)
        worst = 0.0
        jacobian = np.zeros((6, self.model.nv))
        for foot, place, turn_of, qpos, dofs, limits in zip(
            self.feet, places, turns, self.qpos, self.dofs, self.limits
        ):
            wanted = np.zeros(4)
            mujoco.mju_euler2Quat(wanted, [turn_of[0], turn_of[1], 0.0], "zyx")
            for _ in range(30):
                mujoco.mj_kinematics(self.model, self.data)
                mujoco.mj_comPos(self.model, self.data)
                error[:3] = place - self.data.xpos[foot]
                own, turn = np.zeros(4), np.zeros(4)
                mujoco.mju_negQuat(own, self.data.xquat[foot])
                mujoco.mju_mulQuat(turn, wanted, own)
                mujoco.mju_quat2Vel(error[3:], turn, 1.0)
                if np.abs(error).max() < 1e-7:
                    break
                mujoco.mj_jacBody(self.model, self.data, jacobian[:3], jacobian[3:], foot)
                local = jacobian[:, dofs]
                step = local.T @ np.linalg.solve(local @ local.T + 1e-8 * np.eye(6), error)
                self.data.qpos[qpos] = np.clip(
                    self.data.qpos[qpos] + np.clip(step, -0.3, 0.3), limits[:, 0], limits[:, 1]
                )
            worst = max(worst, float(np.abs(error).max()))
        return worst


def make(
    name: str,
    seconds: float,
    root: Root,
    feet: Feet,
    joints: Dict[str, Keys],
    solver: Solver,
    names: Sequence[str],
    near: float = 1e-4,
) -> Clip:
    """A clip of what a moment looks like.

    Args:
        name: of the clip.
        seconds: its length.
        root: times (T,) to x, y, z, roll, pitch, yaw (T, 6) of the pelvis.
        feet: where feet are.
        joints: keys of joints of waist and arms, by name without "_joint".
        solver: of the legs.
        names: order of the joints.
        near: m and rad, how close to their places feet have to come.
    """
    times = np.arange(round(seconds * FPS) + 1) / FPS
    pelvis = root(times)
    poses = [feet.at(side, times) for side in SIDES]
    angles = {**{joint: [(0.0, [value]), (1.0, [value])] for joint, value in ARMS.items()}, **joints}
    tracks = {f"{joint}_joint": curve(keys, times)[:, 0] for joint, keys in angles.items()}
    data, model = solver.data, solver.model
    data.qpos[:] = 0.0
    for side in SIDES:  # from here the solver bends knees forward
        for joint, value in (("hip_pitch", -0.3), ("knee", 0.6), ("ankle_pitch", -0.3)):
            data.qpos[model.joint(f"{side}_{joint}_joint").qposadr[0]] = value
    out = {"root_pos": [], "root_quat": [], "joints": []}
    worst = 0.0
    for t in range(len(times)):
        data.qpos[:3] = pelvis[t, :3]
        mujoco.mju_euler2Quat(data.qpos[3:7], pelvis[t, [5, 4, 3]], "zyx")
        for joint, track in tracks.items():
            data.qpos[model.joint(joint).qposadr[0]] = track[t]
        worst = max(worst, solver.solve([places[t] for places, _ in poses], [turn[t] for _, turn in poses]))
        out["root_pos"].append(data.qpos[:3].copy())
        out["root_quat"].append(data.qpos[[4, 5, 6, 3]].copy())
        out["joints"].append([float(data.qpos[model.joint(joint).qposadr[0]]) for joint in names])
    assert worst < near, f"{name}: a foot is {worst:.3g} away from its place: out of reach"
    arrays = [torch.tensor(np.array(out[part])) for part in ("root_pos", "root_quat", "joints")]
    return Clip(f"{name}.npz", float(FPS), list(names), *arrays, torch.zeros(len(times), 0, dtype=torch.bool))


def resting(times: np.ndarray) -> np.ndarray:
    """The pelvis of a robot that stands."""
    return np.tile([0.0, 0.0, HEIGHT, 0.0, 0.0, 0.0], (len(times), 1))


def swayed(feet: Feet, seconds: float, height: float = HEIGHT - 0.01, bob: float = 0.0, over: float = 0.78) -> Root:
    """The pelvis more or less over the foot that stands while the other one steps, in the middle before and after."""
    events = sorted((start, end, side) for side in SIDES for start, end in feet.steps[side])

    def of(times: np.ndarray) -> np.ndarray:
        def spot(side: str, time: float) -> np.ndarray:
            places, headings = feet.at(side, np.array([time, time + 1e-6]))
            return np.array([places[0, 0], places[0, 1], headings[0, 0]])

        keys = [(0.0, 0.5 * (spot("left", 0.0) + spot("right", 0.0)))]
        for start, end, side in events:
            stance = "right" if side == "left" else "left"
            half = 0.5 * (start + end)
            stand, swing = spot(stance, half), 0.5 * (spot(side, start) + spot(side, end))
            keys.append((half, over * stand + (1.0 - over) * swing))
        keys.append((seconds, 0.5 * (spot("left", seconds) + spot("right", seconds))))
        path = curve(keys, times)
        # lowest when both feet are down
        rises = [(0.0, [0.0]), *((0.5 * (start + end), [bob]) for start, end, _ in events), (seconds, [0.0])]
        dips = [(end, [0.0]) for _, end, _ in events[:-1]]
        level = height + curve(sorted([*rises, *dips]), times)[:, 0]
        zeros = np.zeros(len(times))
        return np.column_stack((path[:, :2], level, zeros, zeros + 0.04, path[:, 2]))

    return of


def squat() -> Told:
    """Down and up twice, arms forward."""
    down, up = [-0.045, 0.0, 0.48, 0.0, 0.42, 0.0], [0.0, 0.0, HEIGHT, 0.0, 0.0, 0.0]
    keys: Keys = [(0.0, up), (0.5, up), (1.5, down), (1.9, down), (2.9, up), (3.3, up), (4.3, down), (4.7, down),
                  (5.7, up), (6.2, up)]  # fmt: skip
    arms = {}
    for side in SIDES:
        raised = [(t, [-1.4 if k[2] < 0.6 else 0.2]) for t, k in keys]
        arms[f"{side}_shoulder_pitch"] = raised
        arms[f"{side}_elbow"] = [(t, [1.4 if k[2] < 0.6 else 0.9]) for t, k in keys]
    return 6.2, lambda times: curve(keys, times), Feet(), arms


def swinging(feet: Feet, seconds: float, reach: float) -> Dict[str, Keys]:
    """Arms that swing against the legs."""
    events = sorted((0.5 * (start + end), side) for side in SIDES for start, end in feet.steps[side])
    arms = {}
    for side, sign in zip(SIDES, (1.0, -1.0)):
        keys = [(0.0, [0.2])]
        keys += [(time, [0.2 + reach * (sign if foot == "left" else -sign)]) for time, foot in events]
        arms[f"{side}_shoulder_pitch"] = [*keys, (seconds, [0.2])]
    return arms


def step_in_place() -> Told:
    """Eight steps on the spot."""
    feet, seconds = Feet(), 0.6 + 8 * 0.6 + 0.4
    for k in range(8):
        side, sign = SIDES[k % 2], 1.0 - 2.0 * (k % 2)
        feet.step(side, 0.6 + 0.6 * k, 1.1 + 0.6 * k, (0.0, sign * WIDTH, 0.0))
    return seconds, swayed(feet, seconds), feet, swinging(feet, seconds, 0.25)


def turn() -> Told:
    """A whole turn to the left on the spot, in twelve pairs of steps."""
    feet, pairs = Feet(), 12
    seconds = 0.6 + 2 * pairs * 0.55 + 0.4
    for k in range(2 * pairs):
        side, sign = SIDES[k % 2], 1.0 - 2.0 * (k % 2)
        heading = 2.0 * math.pi * (k // 2 + 1) / pairs
        place = (-sign * WIDTH * math.sin(heading), sign * WIDTH * math.cos(heading), heading)
        feet.step(side, 0.6 + 0.55 * k, 1.07 + 0.55 * k, place)
    return seconds, swayed(feet, seconds), feet, swinging(feet, seconds, 0.15)


def walk() -> Told:
    """Fourteen steps forward, and one that closes."""
    feet, steps, length = Feet(), 14, 0.21
    seconds = 0.6 + (steps + 1) * 0.5 + 0.4
    for k in range(steps + 1):
        side, sign = SIDES[k % 2], 1.0 - 2.0 * (k % 2)
        feet.step(side, 0.6 + 0.5 * k, 1.02 + 0.5 * k, (length * min(k + 1, steps), sign * WIDTH, 0.0))
    return seconds, swayed(feet, seconds, 0.71, 0.015), feet, swinging(feet, seconds, 0.35)


def wave() -> Told:
    """The right hand goes up and waves four times."""
    up = {"right_shoulder_pitch": -0.6, "right_shoulder_roll": -1.3, "right_shoulder_yaw": -0.3, "right_elbow": -0.6}
    joints: Dict[str, Keys] = {}
    for joint, value in up.items():
        rest = ARMS.get(joint, 0.0)
        joints[joint] = [(0.0, [rest]), (0.4, [rest]), (1.3, [value]), (4.3, [value]), (5.2, [rest]), (5.6, [rest])]
    swings = [(1.3 + 0.375 * k, [-0.3 + (0.5 if k % 2 else -0.3) * (0 < k < 8)]) for k in range(9)]
    joints["right_shoulder_yaw"] = [(0.0, [0.0]), (0.4, [0.0]), *swings, (5.2, [0.0]), (5.6, [0.0])]
    joints["waist_yaw"] = [(0.0, [0.0]), (0.4, [0.0]), (1.3, [-0.15]), (4.3, [-0.15]), (5.2, [0.0]), (5.6, [0.0])]
    return 5.6, resting, Feet(), joints


def dance() -> Told:
    """Side steps with hips and arms, a dip, and a turn of the waist, in bars of two seconds."""
    feet, beat = Feet(), 0.5
    wide = 0.05
    time = 1.0
    for k in range(12):  # six bars: side step left and back, side step right and back
        side, sign = (("left", 1.0), ("right", -1.0))[(k // 2) % 2]
        out = wide if k % 2 == 0 else 0.0
        place = (0.05 if k % 4 == 0 else 0.0, sign * (WIDTH + out), 0.15 * sign * (k % 2 == 0))
        feet.step(side, time, time + 0.8 * beat, place)
        time += 2 * beat
    end = time + 3.0
    sway = swayed(feet, end)
    bounce = [(1.0 + beat * k, [-0.02 - 0.03 * (k % 2)]) for k in range(1, 24)]
    bow = [(time, [0.0]), (time + 0.8, [-0.16]), (time + 1.2, [-0.16]), (time + 2.2, [0.0]), (end, [0.0])]
    dips: Keys = [(0.0, [0.0]), (1.0, [0.0]), *bounce, *bow]
    roll: Keys = [
        (0.0, [0.0]),
        *((1.0 + 2 * beat * k, [0.03 * (1 - 2 * (k % 2))]) for k in range(12)),
        (time, [0.0]),
        (end, [0.0]),
    ]

    def root(times: np.ndarray) -> np.ndarray:
        pelvis = sway(times)
        pelvis[:, 2] += curve(dips, times)[:, 0]
        pelvis[:, 3] += curve(roll, times)[:, 0]
        pelvis[:, 0] += 0.3 * np.minimum(curve(dips, times)[:, 0] + 0.06, 0.0)
        pelvis[:, 4] += -1.2 * np.minimum(curve(dips, times)[:, 0] + 0.06, 0.0)
        return pelvis

    joints: Dict[str, Keys] = {}
    beats = [1.0 + beat * k for k in range(1, 24)]
    for side, sign in zip(SIDES, (1.0, -1.0)):
        rest = {
            joint: ARMS.get(f"{side}_{joint}", 0.0)
            for joint in ("shoulder_pitch", "shoulder_roll", "shoulder_yaw", "elbow")
        }
        poses = {
            "shoulder_pitch": lambda k, s=sign: -0.5 - 0.7 * s * math.sin(0.5 * math.pi * k),
            "shoulder_roll": lambda k, s=sign: s * (0.5 + 0.35 * math.cos(0.5 * math.pi * k)),
            "shoulder_yaw": lambda k, s=sign: 0.3 * s * math.sin(0.25 * math.pi * k),
            "elbow": lambda k, s=sign: 0.6 + 0.6 * s * math.cos(0.5 * math.pi * k),
        }
        for joint, pose in poses.items():
            keys = [(0.0, [rest[joint]]), (1.0, [rest[joint]]), *((t, [pose(k)]) for k, t in enumerate(beats))]
            finish = {"shoulder_pitch": -1.2, "shoulder_roll": 0.6 * sign, "shoulder_yaw": 0.0, "elbow": 1.2}[joint]
            keys += [(time + 0.8, [finish]), (time + 1.2, [finish]), (time + 2.4, [rest[joint]]), (end, [rest[joint]])]
            joints[f"{side}_{joint}"] = keys
    twists = [(t, [0.35 * math.sin(0.5 * math.pi * k)]) for k, t in enumerate(beats)]
    last = [(time, [0.0]), (time + 0.8, [0.5]), (time + 1.2, [-0.5]), (time + 2.2, [0.0]), (end, [0.0])]
    joints["waist_yaw"] = [(0.0, [0.0]), (1.0, [0.0]), *twists, *last]
    return end, root, feet, joints


def main() -> None:
    """Write all clips beside this file and say what is wrong with them."""
    default = os.path.join(ROOT, "resources", "robots", "g1", "urdf", "g1_29dof_rev_1_0.urdf")
    robot = sys.argv[1] if len(sys.argv) > 1 else default
    skeleton, solver = read_skeleton(robot), Solver(robot)
    for told in (squat, step_in_place, turn, wave, walk, dance):
        clip = make(told.__name__, *told(), solver=solver, names=skeleton.joint_names)
        feet = foot_contacts(clip, skeleton)
        clip = Clip(clip.path, clip.fps, clip.joint_names, clip.root_pos, clip.root_quat, clip.joints, feet,
                    tuple(skeleton.foot_names))  # fmt: skip
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), clip.path)
        with replacing(path) as file:
            write_clip(clip, file)
        found = faults(clip, skeleton) or "sound"
        print(f"{clip.path}: {clip.seconds:.1f} s, {os.path.getsize(path) / 1e3:.0f} kB, {found}")


if __name__ == "__main__":
    main()
