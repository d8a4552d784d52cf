"""The environment: N legged robots that learn to follow commands.

`step` reads top to bottom: act, push, simulate, update, terminate, reward, reset, update parts, observe, remember.
"""

from __future__ import annotations

import copy
import functools
from typing import Any, Dict, Optional, Tuple, Type, TypeVar

import numpy as np
import torch
from torch import Tensor

from legged_gym.envs.base.base_config import table
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.base.robot_setup import RobotSetup
from legged_gym.envs.base.saved_state import SavedState
from legged_gym.envs.parts.camera import Camera
from legged_gym.envs.parts.commands import VelocityCommands
from legged_gym.envs.parts.control import JointControl
from legged_gym.envs.parts.domain_rand import DomainRandomization
from legged_gym.envs.parts.failures import Failures, not_finite
from legged_gym.envs.parts.obstacles import Obstacles
from legged_gym.envs.parts.part import Part
from legged_gym.envs.parts.terrain_levels import TerrainLevels
from legged_gym.envs.terms.metrics import MetricTerms
from legged_gym.envs.terms.observation_history import ObservationHistory
from legged_gym.envs.terms.observations import ObservationTerms
from legged_gym.envs.terms.rewards import RewardTerms
from legged_gym.envs.terms.terminations import TerminationTerms
from legged_gym.host import HostCopy, indices, on_host
from legged_gym.rotations import quat_rotate_inverse
from rsl_rl.env import VecEnv

AnyPart = TypeVar("AnyPart", bound=Part)

# N of vertical force from which on a foot counts as touching the ground
CONTACT_THRESHOLD = 1.0


