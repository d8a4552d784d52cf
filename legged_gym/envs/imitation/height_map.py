"""Ground below robots by vertical rays: from bodies, on a grid around the torso, and on one that is late and noisy."""

from __future__ import annotations

from typing import Tuple

import torch
from torch import Tensor

from legged_gym.envs.base.state import RobotState
from legged_gym.envs.imitation.motion_commands import ImitationState
from legged_gym.envs.parts.part import Part
from legged_gym.rotations import quat_from_euler, quat_rotate, yaw_from_quat

SIDE = 11
"""Points along each side of the grid, 0.1 m apart; y from right to left is the outer loop, x from rear to front."""
MAX_DISTANCE = 5.0
"""m; nothing below within it is a miss."""

_SPACING = 0.1
# white noise, and an offset that lasts an episode, m; tilts, rad, roll, pitch and yaw; standard deviations
_WHITE, _OFFSET, _TILT = 0.02, 0.02, (0.04, 0.04, 0.08)
# fraction of numbers that are anything up to twice the mean
_WILD = 0.01
_LONGEST_DELAY, _LONGEST_HOLD, _ALWAYS = 2, 4, 2


def grid(device: torch.device) -> Tensor:
    """(P, 3) m, points of the grid around a body."""
    reach = 0.5 * _SPACING * (SIDE - 1)
    steps = torch.linspace(-reach, reach, SIDE, device=device)
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    return torch.stack((x.flatten(), y.flatten(), torch.zeros(SIDE * SIDE, device=device)), dim=1)


def distances(env: RobotState, origins: Tensor, directions: Tensor) -> Tensor:
    """How far rays (N, P, 3) go until they meet the ground, (N, P) m; a miss is as long as the robot's mean ray."""
    if env.terrain is None:
        found = origins[..., 2] / -directions[..., 2]
    else:
        found = env.sim.cast_rays(origins.contiguous(), directions.contiguous(), max_distance=MAX_DISTANCE)
    hit = (found >= 0.0) & (found <= MAX_DISTANCE)
    mean = torch.where(hit, found, 0.0).sum(1, keepdim=True) / hit.sum(1, keepdim=True)
    return torch.where(hit, found, torch.where(hit.any(1, keepdim=True), mean, MAX_DISTANCE))


def below(env: RobotState, points: Tensor) -> Tensor:
    """How far the ground is below points (N, P, 3), (N, P) m."""
    down = torch.tensor([0.0, 0.0, -1.0], device=points.device).expand_as(points)
    return distances(env, points, down)


def around(points: Tensor, pos: Tensor, yaw: Tensor) -> Tensor:
    """(N, P, 3) m, points (P, 3) around places (N, 3), turned by yaw (N,)."""
    cos, sin = yaw.cos()[:, None], yaw.sin()[:, None]
    x, y, z = points.unbind(-1)
    return pos[:, None] + torch.stack((cos * x - sin * y, sin * x + cos * y, z.expand(len(pos), -1)), dim=-1)


class NoisyHeightMap(Part):
    """The grid around the torso as a real one comes: late, held, tilted, off and noisy; all drawn at each reset.

    Attributes:
        heights: (N, P) m, distances to the ground.
        map_poses: (3, N, 4) m and rad, place and heading of the torso in the last steps, the newest first.
        map_held: (N, 4), the one that the rays are cast from.
        map_delays: (N,) int64, policy steps.
        map_periods, map_phases: (N,) int64, policy steps between new poses, and when they come.
        map_offsets: (N,) m.
        map_tilts: (N, 3) rad.
    """

    env: ImitationState
    heights: Tensor
    map_poses: Tensor
    map_held: Tensor
    map_delays: Tensor
    map_periods: Tensor
    map_phases: Tensor
    map_offsets: Tensor
    map_tilts: Tensor

    def __init__(self, env: ImitationState) -> None:
        """Begin with grids of zeros."""
        super().__init__(env)
        self._points = grid(self.device)
        self.heights = torch.zeros(self.num_envs, SIDE * SIDE, device=self.device)
        self.map_poses = torch.zeros(_LONGEST_DELAY + 1, self.num_envs, 4, device=self.device)
        self.keep("map_poses")
        self.buffer("map_held", 4, at_reset=None)
        for name in ("map_delays", "map_periods", "map_phases"):
            self.buffer(name, dtype=torch.long, at_reset=None)
        self.buffer("map_offsets", at_reset=None)
        self.buffer("map_tilts", 3, at_reset=None)

    def reset(self, env_ids: Tensor) -> None:
        """Draw what lasts for an episode."""
        count, env = len(env_ids), self.env

        def whole(most: int) -> Tensor:
            return torch.randint(0, most, (count,), generator=env.generator, device=self.device)

        self.map_delays[env_ids] = whole(_LONGEST_DELAY + 1)
        self.map_periods[env_ids] = whole(_LONGEST_HOLD) + 1
        self.map_phases[env_ids] = whole(_LONGEST_HOLD)
        self.map_offsets[env_ids] = env._normal(count) * _OFFSET
        self.map_tilts[env_ids] = env._normal(count, 3) * torch.tensor(_TILT, device=self.device)

    def update(self) -> None:
        """A step is over: take in the torso's pose, and cast rays from the one that has come through."""
        torso, ages = self.env.links[:, -1], self.env.episode_length_buf
        pose = torch.cat((torso[:, :3], yaw_from_quat(torso[:, 3:7])[:, None]), dim=1)
        self.map_poses = torch.cat((pose[None], self.map_poses[:-1]))
        self.map_poses = torch.where((ages == 0)[:, None], pose, self.map_poses)
        due = (ages < _ALWAYS) | ((ages + self.map_phases) % self.map_periods == 0)
        late = self.map_poses[self.map_delays, torch.arange(self.num_envs, device=self.device)]
        self.map_held = torch.where(due[:, None], late, self.map_held)
        origins, directions = self._rays()
        clean = distances(self.env, origins, directions) + self.map_offsets[:, None]
        noisy = clean + self.env._normal(*clean.shape) * _WHITE
        wild, chance = self.env._uniform([0.0, 2.0], *clean.shape), self.env._uniform([0.0, 1.0], *clean.shape)
        self.heights = torch.where(chance < _WILD, wild * clean.mean(1, keepdim=True), noisy)

    refresh = update

    def _rays(self) -> Tuple[Tensor, Tensor]:
        roll, pitch, turn = self.map_tilts.unbind(1)
        tilt = quat_from_euler(roll, pitch, turn + self.map_held[:, 3])[:, None].expand(-1, SIDE * SIDE, -1)
        down = torch.tensor([0.0, 0.0, -1.0], device=self.device).expand(self.num_envs, SIDE * SIDE, 3)
        points = self._points.expand(self.num_envs, -1, -1)
        return self.map_held[:, None, :3] + quat_rotate(tilt, points), quat_rotate(tilt, down)
