"""Where a robot's bodies are and how they move, from its root and its joints alone: forward kinematics of N robots.

Numbers stand by component, then by frame, then by robot: few operations on long rows do what takes many on short ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Union

import mujoco
import numpy as np
import torch
from torch import Tensor

from legged_gym.rotations import quat_conjugate, quat_mul, quat_rotate

_HINGE = mujoco.mjtJoint.mjJNT_HINGE


@dataclass(eq=False)
class Frame:
    """What is fixed to another frame or moves in it by one joint, on whose axis it has its origin.

    Attributes:
        carrier: the other frame; None for the root.
        offset: (3,) m, its origin in the carrier, with the joint at its reference.
        turn: (4,) w, x, y, z, likewise its orientation.
        joint: id of a hinge or a slide; None for what is fixed.
    """

    carrier: Optional[Frame]
    offset: np.ndarray
    turn: np.ndarray
    joint: Optional[int] = None

    def chain(self) -> List[Frame]:
        """The frame itself, and those that carry it, the root last."""
        return [self, *(self.carrier.chain() if self.carrier else [])]


def body_frames(model: Any, root: int) -> Dict[int, Frame]:
    """The frames of a root body and of all that hang on it, by body id."""
    upright = np.array([1.0, 0.0, 0.0, 0.0])
    frames = {root: Frame(None, np.zeros(3), upright)}
    for body in range(root + 1, model.nbody):
        frame = frames.get(int(model.body_parentid[body]))
        if frame is None:
            continue
        offset, turn = model.body_pos[body], model.body_quat[body]
        joints = model.body_jntadr[body] + np.arange(model.body_jntnum[body])
        for joint in joints:
            anchor = np.zeros(3)
            mujoco.mju_rotVecQuat(anchor, model.jnt_pos[joint], turn)
            frame = Frame(frame, offset + anchor, turn, int(joint))
            offset, turn = -model.jnt_pos[joint], upright
        frames[body] = frame if len(joints) and not offset.any() else Frame(frame, offset, turn)
    return frames


class Kinematics:
    """B bodies of a robot with D joints, all of them hinges and slides, and the F frames that carry them.

    Attributes:
        frame_of: (B,) the frame of each body.
    """

    def __init__(
        self, model: Any, bodies: Sequence[int], joints: Sequence[int], device: Union[str, torch.device] = "cpu"
    ) -> None:
        """Lay out the frames, those that are nearer to the root before others.

        Args:
            model: an `MjModel`.
            bodies: (B,) ids, the root first.
            joints: (D,) ids, in the order of angles and speeds below.
            device: of all tensors.
        """
        of_body = body_frames(model, bodies[0])
        chains = {frame: frame.chain() for body in bodies for frame in of_body[body].chain()}
        frames = sorted(chains, key=lambda frame: len(chains[frame]))
        index, lengths = {frame: k for k, frame in enumerate(frames)}, [len(chains[frame]) for frame in frames]
        firsts = [lengths.index(length) for length in sorted(set(lengths))]
        self._levels = [slice(*pair) for pair in zip(firsts[1:], [*firsts[2:], len(frames)])]
        carriers = torch.tensor([index[frame.carrier or frame] for frame in frames], device=device)
        self._carriers = [carriers[level] for level in self._levels]
        self.frame_of = torch.tensor([index[of_body[body]] for body in bodies], device=device)

        def tensor(rows: Any) -> Tensor:
            return torch.as_tensor(np.array(rows), dtype=torch.float32, device=device)

        # (F, F): a frame and all that carry it
        self._along = tensor([[other in chains[frame] for other in frames] for frame in frames])
        driven = [[joint == frame.joint for joint in joints] for frame in frames]
        hinges = [frame.joint is not None and model.jnt_type[frame.joint] == _HINGE for frame in frames]
        slides = [frame.joint is not None and not hinge for frame, hinge in zip(frames, hinges)]
        # (F, D): the joint of each frame
        self._hinged, self._slid = (tensor(driven) * tensor(kind)[:, None] for kind in (hinges, slides))
        self._slides = any(slides)
        reference = tensor(model.qpos0[model.jnt_qposadr[list(joints)]])[:, None]
        self._half_rest, self._slide_rest = -0.5 * self._hinged @ reference, -self._slid @ reference
        axes = tensor([np.zeros(3) if frame.joint is None else model.jnt_axis[frame.joint] for frame in frames])
        turns, offsets = tensor([np.roll(frame.turn, -1) for frame in frames]), tensor([f.offset for f in frames])
        turned = quat_mul(turns, torch.nn.functional.pad(axes, (0, 1)))
        self._turning = torch.cat((_times(turns), _times(turned)), dim=1)
        self._vectors = torch.cat((_turned(offsets), _turned(quat_rotate(turns, axes))), dim=1)

    def states(self, roots: Tensor, angles: Tensor, speeds: Tensor) -> Tensor:
        """Where the frames are and how they move.

        Args:
            roots: (N, 13) position, quaternion x, y, z, w, linear and angular velocity, in the world frame.
            angles: (N, D) rad, m of slides.
            speeds: (N, D) rad/s, m/s of slides.

        Returns:
            (F, 13, N), likewise.
        """
        place, quat, velocity, spin = roots.t().contiguous().split((3, 4, 3, 3))
        angles, speeds = angles.t(), speeds.t()
        half = torch.addmm(self._half_rest, self._hinged, angles, alpha=0.5)[:, None]
        cos, sin = half.cos(), half.sin()
        quats = quat.expand(len(half), 4, -1).contiguous()
        vectors = torch.zeros(len(half), 6, len(roots), device=roots.device)
        for level, carriers in zip(self._levels, self._carriers):
            above = quats.index_select(0, carriers)
            straight, bent = torch.bmm(self._turning[level], above).split(4, dim=1)
            torch.mul(straight, cos[level], out=quats[level]).addcmul_(bent, sin[level])
            pairs = (above[:, :, None] * above[:, None]).view(-1, 16, len(roots))
            torch.bmm(self._vectors[level], pairs, out=vectors[level])
        arms, axes = vectors.split(3, dim=1)
        own_spins = axes * (self._hinged @ speeds)[:, None]
        if self._slides:
            arms = arms + axes * torch.addmm(self._slide_rest, self._slid, angles)[:, None]
        spins = self._sums(own_spins) + spin
        rates = _cross(spins - own_spins, arms)
        if self._slides:
            rates += axes * (self._slid @ speeds)[:, None]
        return torch.cat((self._sums(arms) + place, quats, self._sums(rates) + velocity, spins), dim=1)

    def _sums(self, vectors: Tensor) -> Tensor:
        """Of vectors (F, 3, N) of each frame and of all that carry it."""
        return (self._along @ vectors.flatten(1)).view_as(vectors)


# the products of all pairs of units, by first, second, component
_UNITS = torch.eye(4)
_PRODUCTS = quat_mul(_UNITS[:, None].expand(4, 4, 4), _UNITS.expand(4, 4, 4))


def _times(quats: Tensor) -> Tensor:
    """Matrices (F, 4, 4) that take a quaternion to its product with others (F, 4)."""
    return torch.einsum("ijk,fj->fki", _PRODUCTS.to(quats), quats)


def _turned(vectors: Tensor) -> Tensor:
    """Matrices (F, 3, 16) that take the products of all pairs of a quaternion's components to turned vectors (F, 3)."""
    products = _PRODUCTS.to(vectors)
    with_conjugates = products * quat_conjugate(torch.ones_like(products[0, 0]))[:, None]
    return torch.einsum("avk,kbc,fv->fcab", products[:, :3], with_conjugates, vectors)[:, :3].flatten(2)


def _cross(a: Tensor, b: Tensor) -> Tensor:
    """Of vectors (F, 3, N); component by component, which is twice as fast as `torch.linalg.cross`."""
    (x, y, z), (u, v, w) = a.unbind(1), b.unbind(1)
    return torch.stack((y * w - z * v, z * u - x * w, x * v - y * u), dim=1)