class LeggedRobot(ObservationTerms, RewardTerms, TerminationTerms, MetricTerms, SavedState, RobotSetup, VecEnv):
    """N robots on one ground, each its own episode; subclass it to add terms, override a method to change one.

    A term that needs memory makes it in `_init_buffers`: `self.buffer("my_memory", 3)` gives `self.my_memory` (N, 3),
    which checkpoints hold and which is 0 when an episode begins. What is more than memory becomes a `Part`.

    Attributes besides those of `RobotState`:
        observation_dims: group -> shape of one environment's observation.
        observation_groups: group -> its layout.
        parts: by name, in the order in which they are reset.
        obs_buf: the current observations by group.
        rew_buf: (N,) rewards of the last step.
        extras: `time_outs` (N,) bool and `counts`, every step; `log`, on steps that end episodes.
        log_dir: where the state of the first failed environment is written; None for nowhere.
        num_failures: environments that were reset because a number was NaN or Inf, since the start.
    """

    command_part: Type[VelocityCommands] = VelocityCommands
    """What draws the commands of a class of robots."""

    reward_tag = "rew_{}"
    """By which names reward terms are logged."""

    terrain_curriculum: TerrainLevels

    def __init__(
        self,
        cfg: LeggedRobotCfg,
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
        self.cfg = copy.deepcopy(cfg)  # completed below; the caller's stays as it is
        self.headless, self.log_dir = headless, None
        self._check_config()
        self.seed, self.num_envs = int(cfg.seed if seed is None else seed), int(cfg.env.num_envs)
        self._create_sim(sim, device, deterministic)
        self._parse_config()
        self._init_buffers()
        self._complete_buffers()
        self._init_randomization()
        self._prepare_tables()
        self._prepare_metrics()
        self.observation_history = ObservationHistory(self, self.observation_groups)
        if self.observation_history.groups:
            self.use_part("history", self.observation_history)

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
        self._update_parts()
        self._observe()
        self._remember()
        return self.obs_buf, self.rew_buf, self.reset_buf, self.extras

    def reset(self) -> Dict[str, Tensor]:
        """Reset every environment and return the first observations."""
        self.extras = {}
        self._begin_anew(torch.arange(self.num_envs, device=self.device))
        self._refresh_parts()
        self._observe()
        self._remember()
        return self.obs_buf

    def get_observations(self) -> Dict[str, Tensor]:
        """The current observations by group."""
        return self.obs_buf

    def _act(self, actions: Tensor) -> None:
        limit = self.cfg.normalization.clip_actions
        self.actions = actions.to(self.device).clamp(-limit, limit)
        self.extras = {}

    def _update(self) -> None:
        self.episode_length_buf += 1
        self.common_step_counter += 1
        self._update_base()

    def _update_base(self, moved: Optional[Tensor] = None) -> None:
        """What follows from the physics state: base frame, feet, ground; only robots (n,) `moved`, if that is known."""
        vectors = torch.stack((self.root_states[:, 7:10], self.root_states[:, 10:13], self._gravity), dim=1)
        in_base = quat_rotate_inverse(self.root_states[:, None, 3:7].expand(-1, 3, -1), vectors)
        self.base_lin_vel, self.base_ang_vel, self.projected_gravity = in_base.unbind(1)
        self.feet_forces = self.contact_forces.index_select(1, self.feet_indices)
        self.feet_contact = self.feet_forces[..., 2] > CONTACT_THRESHOLD
        if self.cfg.terrain.measure_heights:
            self.measured_heights = self.height_scan.update(self.measured_heights, self.root_states, moved)

    def _check_termination(self) -> None:
        never = torch.zeros_like(self.reset_buf)
        died = functools.reduce(torch.bitwise_or, (term() for term in self._terminations), never)
        timed_out = functools.reduce(torch.bitwise_or, (term() for term in self._time_outs), never)
        self.time_out_buf, self.reset_buf = timed_out & ~died, died | timed_out
        self.failures.check_state()

    def _compute_reward(self) -> None:
        # a foot that touched in either of the last two steps is down: contacts flicker
        self.feet_down = self.feet_contact | self.last_contacts
        self.last_contacts = self.feet_contact
        # before this step counts as time in the air, or every foot that stands would touch down again
        self.first_contact = self.feet_down & (self.feet_air_time > 0.0)
        self.feet_air_time += self.dt
        self.rew_buf = self.reward_sum.compute(self.cfg.rewards.only_positive_rewards, self.common_step_counter)
        self.feet_air_time *= ~self.feet_down
        self.failures.note(not_finite(self.rew_buf), "a reward is NaN or Inf")

    def _reset_finished(self) -> None:
        """Here a step waits for the device, and once more in `_observe`."""
        self.extras["time_outs"] = self.time_out_buf
        masks = (self.reset_buf, self.failures.failed)
        ended, failed, ages = on_host(*(mask.long() for mask in masks), self.episode_length_buf)
        if failed.any():
            self.failures.settle()
            self.rew_buf.masked_fill_(self.failures.failed, 0.0)
            self.reward_sum.episode_sums.masked_fill_(self.failures.failed, 0.0)
        if ended.any():
            self._begin_anew(indices(ended, self.device))
        self.ages.know(self.episode_length_buf, np.where(ended, 0, ages))

    def _begin_anew(self, env_ids: Tensor) -> None:
        self.reset_idx(env_ids)
        self._update_base(moved=env_ids)  # nothing is measured twice for the others

    def _update_parts(self) -> None:
        for part in self.parts.values():
            part.update()

    def _refresh_parts(self) -> None:
        for part in self.parts.values():
            part.refresh()

    def _observe(self) -> None:
        self._assemble()
        bad = not_finite(torch.stack([obs.flatten(1).sum(1) for obs in self.obs_buf.values()]).sum(0))
        (failed,) = on_host(bad)
        if failed.any():
            self.failures.note(bad, "an observation is NaN or Inf")
            self.failures.settle()
            self._begin_anew(indices(failed, self.device))
            self._refresh_parts()
            self._assemble()
            for obs in self.obs_buf.values():  # what is wrong in a fresh robot too must not reach the networks
                obs[~torch.isfinite(obs)] = 0.0

    def _assemble(self) -> None:
        raw = {name: term() for name, term in self._observations.items()}
        limit = self.cfg.normalization.clip_observations
        self.obs_buf = {
            name: group.assemble(raw, limit, self.generator) for name, group in self.observation_groups.items()
        }
        if self.observation_history.groups:
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
        self._log_episodes(env_ids)
        for part in self.parts.values():
            part.prepare(env_ids)
        self.ever_reset = True
        self._reset_robots(env_ids)
        self.clear(env_ids)
        for part in self.parts.values():
            part.clear(env_ids)
            part.reset(env_ids)

    def _reset_robots(self, env_ids: Tensor) -> None:
        cfg, count = self.cfg.init_state, len(env_ids)
        self.sim.reset(env_ids)
        factor = self._uniform(cfg.dof_pos_factor, count, self.num_actions)
        self.sim.set_dof_states(env_ids, self.default_dof_pos * factor, torch.zeros_like(factor))
        states = self._base_init_state.repeat(count, 1)
        states[:, :3].add_(self.env_origins.index_select(0, env_ids))
        if self.terrain is not None:
            spread = self._uniform([-1.0, 1.0], count, 2)
            for axis, reach in enumerate(cfg.max_random_pos):
                states[:, axis].add_(spread[:, axis] * reach)
        states[:, 7:13].add_(self._uniform([-cfg.max_random_vel, cfg.max_random_vel], count, 6))
        self.sim.set_root_states(env_ids, states)

    def _log_episodes(self, env_ids: Tensor) -> None:
        if self.cfg.commands.curriculum and self.common_step_counter % self.longest_episode == 0:
            self._update_command_curriculum(env_ids)
        means = self.reward_sum.pop_means(env_ids, self.cfg.env.episode_length_s, "log" in self.extras)
        log: Dict[str, Any] = dict(zip(map(self.reward_tag.format, self.reward_sum.names), means.unbind()))
        for part in self.parts.values():
            log.update(part.log())
        self.extras["log"] = log

    # ---------------------------------------------------------------- hooks: what parts do, to be overridden

    def _push_robots(self) -> None:
        """Push the robots that are due."""
        self.randomization.push()

    def _simulate(self) -> None:
        """Advance the physics by one policy step."""
        self.control.simulate(self.actions)

    def _compute_torques(self, actions: Tensor) -> Tensor:
        """Torques (N, D) of one sub-step for the control types that the engine does not run itself."""
        return self.control.torques(actions)

    def _resample_commands(self, env_ids: Tensor) -> None:
        """Draw new commands for environments (n,)."""
        self.velocity_commands.draw(env_ids)

    def _update_commands(self) -> None:
        """In every step: new commands where they are due; in heading mode, the yaw rate."""
        self.velocity_commands.renew()

    def _update_command_curriculum(self, env_ids: Tensor) -> None:
        """Widen the ranges of commands, if episodes (n,) that end now say so."""
        self.velocity_commands.widen(env_ids)

    def _update_terrain_curriculum(self, env_ids: Tensor) -> None:
        """Choose the tiles of the next episodes of environments (n,)."""
        self.terrain_curriculum.promote(env_ids)

    def _init_randomization(self) -> None:
        """Draw the robots and when they are pushed, once everything else is made."""
        self.randomization.begin()

    def _randomize_robots(self, env_ids: Tensor) -> None:
        """Draw the robots of environments (n,)."""
        self.randomization.draw(env_ids)

    def trained_commands(self) -> Dict[str, Any]:
        """What training draws commands from, for exported policies and cards; tasks with their own commands extend it.

        Returns:
            ranges: name -> [lowest, highest].
            min_norm: m/s.
            rule: how they are drawn, in words.
            heading_command: whether yaw rates follow from a heading.
            heading: how; None where yaw rates are drawn.
        """
        return self.velocity_commands.trained()

    def beside_policy(self) -> Tuple[Dict[str, Any], Dict[str, bytes]]:
        """What the description of an exported policy has besides, and files that go with it, by name."""
        return {}, {}

    def command_columns(self) -> Dict[str, Tensor]:
        """The present commands by name, (N,) each, in m/s, rad/s and m; writing to one commands the robots."""
        return dict(zip(("lin_vel_x", "lin_vel_y", "ang_vel_yaw"), self.commands.unbind(1)))

    # ---------------------------------------------------------------- construction

    def _init_buffers(self) -> None:
        n, joints, feet, device = self.num_envs, self.num_actions, len(self.feet_indices), self.device
        self.generator = torch.Generator(device=device).manual_seed(self.seed)
        sim, init = self.sim, self.cfg.init_state
        self.root_states, self.dof_pos, self.dof_vel = sim.root_states, sim.dof_pos, sim.dof_vel
        self.torques, self.contact_forces = sim.torques, sim.contact_forces
        self.common_step_counter, self.num_failures, self.ever_reset = 0, 0, False
        self.ages = HostCopy()
        self.extras = {}
        self._gravity = torch.tensor([0.0, 0.0, -1.0], device=device).expand(n, 3)
        self._base_init_state = torch.tensor([[*init.pos, *init.rot, *init.lin_vel, *init.ang_vel]], device=device)
        for name in ("actions", "last_actions", "last_dof_vel"):
            self.buffer(name, joints)
        self.buffer("feet_air_time", feet)
        self.buffer("last_contacts", feet, dtype=torch.bool)
        self.buffer("episode_length_buf", dtype=torch.long)
        self.buffer("rew_buf", at_reset=None)
        self.buffer("reset_buf", dtype=torch.bool, at_reset=None).fill_(True)
        self.buffer("time_out_buf", dtype=torch.bool, at_reset=None)
        self.buffer("measured_heights", 1, at_reset=None)  # of a plane, if nothing is measured
        self.first_contact, self.feet_down = torch.zeros_like(self.last_contacts), torch.zeros_like(self.last_contacts)
        self._make_parts()

    def _make_parts(self) -> None:
        self.failures = Failures(self)
        self.control = JointControl(self, self.failures)
        self.velocity_commands = self.command_part(self)
        self.randomization = DomainRandomization(self)
        self.buffer("terrain_levels", dtype=torch.long, at_reset=None)
        self.buffer("terrain_types", dtype=torch.long, at_reset=None)
        self.buffer("env_origins", 3, at_reset=None)
        self.parts = {}
        if self.terrain is not None:
            self.use_part("tiles", TerrainLevels(self))
        self.use_part("robots", self.randomization)
        if table(self.cfg.obstacles):
            self.use_part("obstacles", Obstacles(self))
        self.use_part("commands", self.velocity_commands)
        self.use_part("control", self.control)
        self._update_base()
        self.depth_camera = None
        if any("depth" in table(section) for section in table(self.cfg.observations).values()):
            self.use_part("camera", Camera(self))
        self.use_part("failures", self.failures)

    def use_part(self, name: str, part: AnyPart, first: bool = False) -> AnyPart:
        """Replace the part of a name, as evaluation does with `tiles` and `commands`, or add one; returns it.

        A part of the kind that the hooks above ask is asked by them from now on; others stand around the one before.
        """
        self.parts = {**({name: part} if first else {}), **self.parts, name: part}
        place, attribute = part.asked_as
        if name == place:
            setattr(self, attribute, part)
            self.control.failures = self.failures
        return part

    def drop_part(self, name: str) -> None:
        """Do without a part."""
        del self.parts[name]

    def write_failures_to(self, folder: Optional[str]) -> None:
        """See `VecEnv`."""
        self.log_dir = folder

    def close(self) -> None:
        """Free the simulator."""
        self.sim.close()
