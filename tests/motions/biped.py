"""A robot with the 29 joints of a G1 and dimensions of its own, an engine that poses it, and clips of it."""

from __future__ import annotations

import pathlib
from typing import Dict, List, Sequence, Tuple

import mujoco
import numpy as np
import torch

from legged_gym.motions.clip import Clip
from legged_gym.motions.reading import G1_29
from legged_gym.sim.robot.skeleton import Skeleton

AXES = {"pitch": "0 1 0", "roll": "1 0 0", "yaw": "0 0 1"}
# joint -> place in the parent's frame, left side; angles of the file tilt some links, as those of real robots do
PLACES = {
    "hip_pitch": (0.01, 0.07, -0.1), "hip_roll": (0.0, 0.05, -0.03), "hip_yaw": (0.02, 0.0, -0.12),
    "knee": (-0.07, 0.0, -0.18), "ankle_pitch": (0.0, 0.0, -0.3), "ankle_roll": (0.0, 0.0, -0.02),
    "shoulder_pitch": (0.0, 0.1, 0.24), "shoulder_roll": (0.0, 0.04, -0.01), "shoulder_yaw": (0.0, 0.01, -0.1),
    "elbow": (0.015, 0.0, -0.08), "wrist_roll": (0.1, 0.0, -0.01), "wrist_pitch": (0.04, 0.0, 0.0),
    "wrist_yaw": (0.045, 0.0, 0.0), "waist_yaw": (-0.004, 0.0, 0.0), "waist_roll": (-0.004, 0.0, 0.035),
    "waist_pitch": (0.0, 0.0, 0.02),
}  # fmt: skip
TILTS = {"hip_roll": (0.0, -0.17, 0.0), "shoulder_pitch": (0.28, 0.0, 0.0), "shoulder_roll": (-0.28, 0.0, 0.0)}
SOLE = [(-0.05, 0.025, -0.03), (-0.05, -0.025, -0.03), (0.12, 0.03, -0.03), (0.12, -0.03, -0.03)]
RADIUS = 0.005
STANDING = 0.12 + 0.1 + 0.03 + 0.18 + 0.3 + 0.02 + 0.035
"""Height of the root in the pose of all zeros; the tilted thighs make it a little less."""


def urdf(names: Sequence[str] = G1_29, more: str = "") -> str:
    """The robot with some of its joints; the others are welded."""
    parts = [_link("pelvis")]
    above = {"left_leg": "pelvis", "right_leg": "pelvis", "waist": "pelvis"}
    for name in G1_29:
        side, _, kind = name[: -len("_joint")].partition("_")
        kind = f"waist_{kind}" if side == "waist" else kind
        limb = (
            "waist"
            if side == "waist"
            else f"{side}_{'leg' if kind.split('_')[0] in ('hip', 'knee', 'ankle') else 'arm'}"
        )
        parent = above.get(limb, above["waist"])
        link = "torso_link" if kind == "waist_pitch" else name.replace("_joint", "_link")
        above[limb] = link
        flip = -1.0 if side == "right" else 1.0
        x, y, z = PLACES[kind]
        roll, pitch, yaw = TILTS.get(kind, (0.0, 0.0, 0.0))
        axis = AXES[kind.rpartition("_")[2]] if "_" in kind else AXES["pitch"]
        kind_of_joint = "revolute" if name in names else "fixed"
        parts.append(
            f'<joint name="{name}" type="{kind_of_joint}"><parent link="{parent}"/><child link="{link}"/>'
            f'<origin xyz="{x} {flip * y} {z}" rpy="{flip * roll} {pitch} {flip * yaw}"/><axis xyz="{axis}"/>'
            '<limit lower="-2.5" upper="2.8" effort="50" velocity="20"/></joint>'
        )
        parts.append(_link(link, "ankle_roll" in link))
    return f'<robot name="biped">{"".join(parts)}{more}</robot>'


def _link(name: str, foot: bool = False) -> str:
    balls = "".join(
        f'<collision><origin xyz="{x} {y} {z}"/><geometry><sphere radius="{RADIUS}"/></geometry></collision>'
        for x, y, z in (SOLE if foot else ())
    )
    inertia = '<inertia ixx="0.01" iyy="0.01" izz="0.01" ixy="0" ixz="0" iyz="0"/>'
    return f'<link name="{name}"><inertial><mass value="1"/>{inertia}</inertial>{balls}</link>'


def write_robot(folder: pathlib.Path, names: Sequence[str] = G1_29, name: str = "biped.urdf") -> str:
    path = folder / name
    path.write_text(urdf(names))
    return str(path)


