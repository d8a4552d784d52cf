"""From a config to a simulator, to indices and limits, and to the methods that its tables name."""

from __future__ import annotations

import copy
import math
from typing import Any, Callable, Dict, List, Optional, Tuple

import torch
from torch import Tensor

from legged_gym.envs.base.base_config import table
from legged_gym.envs.base.legged_robot_config import RETIRED_SETTINGS
from legged_gym.envs.base.name_checks import check_gains, check_joints, check_names
from legged_gym.envs.base.state import RobotState
from legged_gym.envs.base.world import sim_spec
from legged_gym.envs.parts.control import complete_control
from legged_gym.envs.terms.observation_groups import make_group
from legged_gym.envs.terms.reward_sum import RewardSum
from legged_gym.envs.terms.tables import check_values, find_term
from legged_gym.errors import UserError
from legged_gym.sensors.height_scan import HeightScan
from legged_gym.sim.factory import make_simulator
from legged_gym.sim.robot.gains import gains_of
from legged_gym.terrain import Terrain, make_terrain, uses_height_map

MOVED_HOOKS = {
    "_look": "Part.update",
    "_steer_to_heading": "VelocityCommands.steer",
    "_place_on_terrain": "TerrainLevels",
    "_init_control": "JointControl",
    "_reset_control": "JointControl.reset",
    "_control_state": "JointControl.state_dict",
    "_load_control_state": "JointControl.load_state_dict",
    "_delay": "JointControl.delay",
    "_check_commands": "VelocityCommands.__init__",
    "_init_jumps": "Go2Commands.__init__",
    "_update_jumps": "Go2Commands.renew",
    "_begin_failures": "Failures.begin",
    "_collect_failure": "Failures.check_state",
    "_reset_failed_state": "Failures.check_state",
    "_fail": "Failures.note",
}
"""Methods of the environment that subclasses could override once, and what is there instead."""


