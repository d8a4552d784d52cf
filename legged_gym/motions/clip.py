"""A motion clip: where a robot's root and joints are at equal steps of time; our own file of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import BinaryIO, Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor

from legged_gym.errors import UserError
from legged_gym.rotations import quat_conjugate, quat_mul, rotation_vector

CLIP_FORMAT = "legged_gym_clip_1"
"""What the entry `format` of our own files says."""


@dataclass(frozen=True)
class Clip:
    """T frames of a robot with J joints; world frame with z up, m and rad, quaternions x, y, z, w.

    Attributes:
        path: of the file it is from; clips of one file share statistics.
        fps: frames a second.
        joint_names: of the J joints.
        root_pos: (T, 3).
        root_quat: (T, 4), unit length.
        joints: (T, J).
        contacts: (T, C) bool by foot, in the order of `contact_names`; C = 0 where nothing is known of contacts.
        contact_names: links of the feet.
        weight: how often the clip is drawn, as a factor.
        targets: (T, J) rad, what motors have to be asked for to be in the frame; None where nobody worked it out.
        shifts: (T, J, 4) rad, likewise: what more of it pushes the root by 1 N forward and to the left, and turns it by
            1 N m of roll and pitch.
    """

    path: str
    fps: float
    joint_names: List[str]
    root_pos: Tensor
    root_quat: Tensor
    joints: Tensor
    contacts: Tensor
    contact_names: Tuple[str, ...] = ()
    weight: float = 1.0
    targets: Optional[Tensor] = None
    shifts: Optional[Tensor] = None

    def __len__(self) -> int:
        return len(self.joints)

    @property
    def seconds(self) -> float:
        """From the first frame to the last, s."""
        return (len(self) - 1) / self.fps

    def taken(self, frames: Tensor) -> Clip:
        """The clip made of some of its frames, (n,) indices."""
        names = ("root_pos", "root_quat", "joints", "contacts", "targets", "shifts")
        parts = {name: getattr(self, name)[frames] for name in names if getattr(self, name) is not None}
        return replace(self, **parts)


def rates(values: Tensor, fps: float) -> Tensor:
    """Change a second of (T, ...): from each frame to the next one, and the last of it once more."""
    change = values.diff(dim=0) * fps
    return torch.cat((change, change[-1:])) if len(change) else torch.zeros_like(values)


def angular_velocity(quat: Tensor, fps: float) -> Tensor:
    """(T, 3) rad/s in the world frame, of quaternions (T, 4), by the rotation from each frame to the next one."""
    turn = rotation_vector(quat_mul(quat[1:], quat_conjugate(quat[:-1]))) * fps
    return torch.cat((turn, turn[-1:])) if len(turn) else torch.zeros_like(quat[:, :3])


def write_clip(clip: Clip, file: BinaryIO) -> None:
    """Write a clip as compressed NPZ, float32; angles and places are rounded to 1e-5, which halves the file."""
    arrays: Dict[str, np.ndarray] = {"format": np.array(CLIP_FORMAT), "fps": np.array(float(clip.fps))}
    for name in ("root_pos", "root_quat", "joints"):
        arrays[name] = getattr(clip, name).double().numpy().round(5).astype(np.float32)
    if clip.targets is not None and clip.shifts is not None:
        arrays["joint_targets"] = clip.targets.double().numpy().round(5).astype(np.float32)
        arrays["joint_shifts"] = clip.shifts.double().numpy().round(6).astype(np.float32)
    arrays["joint_names"] = np.array(clip.joint_names)
    arrays["contacts"], arrays["contact_names"] = clip.contacts.numpy(), np.array(clip.contact_names, dtype=str)
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def stem(joint: str) -> str:
    """The name of a joint without the suffix that some files leave out."""
    return joint[: -len("_joint")] if joint.endswith("_joint") else joint


def joints_by_name(joints: Tensor, names: Sequence[str], wanted: Sequence[str]) -> Tuple[Tensor, List[str], List[str]]:
    """Columns (T, J) in the order of a robot; joints that the clip does not have stay at 0.

    Returns:
        (T, len(wanted)), which joints stay at 0, and which of the clip's joints are left out.

    Raises:
        UserError: less than half of the robot's joints are among the clip's.
    """
    have = {stem(name): column for column, name in enumerate(names)}
    still = [name for name in wanted if stem(name) not in have]
    if 2 * len(still) > len(wanted):
        raise UserError(
            f"of another robot: it has {names[0]} and {len(names) - 1} more joints, and not {still[0]}; "
            "give the robot of the clip with --robot"
        )
    out = joints.new_zeros(len(joints), len(wanted))
    for column, name in enumerate(wanted):
        if stem(name) in have:
            out[:, column] = joints[:, have[stem(name)]]
    known = {stem(name) for name in wanted}
    return out, still, [name for name in names if stem(name) not in known]