class Engine:
    """MuJoCo's own forward kinematics of a robot file."""

    def __init__(self, file: str) -> None:
        spec = mujoco.MjSpec.from_file(file)
        spec.compiler.fusestatic = False
        spec.worldbody.first_body().add_freejoint()
        self.model = spec.compile()
        self.data = mujoco.MjData(self.model)

    def poses(self, root_pos, root_quat, joints: np.ndarray, names: Sequence[str]) -> Dict[str, Tuple[np.ndarray, ...]]:
        """Link -> positions (T, 3), rotation matrices (T, 3, 3); quaternions are x, y, z, w."""
        model, data = self.model, self.data
        links = [model.body(b).name for b in range(1, model.nbody)]
        out: Dict[str, List[List[np.ndarray]]] = {link: [[], []] for link in links}
        addresses = [int(model.joint(name).qposadr[0]) for name in names]
        for pos, quat, angles in zip(np.asarray(root_pos), np.asarray(root_quat), np.asarray(joints)):
            data.qpos[:3], data.qpos[3:7] = pos, quat[[3, 0, 1, 2]]
            data.qpos[addresses] = angles
            mujoco.mj_kinematics(model, data)
            for link in links:
                out[link][0].append(data.body(link).xpos.copy())
                out[link][1].append(data.body(link).xmat.reshape(3, 3).copy())
        return {link: tuple(np.stack(part) for part in parts) for link, parts in out.items()}


def random_clip(skeleton: Skeleton, frames: int = 40, fps: float = 30.0, seed: int = 0) -> Clip:
    """Smooth and far from anything special."""
    rng = np.random.default_rng(seed)
    times = np.arange(frames)[:, None] / fps

    def waves(size: int, reach: float) -> np.ndarray:
        speed, phase = rng.uniform(1.0, 4.0, size), rng.uniform(0.0, 6.0, size)
        return reach * np.sin(times * speed + phase)

    axis = waves(3, 0.8)
    quat = np.concatenate((axis, np.ones((frames, 1))), axis=1)
    return Clip(
        path="random", fps=fps, joint_names=list(skeleton.joint_names),
        root_pos=torch.tensor(waves(3, 0.5) + np.array([0.0, 0.0, 1.0])),
        root_quat=torch.tensor(quat / np.linalg.norm(quat, axis=1, keepdims=True)),
        joints=torch.tensor(waves(len(skeleton.joint_names), 0.6)), contacts=torch.zeros(frames, 0, dtype=torch.bool),
    )  # fmt: skip


def stepping_clip(skeleton: Skeleton, frames: int = 120, fps: float = 30.0, turned: float = 0.0) -> Clip:
    """Marches on the spot: one leg bends and the other stands, the pelvis leans over it; the soles of it stay level."""
    times = torch.arange(frames, dtype=torch.float64) / fps
    joints = torch.zeros(frames, len(skeleton.joint_names), dtype=torch.float64)
    lean = 0.12 * torch.sin(2.0 * times)
    column = skeleton.joint_names.index
    for sign, side in ((1.0, "left"), (-1.0, "right")):
        bend = (0.8 * torch.sin(2.0 * times) * sign).clamp_min(0.0)
        joints[:, column(f"{side}_hip_roll_joint")] = -lean
        joints[:, column(f"{side}_hip_pitch_joint")] = 0.17 - bend
        joints[:, column(f"{side}_knee_joint")] = 2.0 * bend
        joints[:, column(f"{side}_ankle_pitch_joint")] = -bend
    zero = torch.zeros_like(times)
    turn = zero + turned
    roll_half, yaw_half = 0.5 * lean, 0.5 * turn
    quat = torch.stack(
        (
            torch.sin(roll_half) * torch.cos(yaw_half), torch.sin(roll_half) * torch.sin(yaw_half),
            torch.cos(roll_half) * torch.sin(yaw_half), torch.cos(roll_half) * torch.cos(yaw_half),
        ),
        dim=1,
    )  # fmt: skip
    root = torch.zeros(frames, 3, dtype=torch.float64)
    clip = Clip(
        "stepping", fps, list(skeleton.joint_names), root, quat, joints, torch.zeros(frames, 0, dtype=torch.bool)
    )
    # hang the robot on its lower foot, which stands where it stood in the frame before
    soles = skeleton.sole_points(clip.root_pos, clip.root_quat, clip.joints)
    low = torch.stack([foot[..., 2].amin(1) for foot in soles], dim=1)
    stance = low.argmin(1)
    centers = torch.stack([foot.mean(1) for foot in soles], dim=1)
    for t in range(frames):
        foot = int(stance[t])
        root[t, 2] = -low[t, foot]
        if t:
            root[t, :2] = root[t - 1, :2] + centers[t - 1, foot, :2] - centers[t, foot, :2]
    return clip
