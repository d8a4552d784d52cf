"""Buffers of N environments, and what terms and parts read of an environment."""

from __future__ import annotations

import contextlib
import math
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Union

import torch
from torch import Tensor

from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.terms.observation_groups import ImageGroup, ObservationGroup
from legged_gym.envs.terms.reward_sum import RewardSum, ramp
from legged_gym.errors import UserError
from legged_gym.host import HostCopy
from legged_gym.sensors.depth_camera import DepthCamera
from legged_gym.sensors.height_scan import HeightScan
from legged_gym.sim.simulator import Simulator
from legged_gym.terrain import Terrain


class Buffers:
    """An owner of buffers, the robots or one of their parts: `buffer` says once how one is made, saved and cleared."""

    num_envs: int
    device: torch.device
    _at_reset: Dict[str, Optional[float]]  # by name; None: kept

    def buffer(
        self, name: str, *shape: int, dtype: torch.dtype = torch.float32, at_reset: Optional[float] = 0.0
    ) -> Tensor:
        """Make `self.<name>` (N, *shape), which checkpoints hold.

        Args:
            name: the attribute, and the entry in checkpoints; no other owner of the environment has one of that name.
            shape: of one environment.
            dtype: of the numbers.
            at_reset: what it is at first and when an episode begins; None: 0 at first, and kept at resets.

        Raises:
            UserError: the owner has something else of that name.
        """
        if getattr(self, name, None) is not None and name not in self._at_reset:
            raise UserError(f"{type(self).__name__} has a {name} already: give the buffer another name")
        shape = (self.num_envs, *shape)
        setattr(self, name, torch.full(shape, at_reset or 0.0, device=self.device).to(dtype))
        self.keep(name, at_reset)
        value: Tensor = getattr(self, name)
        return value

    def keep(self, name: str, at_reset: Optional[float] = None) -> None:
        """Have a tensor that was made otherwise saved and loaded like a `buffer`."""
        self.__dict__.setdefault("_at_reset", {})[name] = at_reset

    def clear(self, env_ids: Tensor) -> None:
        """Episodes begin in environments (n,)."""
        for name, value in self._at_reset.items():
            if value is not None:
                getattr(self, name).index_fill_(0, env_ids, value)

    def saved_buffers(self) -> Dict[str, Tensor]:
        """Name -> a copy."""
        return {name: getattr(self, name).clone() for name in self._at_reset}

    def load_buffers(self, state: Mapping[str, Tensor]) -> None:
        """Take over those that a state has."""
        for name in self._at_reset:
            if name in state:
                setattr(self, name, state[name].to(self.device).clone())


