"""Clips for training: all frames in a few large tensors, drawn by clip and by frame.

A frame takes 40 bytes of the root, 4 J of the joints, 28 K of the K links that are kept and 1 of each foot: 526 bytes
with 23 joints, 14 links and two feet, so 95 MB an hour at 50 Hz, and 1.3 GB for five thousand clips of ten seconds.
Velocities but the root's angular one are worked out when frames are asked for. While it is made it takes half as much
again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor

from legged_gym.errors import UserError
from legged_gym.motions.clip import Clip, angular_velocity
from legged_gym.motions.sampling import ClipWeights, StartFrames
from legged_gym.sim.robot.skeleton import Skeleton

# frames before the end that a drawn start keeps
_RUN_OUT = 3


@dataclass
class Frames:
    """What n robots should be doing; world frame of the clips, m, rad, m/s and rad/s, quaternions x, y, z, w.

    Attributes:
        root_pos, root_quat: (n, 3), (n, 4).
        root_lin_vel, root_ang_vel: (n, 3), to the next frame; in the last frame of a clip, from the one before.
        joints, joint_vel: (n, J).
        targets, shifts: (n, J), (n, J, 4) of `Clip`; the joints, and None, where it has none.
        link_pos, link_quat, link_vel: (n, K, 3), (n, K, 4), (n, K, 3), of the library's links.
        contacts: (n, F) bool.
    """

    root_pos: Tensor
    root_quat: Tensor
    root_lin_vel: Tensor
    root_ang_vel: Tensor
    joints: Tensor
    joint_vel: Tensor
    link_pos: Tensor
    link_quat: Tensor
    link_vel: Tensor
    contacts: Tensor
    targets: Tensor
    shifts: Optional[Tensor] = None


class MotionLibrary:
    """C clips of one robot at one rate.

    Attributes:
        fps: frames a second.
        paths: of the clips' files.
        lengths: (C,) int64, frames.
        link_names: of the K links whose poses are kept.
        joint_names: of the J joints.
        weights: which clips are drawn how often.
        start_frames: and at which of their frames robots start.
    """

    def __init__(
        self,
        clips: Iterable[Clip],
        skeleton: Skeleton,
        links: Sequence[str],
        clip_weighting: str = "success_rate_adaptive",
        start_weighting: str = "uniform",
        device: Union[str, torch.device] = "cpu",
        joint_names: Optional[Sequence[str]] = None,
        success_bounds: Tuple[float, float] = (1.0 / 3.0, 3.0),
    ) -> None:
        """Take clips in; poses of links are worked out clip by clip.

        Args:
            clips: of the skeleton's robot; an iterator is used up one by one.
            skeleton: of the robot.
            links: names of the links whose poses are kept.
            clip_weighting: "uniform_step", "uniform_clip" or "success_rate_adaptive", see `ClipWeights`.
            start_weighting: "uniform", "linear" or "failure_adaptive", see `StartFrames`.
            device: where frames are kept.
            joint_names: order of joints in frames; None for the skeleton's.
            success_bounds: of the factor of "success_rate_adaptive".

        Raises:
            UserError: there are no clips, they have several rates, or an unknown link or weighting.
        """
        self.joint_names, self.link_names = list(joint_names or skeleton.joint_names), list(links)
        self._order = [skeleton.joint_names.index(name) for name in self.joint_names]
        self._indices = skeleton.link_indices(links)
        self.device, self.fps = torch.device(device), 0.0
        self.paths: List[str] = []
        pieces: List[Dict[str, Tensor]] = []
        factors = []
        for clip in clips:
            if self.fps and abs(clip.fps - self.fps) > 1e-3:
                raise UserError(
                    f"{clip.path} has {clip.fps:g} frames a second, {self.paths[0]} {self.fps:g}: resample them"
                )
            self.fps = clip.fps
            self.paths.append(clip.path)
            factors.append(clip.weight)
            pieces.append(self._piece(clip, skeleton))
        if not pieces:
            raise UserError("no motion clips were given")
        self.lengths = torch.tensor([len(piece["joints"]) for piece in pieces], device=self.device)
        self._begins = self.lengths.cumsum(0) - self.lengths
        self._data = {}
        for name in list(pieces[0]):
            self._data[name] = torch.cat([piece.pop(name) for piece in pieces]).to(self.device)
        chances = torch.tensor(factors, device=self.device)
        self.weights = ClipWeights(self.paths, self.starts, clip_weighting, chances, *success_bounds)
        self.start_frames = StartFrames(self.starts, self.fps, start_weighting)

    def _piece(self, clip: Clip, skeleton: Skeleton) -> Dict[str, Tensor]:
        """The frames of a clip in single precision."""
        root_pos, root_quat, joints = (part.float() for part in (clip.root_pos, clip.root_quat, clip.joints))
        link_pos, link_quat = skeleton.poses(root_pos, root_quat, joints, self._indices)
        driven = {"targets": clip.targets, "shifts": clip.shifts}
        return {
            "root_pos": root_pos, "root_quat": root_quat, "root_ang_vel": angular_velocity(root_quat, clip.fps),
            "joints": joints[:, self._order], "link_pos": link_pos, "link_quat": link_quat, "contacts": clip.contacts,
            **{name: part.float()[:, self._order] for name, part in driven.items() if part is not None},
        }  # fmt: skip

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def num_bytes(self) -> int:
        """Memory of all frames."""
        return sum(part.numel() * part.element_size() for part in self._data.values())

    @property
    def starts(self) -> Tensor:
        """(C,) how many frames of each clip can be the first: all but the last three, one at least."""
        return (self.lengths - _RUN_OUT).clamp_min(1)

    def sample(self, count: int, generator: Optional[torch.Generator] = None) -> Tuple[Tensor, Tensor]:
        """Draw clips and frames to start from, (count,) int64 each."""
        clips = self.weights.draw(count, generator)
        return clips, self.start_frames.draw(clips, generator)

    def frames(self, clips: Tensor, frames: Tensor) -> Frames:
        """The frames (n,) of clips (n,); the last one stays when a clip is over."""
        last = self.lengths[clips] - 1
        now = self._begins[clips] + torch.minimum(frames.clamp_min(0), last)
        first = self._begins[clips] + torch.minimum(frames.clamp_min(0), (last - 1).clamp_min(0))
        second = self._begins[clips] + torch.minimum(frames.clamp_min(0) + 1, last)

        def rate(name: str) -> Tensor:
            return (self._data[name][second] - self._data[name][first]) * self.fps

        parts = {name: part[now] for name, part in self._data.items()}
        return Frames(
            root_lin_vel=rate("root_pos"),
            joint_vel=rate("joints"),
            link_vel=rate("link_pos"),
            **{"targets": parts["joints"], **parts},
        )

    def state_dict(self) -> Dict[str, Any]:
        """What was learnt of the clips."""
        return {**self.weights.state_dict(), "start_frames": self.start_frames.state_dict()}

    def load_state_dict(self, state: Dict[str, Any]) -> None:
        """Go on from it."""
        self.weights.load_state_dict(state)
        self.start_frames.load_state_dict(state.get("start_frames", {}))