class RobotSetup(RobotState):
    """What `LeggedRobot.__init__` does before and after buffers and parts are made."""

    seed: int
    obs_buf: Dict[str, Tensor]
    observation_dims: Dict[str, Tuple[int, ...]]
    _observations: Dict[str, Callable[[], Tensor]]
    _terminations: List[Callable[[], Tensor]]
    _time_outs: List[Callable[[], Tensor]]

    def _check_config(self) -> None:
        cfg = self.cfg
        cfg.check()
        complete_control(cfg)
        for name, instead in MOVED_HOOKS.items():
            if hasattr(self, name):
                raise UserError(f"{type(self).__name__}.{name} is not called any more: override {instead} of a part")
        for path, instead in RETIRED_SETTINGS.items():
            section, name = path.split(".")
            if hasattr(getattr(cfg, section), name):
                print(f"note: the setting {path} of legged_gym is not read here: {instead}")
        if cfg.terrain.mesh_files is not None and cfg.terrain.mesh_type != "mesh":
            print(f"note: env.terrain.mesh_files is not read, since mesh_type is {cfg.terrain.mesh_type} and not mesh")
        if not uses_height_map(cfg.terrain.mesh_type):
            cfg.terrain.curriculum = False

    def _make_terrain(self) -> Optional[Terrain]:
        """Hook: the ground; None for a plane."""
        cfg = self.cfg.terrain
        return make_terrain(cfg, self.seed) if uses_height_map(cfg.mesh_type) else None

    def _create_sim(self, sim: str, device: Optional[str], deterministic: bool) -> None:
        cfg = self.cfg.terrain
        self.terrain = self._make_terrain()
        height_map = None if self.terrain is None else self.terrain.height_map
        self.sim = make_simulator(sim_spec(self.cfg, height_map), self.num_envs, sim, device, deterministic)
        self.device = self.sim.device
        seen = self.sim if table(self.cfg.obstacles) else None
        self.height_scan = HeightScan(height_map, cfg.measured_points_x, cfg.measured_points_y, self.device, seen)

    def _parse_config(self) -> None:
        """Times, names, indices, gains and limits."""
        cfg, sim = self.cfg, self.sim
        self.dt = cfg.control.decimation * cfg.sim.dt
        self.max_episode_length = math.ceil(cfg.env.episode_length_s / self.dt - 1e-9)
        self.dof_names, self.body_names = sim.dof_names, sim.body_names
        self.num_actions = len(self.dof_names)
        self.command_ranges = copy.deepcopy(cfg.commands.ranges)
        check_joints(self.dof_names, cfg.init_state.default_joint_angles, cfg.asset.file, sim.dof_pos_limits.tolist())
        angles = [cfg.init_state.default_joint_angles[name] for name in self.dof_names]
        self.default_dof_pos = torch.tensor([angles], device=self.device)
        self.p_gains = self._gains(cfg.control.stiffness, "control.stiffness")
        self.d_gains = self._gains(cfg.control.damping, "control.damping")
        check_gains(self.dof_names, cfg.control.torque_speed, "control.torque_speed", all_joints=False)
        asset = cfg.asset
        if asset.foot_name != "None":
            check_names(self.body_names, [asset.foot_name], "asset.foot_name")
        check_names(self.body_names, asset.penalize_contacts_on, "asset.penalize_contacts_on")
        check_names(self.body_names, asset.terminate_after_contacts_on, "asset.terminate_after_contacts_on")
        self.feet_indices = sim.body_indices([asset.foot_name])
        self.penalised_contact_indices = sim.body_indices(asset.penalize_contacts_on)
        self.termination_contact_indices = sim.body_indices(asset.terminate_after_contacts_on)
        low, high = sim.dof_pos_limits.unbind(1)
        shrink = 0.5 * (1.0 - cfg.rewards.soft_dof_pos_limit) * (high - low)
        shrink[torch.isinf(shrink) | torch.isnan(shrink)] = 0.0  # of joints without limits
        self.dof_pos_limits = torch.stack((low + shrink, high - shrink), dim=1)
        self.dof_vel_limits, self.torque_limits = sim.dof_vel_limits, sim.torque_limits

    def _gains(self, gains: Dict[str, float], setting: str) -> Tensor:
        """Gains (D,) by parts of joint names, the last match wins; `setting` is where they stand."""
        if self.cfg.control.control_type in ("P", "V"):
            check_gains(self.dof_names, gains, setting)
        return torch.as_tensor(gains_of(self.dof_names, gains), dtype=torch.float32, device=self.device)

    def _prepare_tables(self) -> None:
        cfg = self.cfg
        groups = self._observation_tables()
        self._observations = {
            name: find_term(self, "_obs_", name, f"observations.{group}")
            for group, rows in groups.items()
            for name in rows
        }
        shapes = {
            name: check_values(term, f"observations.{name}", (self.num_envs, None))[1:]
            for name, term in self._observations.items()
        }
        noise_level = cfg.noise.noise_level if cfg.noise.add_noise else 0.0
        self.observation_groups = {
            group: make_group(group, rows, shapes, noise_level).to(self.device) for group, rows in groups.items()
        }
        self.observation_dims = {name: group.shape for name, group in self.observation_groups.items()}
        n, device = self.num_envs, self.device
        self.obs_buf = {name: torch.zeros(n, *shape, device=device) for name, shape in self.observation_dims.items()}
        entries = table(cfg.terminations)
        terms = {name: find_term(self, "_termination_", name, "terminations") for name in entries}
        for name, term in terms.items():
            check_values(term, f"terminations.{name}", (self.num_envs,), torch.bool)
        self._terminations = [terms[name] for name, entry in entries.items() if not entry.time_out]
        self._time_outs = [terms[name] for name, entry in entries.items() if entry.time_out]
        self.reward_sum = RewardSum(
            self, vars(cfg.rewards.scales), self.dt, self.num_envs, self.device, cfg.rewards.ramps
        )

    def _observation_tables(self) -> Dict[str, Dict[str, Any]]:
        """Group -> term -> entry."""
        return {name: table(section) for name, section in table(self.cfg.observations).items()}