class RobotState(Buffers):
    """N robots with D joints and B bodies; filled by `LeggedRobot`.

    Tensors of the simulator (root_states, dof_pos, dof_vel, torques, contact_forces) are its live buffers.
    """

    cfg: LeggedRobotCfg
    sim: Simulator
    terrain: Optional[Terrain]
    height_scan: HeightScan
    depth_camera: Optional[DepthCamera]  # None where no observation needs it
    generator: torch.Generator  # every random number of the environment
    num_actions: int
    dt: float  # s, one policy step
    max_episode_length: Union[int, Tensor]  # policy steps, or (N,) of each environment
    common_step_counter: int  # policy steps since the start
    ever_reset: bool
    num_failures: int
    log_dir: Optional[str]
    extras: Dict[str, Any]

    dof_names: List[str]
    body_names: List[str]
    feet_indices: Tensor  # (F,) bodies
    penalised_contact_indices: Tensor  # (P,) bodies
    termination_contact_indices: Tensor  # (Q,) bodies
    default_dof_pos: Tensor  # (1, D) rad
    p_gains: Tensor  # (D,) nominal
    d_gains: Tensor  # (D,) nominal
    dof_pos_limits: Tensor  # (D, 2) rad, soft
    dof_vel_limits: Tensor  # (D,) rad/s
    torque_limits: Tensor  # (D,) N m

    root_states: Tensor  # (N, 13) pos, quat xyzw, lin vel, ang vel in the world frame
    dof_pos: Tensor  # (N, D) rad
    dof_vel: Tensor  # (N, D) rad/s
    torques: Tensor  # (N, D) N m, as applied
    contact_forces: Tensor  # (N, B, 3) N, world frame
    base_lin_vel: Tensor  # (N, 3) m/s, base frame
    base_ang_vel: Tensor  # (N, 3) rad/s, base frame
    projected_gravity: Tensor  # (N, 3) unit vector, base frame
    measured_heights: Tensor  # (N, H) m, world

    actions: Tensor  # (N, D) clipped, unscaled
    last_actions: Tensor  # (N, D)
    last_dof_vel: Tensor  # (N, D)
    commands: Tensor  # (N, 4) vx, vy, yaw rate, heading; rewards see those that the policy acted on
    standing: Tensor  # (N,) bool, told to stand until new commands come, whatever the heading
    command_ranges: Any  # config group, widened by the curriculum
    ages: HostCopy  # of `episode_length_buf`
    episode_length_buf: Tensor  # (N,) int64, policy steps
    reset_buf: Tensor  # (N,) bool
    time_out_buf: Tensor  # (N,) bool
    feet_air_time: Tensor  # (N, F) s
    feet_forces: Tensor  # (N, F, 3) N, world frame
    feet_contact: Tensor  # (N, F) bool
    feet_down: Tensor  # (N, F) bool, touching now or in the last step
    first_contact: Tensor  # (N, F) bool, down after at least one step in the air
    last_contacts: Tensor  # (N, F) bool
    friction_coeffs: Tensor  # (N,)
    added_masses: Tensor  # (N,) kg
    com_displacements: Tensor  # (N, 3) m
    motor_strengths: Tensor  # (N, D)
    env_p_gains: Tensor  # (N, D) randomised
    env_d_gains: Tensor  # (N, D) randomised
    push_phases: Tensor  # (N,) int64, policy steps

    env_origins: Tensor  # (N, 3) m
    terrain_levels: Tensor  # (N,) int64
    terrain_types: Tensor  # (N,) int64
    reward_sum: RewardSum
    observation_groups: Dict[str, Union[ObservationGroup, ImageGroup]]

    _columns: Optional[Iterator[Tensor]] = None

    def _uniform(self, bounds: Sequence[float], *shape: int) -> Tensor:
        """Uniform numbers of a shape in [low, high], from the environment's own generator."""
        low, high = bounds
        if self._columns is None or shape[0] != self.num_envs:
            unit = torch.rand(shape, generator=self.generator, device=self.device)
        else:
            unit = torch.stack([next(self._columns) for _ in range(math.prod(shape[1:]))], dim=1).reshape(shape)
        return unit.mul_(high - low).add_(low)

    def _normal(self, *shape: int) -> Tensor:
        """Standard normal numbers of a shape, from the same generator."""
        return torch.randn(shape, generator=self.generator, device=self.device)

    @contextlib.contextmanager
    def drawing_from(self, columns: Iterator[Tensor]) -> Iterator[None]:
        """Meanwhile, uniform numbers for all robots at once are columns (N,) of others, one after the other."""
        self._columns = columns
        try:
            yield
        finally:
            self._columns = None

    def randomization_share(self) -> float:
        """How much of the ranges of `domain_rand` is in use, 0 to 1; see `domain_rand.widen_over`."""
        bounds = self.cfg.domain_rand.widen_over
        return 1.0 if bounds is None else ramp(self.common_step_counter, bounds)

    @property
    def longest_episode(self) -> int:
        """The most of `max_episode_length`, policy steps."""
        return int(torch.as_tensor(self.max_episode_length).max())

    # hooks, of which `LeggedRobot` says what they do
    def _resample_commands(self, env_ids: Tensor) -> None: ...
    def _update_commands(self) -> None: ...
    def _update_terrain_curriculum(self, env_ids: Tensor) -> None: ...
    def _randomize_robots(self, env_ids: Tensor) -> None: ...
    def _compute_torques(self, actions: Tensor) -> Tensor:
        raise NotImplementedError

    def command_columns(self) -> Dict[str, Tensor]:
        """See `LeggedRobot`."""
        raise NotImplementedError
