"""The environment: N legged robots that learn to follow commands.

`step` reads top to bottom: act, push, simulate, update, terminate, reward, reset, command, look, observe, remember.
"""

from __future__ import annotations

import math
from typing import Any, Callable, Dict, List, Optional, Tuple

import torch
from torch import Tensor

from legged_gym.envs.base.base_config import table
from legged_gym.envs.base.legged_robot_config import RETIRED_SETTINGS
from legged_gym.envs.base.name_checks import check_joints, check_names
from legged_gym.envs.base.obstacles import Obstacles
from legged_gym.envs.base.saved_state import SavedState
from legged_gym.envs.base.tables import check_values, find_term
from legged_gym.envs.base.world import sim_spec
from legged_gym.envs.parts.control import JointControl
from legged_gym.envs.parts.domain_rand import DomainRandomization
from legged_gym.envs.parts.terrain_levels import TerrainLevels
from legged_gym.envs.terms.metrics import MetricTerms
from legged_gym.envs.terms.observation_groups import make_group
from legged_gym.envs.terms.observation_history import ObservationHistory
from legged_gym.envs.terms.observations import ObservationTerms
from legged_gym.envs.terms.reward_sum import RewardSum
from legged_gym.envs.terms.rewards import RewardTerms
from legged_gym.envs.terms.terminations import TerminationTerms
from legged_gym.rotations import quat_rotate_inverse
from legged_gym.sensors.depth_camera import DepthCamera
from legged_gym.sensors.height_scan import HeightScan
from legged_gym.sim.factory import make_simulator
from legged_gym.terrain import Terrain, uses_height_map
from rsl_rl.env import VecEnv

# N of vertical force from which on a foot counts as touching the ground
CONTACT_THRESHOLD = 1.0


