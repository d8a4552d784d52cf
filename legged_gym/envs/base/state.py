"""The attributes of an environment that its terms read: a declaration for readers and type checkers."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Union

import torch
from torch import Tensor

from legged_gym.envs.terms.observation_groups import ImageGroup, ObservationGroup
from legged_gym.envs.terms.observation_history import ObservationHistory
from legged_gym.envs.terms.reward_sum import RewardSum
from legged_gym.sensors.depth_camera import DepthCamera
from legged_gym.sensors.height_scan import HeightScan
from legged_gym.sim.simulator import Simulator
from legged_gym.terrain import Terrain


class RobotState:
    """N robots with D joints and B bodies; filled by `LeggedRobot`.

    Tensors of the simulator (root_states, dof_pos, dof_vel, torques, contact_forces) are its live buffers.
    """

    cfg: Any
    sim: Simulator
    terrain: Optional[Terrain]
    height_scan: HeightScan
    depth_camera: Optional[DepthCamera]  # None where no observation needs it
    generator: torch.Generator  # every random number of the environment
    device: torch.device
    num_envs: int
    num_actions: int
    dt: float  # s, one policy step
    max_episode_length: int  # policy steps
    common_step_counter: int  # policy steps since the start

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
    observation_history: ObservationHistory
    observation_groups: Dict[str, Union[ObservationGroup, ImageGroup]]
