"""A depth camera on the trunk: its picture, its frame rate, its latency and its faults, over the simulator's rays."""

from __future__ import annotations

import math
from typing import Dict, Mapping, Optional, Tuple

import numpy as np
import torch
from torch import Tensor

from legged_gym.errors import UserError
from legged_gym.host import indices, on_host
from legged_gym.rotations import matrix_from_quat
from legged_gym.sensors.depth_camera_config import DepthCameraCfg
from legged_gym.sensors.depth_noise import DepthNoise
from legged_gym.sensors.pixel_grid import PixelGrid
from legged_gym.settings import SectionOf
from legged_gym.sim.simulator import Simulator
from rsl_rl.utils.errors import near_matches

# images made at once: bounds the memory for rays (60 kB an image) when all robots are reset together
_AT_ONCE = 256


class DepthCamera:
    """One camera a robot; each takes its frames at its own times, and a policy sees them some time later.

    A frame is due `period` +- `period_jitter` s after the one before it. As physics pauses at policy steps only, it is
    taken at the first of them that is not earlier; the mean period is kept. It reaches the policy `latency` +-
    `latency_jitter` s later, again at the first policy step that is not earlier, and never before an older frame.

    A frame holds distances to the image plane, not along the rays, clipped to near..far and mapped to -0.5..0.5.

    Attributes:
        share: how much of every jitter is in use, 0 to 1, from the next frame or reset on.
        shape: (frames, H, W) of one robot's image.
        images: (N, frames, H, W) float32, what a policy sees now, oldest first; a buffer that is written in place. An
            episode begins with one frame in all places.
    """

    images: Tensor

    def __init__(
        self, cfg: SectionOf[DepthCameraCfg], sim: Simulator, num_envs: int, dt: float, generator: torch.Generator
    ) -> None:
        """Lay out the rays and the buffers; there are images after `reset`.

        Args:
            cfg: the section `depth_camera` of an environment config.
            sim: where the robots are.
            num_envs: N.
            dt: s, one policy step.
            generator: of every random number: times, mounting, noise.

        Raises:
            UserError: a setting cannot be; the message says which.
        """
        _check(cfg)
        if cfg.body and cfg.body not in sim.body_names:
            raise UserError(
                f"env.depth_camera.body is {cfg.body}, and env.asset.body_names has none: "
                f"{near_matches(cfg.body, sim.body_names)}"
            )
        self._body = torch.tensor([sim.body_names.index(cfg.body)], device=sim.device) if cfg.body else None
        self.share = 1.0
        grid = PixelGrid.from_config(cfg)
        self.shape: Tuple[int, int, int] = (int(cfg.frames), *grid.shape)
        self._cfg, self._sim, self._dt, self._generator = cfg, sim, dt, generator
        self._device = device = sim.device
        self._directions = torch.as_tensor(grid.directions(), device=device)
        self._mount = torch.tensor(cfg.position, dtype=torch.float32, device=device)
        self._noise = DepthNoise(cfg.noise, generator) if cfg.noise.enabled else None
        # frames under way at most, and one that is just taken; a policy step on either side, as times are rounded up
        shortest = max(cfg.period - cfg.period_jitter - dt, dt)
        slots = math.floor((cfg.latency + cfg.latency_jitter + dt) / shortest + 1e-6) + 2
        self._soon = 1e-3 * dt  # what is due this soon is due now, in spite of rounding
        self.images = torch.full((num_envs, *self.shape), 0.5, device=device)
        self._under_way = torch.zeros(num_envs, slots, *grid.shape, device=device)
        self._arrival = torch.full((num_envs, slots), math.inf, device=device)  # s from now; inf for a free slot
        self._until_frame = torch.zeros(num_envs, device=device)  # s
        self._shift = torch.zeros(num_envs, 3, device=device)  # m, what this robot's mounting is off by
        self._tilt = torch.zeros(num_envs, device=device)  # rad, pitch of this robot's camera, positive down

    def states(self) -> Tensor:
        """Of what the cameras are on, (N, 13)."""
        return self._sim.root_states if self._body is None else self._sim.states_of(self._body)[:, 0]

    # ---------------------------------------------------------------- the life of a frame

    def update(self, states: Tensor) -> None:
        """One policy step later: take the frames that are due, show those that have arrived.

        Args:
            states: (N, 13) as they are now, see `states`.
        """
        self._until_frame -= self._dt
        self._arrival -= self._dt
        due, arrived = on_host(self._until_frame <= self._soon, self._arrived().any(dim=1))
        if due.any():
            env_ids = indices(due, self._device)
            self._send(env_ids, self._take(env_ids, states))
            if self._cfg.latency - self._cfg.latency_jitter <= self._soon:  # they may be here already
                (arrived,) = on_host(self._arrived().any(dim=1))
        if arrived.any():
            self._receive(indices(arrived, self._device))

    def reset(self, env_ids: Tensor) -> None:
        """Begin new episodes: other robots, whose cameras have just delivered a frame.

        Args:
            env_ids: (n,) sorted environments; the simulator already has them where they start.
        """
        cfg, count = self._cfg, len(env_ids)
        self._shift[env_ids] = cfg.position_jitter * self._plus_minus(count, 3)
        self._tilt[env_ids] = math.radians(1.0) * (cfg.pitch + cfg.pitch_jitter * self._plus_minus(count))
        # robots that start together do not take their frames together
        share = torch.rand(count, generator=self._generator, device=self._device)
        self._until_frame[env_ids] = share * self._period(count)
        self._arrival[env_ids] = math.inf
        self.images[env_ids] = self._take(env_ids, self.states())[:, None]

    def _take(self, env_ids: Tensor, root_states: Tensor) -> Tensor:
        """Frames (n, H, W) of robots (n,)."""
        parts = [self._picture(ids, root_states[ids]) for ids in env_ids.split(_AT_ONCE)]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def rays(self, env_ids: Tensor, root_states: Tensor) -> Tuple[Tensor, Tensor]:
        """Where cameras (n,) on robots (n, 13) are, (n, 3) m, and the rays (n, H * W, 3) of their pixels, world.

        They have length 1 along the optical axis: in these units the distance is the depth.
        """
        base = matrix_from_quat(root_states[:, 3:7])
        mount = (self._mount + self._shift[env_ids])[:, :, None]
        origins = root_states[:, :3] + torch.matmul(base, mount)[..., 0]
        axes = torch.matmul(base, _pitch_matrix(self._tilt[env_ids]))
        return origins, torch.matmul(self._directions, axes.transpose(1, 2))

    def _picture(self, env_ids: Tensor, root_states: Tensor) -> Tensor:
        cfg = self._cfg
        origins, directions = self.rays(env_ids, root_states)
        depth = self._sim.cast_rays(origins[:, None], directions, env_ids, bool(cfg.sees_robot), float(cfg.far))
        depth = depth.clamp_(cfg.near, cfg.far).view(-1, *self.shape[1:])
        if self._noise is not None:
            depth = self._noise.apply(depth).clamp_(cfg.near, cfg.far)
        return depth.sub_(cfg.near).div_(cfg.far - cfg.near).sub_(0.5)

    def _send(self, env_ids: Tensor, frames: Tensor) -> None:
        """Put frames (n, H, W) under way, and set the times of the next ones."""
        cfg, count = self._cfg, len(env_ids)
        arrival = self._arrival[env_ids]
        free = torch.isinf(arrival)
        last = arrival.masked_fill(free, -math.inf).amax(dim=1)
        latency = cfg.latency + cfg.latency_jitter * self._plus_minus(count)
        slot = free.float().argmax(dim=1)
        # a frame arrives after the one before it, if only just
        self._arrival[env_ids, slot] = torch.maximum(latency, last + 0.1 * self._soon)
        self._under_way[env_ids, slot] = frames
        self._until_frame[env_ids] = (self._until_frame[env_ids] + self._period(count)).clamp_min_(0.0)

    def _arrived(self) -> Tensor:
        """(N, slots) bool."""
        return self._arrival <= self._soon

    def _receive(self, env_ids: Tensor) -> None:
        mine = self._arrived()[env_ids]
        newest = self._arrival[env_ids].masked_fill(~mine, -math.inf).argmax(dim=1)
        frames = self._under_way[env_ids, newest][:, None]
        self.images[env_ids] = frames if self.shape[0] == 1 else torch.cat((self.images[env_ids, 1:], frames), dim=1)
        self._arrival[env_ids] = self._arrival[env_ids].masked_fill(mine, math.inf)

    def _period(self, count: int) -> Tensor:
        return self._cfg.period + self._cfg.period_jitter * self._plus_minus(count)

    def _plus_minus(self, *shape: int) -> Tensor:
        """Uniform in -share..share."""
        return torch.rand(shape, generator=self._generator, device=self._device).mul_(2.0).sub_(1.0).mul_(self.share)

    # ---------------------------------------------------------------- for others

    def view(self, env_id: int) -> np.ndarray:
        """The newest frame that one robot's policy sees now, (H, W) uint8: black is near, white is far."""
        grey = (self.images[env_id, -1] + 0.5).mul(255.0).round()
        return grey.to(torch.uint8).cpu().numpy()

    _STATE = ("images", "_under_way", "_arrival", "_until_frame", "_shift", "_tilt")

    def state_dict(self) -> Dict[str, Tensor]:
        """Everything needed to go on bit for bit, but for the generator, which is the environment's."""
        return {name.lstrip("_"): getattr(self, name).clone() for name in self._STATE}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state_dict` returned.

        Raises:
            UserError: it is of another camera or another number of robots.
        """
        for name in self._STATE:
            own: Tensor = getattr(self, name)
            saved: Optional[Tensor] = state.get(name.lstrip("_"))
            if saved is None or saved.shape != own.shape:
                raise UserError(
                    "the saved state of the depth cameras does not fit: resume with the same depth_camera settings and"
                    " num_envs"
                )
            own.copy_(saved)


def _check(cfg: SectionOf[DepthCameraCfg]) -> None:
    """Refuse settings that do not fit together."""
    if cfg.near >= cfg.far:
        raise UserError(f"depth_camera.near and far are {cfg.near} and {cfg.far}: give near < far, in m")
    if cfg.period_jitter >= cfg.period:
        raise UserError(f"depth_camera.period is {cfg.period} +- {cfg.period_jitter} s: it has to stay positive")
    if cfg.latency_jitter > cfg.latency:
        raise UserError(f"depth_camera.latency is {cfg.latency} +- {cfg.latency_jitter} s: it must not become negative")


def _pitch_matrix(pitch: Tensor) -> Tensor:
    """Axes of cameras in the base frame, the columns of (n, 3, 3): turned about y by (n,) rad, positive down."""
    cos, sin, zero, one = pitch.cos(), pitch.sin(), torch.zeros_like(pitch), torch.ones_like(pitch)
    return torch.stack((cos, zero, sin, zero, one, zero, -sin, zero, cos), dim=1).view(-1, 3, 3)