class LeggedRobot(
    ObservationTerms,
    RewardTerms,
    TerminationTerms,
    MetricTerms,
    DomainRandomization,
    TerrainLevels,
    SavedState,
    JointControl,
    VecEnv,
):
    """N robots on one ground, each its own episode; subclass it to add terms, override a method to change one.

    A term that needs memory makes its buffer in `_init_buffers` and names it in `_STATE_BUFFERS`, so that a resumed run
    has it.

    Attributes besides those of `RobotState`:
        observation_dims: group -> shape of one environment's observation.
        observation_groups: group -> its layout.
        obs_buf: the current observations by group.
        rew_buf: (N,) rewards of the last step.
        extras: `time_outs` (N,) bool and `counts`, every step; `log`, on steps that end episodes.
        episode_listeners: called with environments (n,) whose episodes end, before anything of them is reset.
        log_dir: where the state of the first failed environment is written; None for nowhere.
        num_failures: environments that were reset because a number was NaN or Inf, since the start.
    """

    extras: Dict[str, Any]
    _num_logged: int  # episodes behind extras["log"]
    obs_buf: Dict[str, Tensor]
    _ever_reset: bool
    episode_listeners: List[Callable[[Tensor], None]]

    def __init__(
        self,
        cfg: Any,
        sim: str = "auto",
        device: Optional[str] = None,
        headless: bool = True,
        seed: Optional[int] = None,
        deterministic: bool = False,
    ) -> None:
        """Build terrain, simulator and buffers; observations exist after `reset`.

        Args:
            cfg: a `LeggedRobotCfg`.
            sim: 'auto', 'mujoco' or 'mujoco_warp'.
            device: torch device of physics and all tensors; None for the backend's default.
            headless: kept for viewers; rendering is on demand.
            seed: of everything random in the environment; None takes `cfg.seed`.
            deterministic: bit-identical physics where the backend has to be asked for it.

        Raises:
            UserError: the config cannot be; the message says what to change.
        """
        self.cfg = cfg
        self.headless = headless
        self.log_dir: Optional[str] = None
        self._check_config()
        self.seed = int(cfg.seed if seed is None else seed)
        self.num_envs = int(cfg.env.num_envs)
        self._create_sim(sim, device, deterministic)
        self._parse_config()
        self.episode_listeners = []
        self._init_buffers()
        self._init_randomization()
        self._prepare_tables()

    # ---------------------------------------------------------------- the life of a step

    def step(self, actions: Tensor) -> Tuple[Dict[str, Tensor], Tensor, Tensor, Dict[str, Any]]:
        """Advance all environments by one policy step.

        Args:
            actions: (N, D), unscaled.

        Returns:
            Observations by group; rewards (N,); whether the episode ended (N,) bool; extras. The observation of an
            environment whose episode ended is the first of its new episode.
        """
        self._act(actions)
        self._push_robots()
        self._simulate()
        self._update()
        self._check_termination()
        self._compute_reward()
        self._reset_finished()
        self._update_commands()
        self._look()
        self._observe()
        self._remember()
        return self.obs_buf, self.rew_buf, self.reset_buf, self.extras

    def reset(self) -> Dict[str, Tensor]:
        """Reset every environment and return the first observations."""
        self.extras, self._num_logged = {}, 0
        self.reset_idx(torch.arange(self.num_envs, device=self.device))
        self._update_base()
        self._steer_to_heading()
        self._observe()
        return self.obs_buf

    def get_observations(self) -> Dict[str, Tensor]:
        """The current observations by group."""
        return self.obs_buf

    def _act(self, actions: Tensor) -> None:
        limit = self.cfg.normalization.clip_actions
        self.actions = actions.to(self.device).clamp(-limit, limit)
        self.extras, self._num_logged = {}, 0

    def _update(self) -> None:
        self.episode_length_buf += 1
        self.common_step_counter += 1
        self._update_base()

    def _update_base(self) -> None:
        """What follows from the physics state: the base frame, the feet and the ground under the robot."""
        quat = self.root_states[:, 3:7]
        vectors = torch.stack((self.root_states[:, 7:10], self.root_states[:, 10:13], self._gravity), dim=1)
        in_base = quat_rotate_inverse(quat[:, None].expand(-1, 3, -1), vectors)
        self.base_lin_vel, self.base_ang_vel, self.projected_gravity = in_base.unbind(1)
        self.feet_forces = self.contact_forces.index_select(1, self.feet_indices)
        self.feet_contact = self.feet_forces[..., 2] > CONTACT_THRESHOLD
        if self.cfg.terrain.measure_heights:
            self.measured_heights = self.height_scan(self.root_states[:, :3], quat)

    def _check_termination(self) -> None:
        ended = [term() for term in self._terminations]
        timed_out = [term() for term in self._time_outs]
        died = torch.stack(ended).any(0) if ended else torch.zeros_like(self.reset_buf)
        self.time_out_buf = torch.stack(timed_out).any(0) if timed_out else torch.zeros_like(self.reset_buf)
        self.time_out_buf &= ~died
        self.reset_buf = died | self.time_out_buf
        self._reset_failed_state()

    def _compute_reward(self) -> None:
        # a foot that touched in either of the last two steps is down: contacts flicker
        self.feet_down = self.feet_contact | self.last_contacts
        self.last_contacts = self.feet_contact
        # before this step counts as time in the air, or every foot that stands would touch down again
        self.first_contact = self.feet_down & (self.feet_air_time > 0.0)
        self.feet_air_time += self.dt
        self.rew_buf = self.reward_sum.compute(self.cfg.rewards.only_positive_rewards, self.common_step_counter)
        self.feet_air_time *= ~self.feet_down
        if not math.isfinite(float(self.rew_buf.sum())):
            self._fail(~torch.isfinite(self.rew_buf), "a reward is NaN or Inf")
        if self._failed is not None:
            self.time_out_buf &= ~self._failed  # of a state that went wrong no value is expected
            self.rew_buf[self._failed] = 0.0
            self.reward_sum.episode_sums[:, self._failed] = 0.0

    def _reset_finished(self) -> None:
        self.extras["time_outs"] = self.time_out_buf
        env_ids = torch.nonzero(self.reset_buf).flatten()
        if len(env_ids):
            self.reset_idx(env_ids)
            self._update_base()

    def _look(self) -> None:
        if self.depth_camera is not None:
            self.depth_camera.share = self.randomization_share()
            self.depth_camera.update(self.root_states)

    def _observe(self) -> None:
        self._assemble()
        if not math.isfinite(sum(float(obs.sum()) for obs in self.obs_buf.values())):
            finite = torch.stack([torch.isfinite(obs.flatten(1)).all(1) for obs in self.obs_buf.values()]).all(0)
            self._fail(~finite, "an observation is NaN or Inf")
            self.reset_idx(torch.nonzero(~finite).flatten())
            self._update_base()
            self._steer_to_heading()
            self._assemble()
            for obs in self.obs_buf.values():  # what is wrong in a fresh robot too must not reach the networks
                obs[~torch.isfinite(obs)] = 0.0

    def _assemble(self) -> None:
        raw = {name: term() for name, term in self._observations.items()}
        limit = self.cfg.normalization.clip_observations
        self.obs_buf = {
            name: group.assemble(raw, limit, self.generator) for name, group in self.observation_groups.items()
        }
        self.observation_history.extend(self.obs_buf, self.episode_length_buf, self.common_step_counter)

    def _remember(self) -> None:
        self.last_actions = self.actions
        self.last_dof_vel.copy_(self.dof_vel)

    # ---------------------------------------------------------------- resets

    def reset_idx(self, env_ids: Tensor) -> None:
        """Start new episodes.

        Args:
            env_ids: (n,) sorted environments.
        """
        for listener in self.episode_listeners:
            listener(env_ids)
        self._log_episodes(env_ids)
        if self._curriculum and self._ever_reset:
            self._update_terrain_curriculum(env_ids)
        if self.cfg.domain_rand.every_episode and self._ever_reset:
            self._randomize_robots(env_ids)
        self._ever_reset = True
        self._reset_robots(env_ids)
        self._resample_commands(env_ids)
        for buffer in (self.actions, self.last_actions, self.last_dof_vel, self.feet_air_time):
            buffer[env_ids] = 0.0
        self.last_contacts[env_ids] = False
        self.episode_length_buf[env_ids] = 0
        self.observation_history.reset(env_ids)
        self._reset_control(env_ids)
        if self.depth_camera is not None:
            self.depth_camera.share = self.randomization_share()
            self.depth_camera.reset(env_ids)

    def _reset_robots(self, env_ids: Tensor) -> None:
        cfg, count = self.cfg.init_state, len(env_ids)
        self.sim.reset(env_ids)
        if self.obstacles is not None:
            self.obstacles.place(env_ids, self.env_origins[env_ids])
        factor = self._uniform(cfg.dof_pos_factor, count, self.num_actions)
        self.sim.set_dof_states(env_ids, self.default_dof_pos * factor, torch.zeros_like(factor))
        states = self._base_init_state.repeat(count, 1)
        states[:, :3] += self.env_origins[env_ids]
        if self.terrain is not None:
            reach = torch.tensor(cfg.max_random_pos, device=self.device)
            states[:, :2] += self._uniform([-1.0, 1.0], count, 2) * reach
        states[:, 7:13] += self._uniform([-cfg.max_random_vel, cfg.max_random_vel], count, 6)
        self.sim.set_root_states(env_ids, states)

    def _log_episodes(self, env_ids: Tensor) -> None:
        if self.cfg.commands.curriculum and self.common_step_counter % self.max_episode_length == 0:
            self._update_command_curriculum(env_ids)
        log: Dict[str, Any] = self.reward_sum.pop_means(env_ids, self.cfg.env.episode_length_s)
        earlier, before, now = self.extras.get("log", {}), self._num_logged, len(env_ids)
        for name, mean in log.items():  # with the robots whose episodes ended in this step before
            log[name] = (before * earlier.get(name, 0.0) + now * mean) / (before + now)
        if self._curriculum:
            log["terrain_level"] = self.terrain_levels.float().mean()
        if self.cfg.commands.curriculum:
            log["max_command_x"] = self.command_ranges.lin_vel_x[1]
        if self.cfg.domain_rand.widen_over is not None:
            log["randomization_share"] = self.randomization_share()
        self.extras["log"], self._num_logged = log, before + now

    # ---------------------------------------------------------------- construction

    def _check_config(self) -> None:
        cfg = self.cfg
        cfg.check()
        self._check_control()
        for path, instead in RETIRED_SETTINGS.items():
            section, name = path.split(".")
            if hasattr(getattr(cfg, section), name):
                print(f"note: the setting {path} of legged_gym is not read here: {instead}")
        self._check_commands()
        if not uses_height_map(cfg.terrain.mesh_type):
            cfg.terrain.curriculum = False

    def _create_sim(self, sim: str, device: Optional[str], deterministic: bool) -> None:
        cfg = self.cfg.terrain
        self.terrain = Terrain(cfg, self.seed) if uses_height_map(cfg.mesh_type) else None
        height_map = None if self.terrain is None else self.terrain.height_map
        self.sim = make_simulator(sim_spec(self.cfg, height_map), self.num_envs, sim, device, deterministic)
        self.device = self.sim.device
        self.obstacles = Obstacles(self.cfg, self.sim) if table(self.cfg.obstacles) else None
        seen = None if self.obstacles is None else self.sim
        self.height_scan = HeightScan(height_map, cfg.measured_points_x, cfg.measured_points_y, self.device, seen)

    def _parse_config(self) -> None:
        """Times, names, indices, gains and limits."""
        cfg, sim = self.cfg, self.sim
        self.dt = cfg.control.decimation * cfg.sim.dt
        self.max_episode_length = math.ceil(cfg.env.episode_length_s / self.dt - 1e-9)
        self.dof_names, self.body_names = sim.dof_names, sim.body_names
        self.num_actions = len(self.dof_names)
        self.command_ranges = cfg.commands.ranges
        check_joints(self.dof_names, cfg.init_state.default_joint_angles, cfg.asset.file, sim.dof_pos_limits.tolist())
        angles = [cfg.init_state.default_joint_angles[name] for name in self.dof_names]
        self.default_dof_pos = torch.tensor([angles], device=self.device)
        self.p_gains = self._gains(cfg.control.stiffness, "control.stiffness")
        self.d_gains = self._gains(cfg.control.damping, "control.damping")
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

    def _init_buffers(self) -> None:
        n, joints, device = self.num_envs, self.num_actions, self.device
        self.generator = torch.Generator(device=device).manual_seed(self.seed)
        sim = self.sim
        self.root_states, self.dof_pos, self.dof_vel = sim.root_states, sim.dof_pos, sim.dof_vel
        self.torques, self.contact_forces = sim.torques, sim.contact_forces
        self.common_step_counter = 0
        self.num_failures = 0
        self._failed = None
        self._failure_written = False
        self._ever_reset = False
        self._gravity = torch.tensor([0.0, 0.0, -1.0], device=device).expand(n, 3)
        self.actions = torch.zeros(n, joints, device=device)
        self.last_actions = torch.zeros(n, joints, device=device)
        self.last_dof_vel = torch.zeros(n, joints, device=device)
        self.commands = torch.zeros(n, 4, device=device)
        self.rew_buf = torch.zeros(n, device=device)
        self.reset_buf = torch.ones(n, dtype=torch.bool, device=device)
        self.time_out_buf = torch.zeros(n, dtype=torch.bool, device=device)
        self.standing = torch.zeros(n, dtype=torch.bool, device=device)
        self.episode_length_buf = torch.zeros(n, dtype=torch.long, device=device)
        self.feet_air_time = torch.zeros(n, len(self.feet_indices), device=device)
        self.last_contacts = torch.zeros(n, len(self.feet_indices), dtype=torch.bool, device=device)
        self.first_contact = torch.zeros_like(self.last_contacts)
        self.feet_down = torch.zeros_like(self.last_contacts)
        self.measured_heights = torch.zeros(n, 1, device=device)  # of a plane, if nothing is measured
        self._init_control()
        self.extras, self._num_logged = {}, 0
        init = self.cfg.init_state
        self._base_init_state = torch.tensor([[*init.pos, *init.rot, *init.lin_vel, *init.ang_vel]], device=device)
        self._place_on_terrain()
        if self.obstacles is not None:
            self.obstacles.place(torch.arange(n, device=device), self.env_origins)
        self._update_base()
        seen = any("depth" in table(section) for section in table(self.cfg.observations).values())
        camera = self.cfg.depth_camera
        self.depth_camera = DepthCamera(camera, sim, n, self.dt, self.generator) if seen else None

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
        self.observation_history = ObservationHistory(self.observation_groups, n, device)
        self.obs_buf = {name: torch.zeros(n, *shape, device=device) for name, shape in self.observation_dims.items()}
        entries = table(cfg.terminations)
        terms = {name: find_term(self, "_termination_", name, "terminations") for name in entries}
        for name, term in terms.items():
            check_values(term, f"terminations.{name}", (self.num_envs,), torch.bool)
        self._terminations = [terms[name] for name, entry in entries.items() if not entry.time_out]
        self._time_outs = [terms[name] for name, entry in entries.items() if entry.time_out]
        self._prepare_metrics()
        self.reward_sum = RewardSum(
            self, vars(cfg.rewards.scales), self.dt, self.num_envs, self.device, cfg.rewards.ramps
        )

    def _observation_tables(self) -> Dict[str, Dict[str, Any]]:
        """Group -> term -> entry."""
        return {name: table(section) for name, section in table(self.cfg.observations).items()}

    def close(self) -> None:
        """Free the simulator."""
        self.sim.close()
