"""The terms of single robots a second time: Mini Cheetah and Go2 after their pages in docs/, vision after its paper."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.envs.golden_physics import array, norm
from tests.envs.golden_robot import GoldenRobot

CYCLE = 2.0 * np.pi


class GoldenMiniCheetah(GoldenRobot):
    """docs/mini_cheetah.md: S(x) = exp(-x^2 / sigma), errors over their scaling, joint targets in rad."""

    def __init__(self, cfg: Any, sim: Any, terrain: Any) -> None:
        super().__init__(cfg, sim, terrain)
        self.targets = np.zeros((3, sim.num_envs, len(self.default)))  # newest first
        self.dof_pos_scale, self.dof_vel_scale = (
            np.array([[size for part, size in scale.items() if part in joint][-1] for joint in sim.dof_names])
            for scale in (cfg.scaling.dof_pos, cfg.scaling.dof_vel)
        )

    def act(self, actions: np.ndarray) -> None:
        super().act(actions)
        self.targets = np.stack((self.cfg.control.action_scale * self.actions, self.targets[0], self.targets[1]))

    def forget(self, new: np.ndarray) -> None:
        super().forget(new)
        self.targets[:, new] = 0.0

    def standing(self) -> np.ndarray:
        return np.exp(-(np.maximum(norm(self.commands[:, :3]) - 0.1, 0.0) ** 2) / 0.1)

    def reward_tracking_lin_vel(self) -> np.ndarray:
        wanted = self.commands[:, :2]
        error = (wanted - self.velocity[:, :2]) / (1.0 + np.abs(wanted))
        return np.exp(-np.sum(error**2, axis=1) / self.cfg.rewards.tracking_sigma)

    def reward_tracking_lin_vel_abs(self) -> np.ndarray:
        return GoldenRobot.reward_tracking_lin_vel(self)

    def reward_lin_vel_z(self) -> np.ndarray:
        return self.kernel(self.velocity[:, 2] / self.cfg.scaling.base_lin_vel)

    def reward_ang_vel_xy(self) -> np.ndarray:
        roll, pitch, _ = (self.rates / self.cfg.scaling.base_ang_vel).T
        return self.kernel(roll) + self.kernel(pitch)

    def reward_orientation(self) -> np.ndarray:
        return self.kernel(self.gravity[:, 0]) + self.kernel(self.gravity[:, 1])

    def reward_min_base_height(self) -> np.ndarray:
        above = self.obs_base_height()[:, 0] - self.cfg.rewards.base_height_target
        return self.kernel(np.minimum(above, 0.0) / self.cfg.scaling.base_height)

    def reward_action_rate(self) -> np.ndarray:
        return np.sum((self.targets[0] - self.targets[1]) ** 2, axis=1) / 0.0025

    def reward_action_rate2(self) -> np.ndarray:
        return np.sum((self.targets[0] - 2.0 * self.targets[1] + self.targets[2]) ** 2, axis=1) / 0.0025

    def reward_dof_near_home(self) -> np.ndarray:
        return np.sum(self.kernel((self.now.dof_pos - self.default) / self.dof_pos_scale), axis=1)

    def reward_dof_vel(self) -> np.ndarray:
        return np.sum(self.kernel(self.now.dof_vel / self.dof_vel_scale), axis=1)

    def reward_stand_still(self) -> np.ndarray:
        pose = np.mean(self.kernel(36.0 / np.pi * (self.now.dof_pos - self.default)), axis=1)
        rest = np.mean(self.kernel(self.now.dof_vel), axis=1)
        motion = np.mean(self.velocity**2, axis=1) + np.mean(self.rates**2, axis=1)
        return (pose + rest - motion) * self.standing()

    def obs_dof_pos_history(self) -> np.ndarray:
        return np.concatenate(list(self.targets), axis=1)


class GoldenMiniCheetahRef(GoldenMiniCheetah):
    """A trot by a clock: RF and LH swing while the phase is below pi, LF and RH half a cycle later."""

    def __init__(self, cfg: Any, sim: Any, terrain: Any) -> None:
        super().__init__(cfg, sim, terrain)
        self.phase = np.zeros(sim.num_envs)
        behind = {"rf": 0.0, "lf": np.pi, "rh": np.pi, "lh": 0.0}
        self.joints_behind = np.array([behind[joint[:2]] for joint in sim.dof_names])
        self.feet_behind = np.array([behind[sim.body_names[foot][:2]] for foot in self.feet])

    def advance(self, physics: Any) -> Any:
        self.phase = (self.phase + CYCLE * self.cfg.control.gait_freq * self.dt) % CYCLE
        return super().advance(physics)

    def take_draws(self, env: Any) -> None:
        super().take_draws(env)
        drawn = array(env.phase)
        away = np.abs(np.exp(1j * drawn) - np.exp(1j * self.phase))
        assert (away[~self.ended] < 1e-5).all() and (drawn >= 0.0).all() and (drawn <= CYCLE).all()
        self.phase = drawn

    def reference(self) -> np.ndarray:
        """Angles (N, 12) of one leg's cycle: 140 rows, of which 67 swing, and a line between each two."""
        rows = np.arange(140)
        lift = np.where(rows < 67, np.abs(np.sin(np.pi * rows / 67)) ** 1.5, 0.0)
        cycle = {"haa": np.full(140, -0.005), "hfe": 0.052 - 0.173 * lift, "kfe": -0.072 + 0.389 * lift}
        phases = (self.phase[:, None] + self.joints_behind) % CYCLE
        columns = [
            np.interp(phases[:, at], rows * CYCLE / 140, cycle[joint[-3:]], period=CYCLE)
            for at, joint in enumerate(self.sim.dof_names)
        ]
        return self.default + np.stack(columns, axis=1)

    def moving(self) -> np.ndarray:
        return 1.0 - self.standing()

    def reward_tracking_lin_vel(self) -> np.ndarray:
        return super().reward_tracking_lin_vel() * self.moving()

    def reward_tracking_ang_vel(self) -> np.ndarray:
        return super().reward_tracking_ang_vel() * self.moving()

    def reward_reference_traj(self) -> np.ndarray:
        error = (self.reference() - self.now.dof_pos) / self.dof_pos_scale
        return np.mean(self.kernel(error) - 0.2 * np.abs(error), axis=1) * self.moving()

    def _bearing(self, swing: bool) -> np.ndarray:
        """Feet that bear more than 10 N in their swing or stance; NaN where one is just between the two."""
        height = np.sin(self.phase[:, None] + self.feet_behind)
        counted = np.sum((norm(self.feet_forces) > 10.0) & ((height > 0.0) == swing), axis=1)
        return np.where((np.abs(height) < 1e-4).any(1), np.nan, counted) * self.moving()

    def reward_swing_grf(self) -> np.ndarray:
        return self._bearing(True)

    def reward_stance_grf(self) -> np.ndarray:
        return self._bearing(False)

    def obs_phase(self) -> np.ndarray:
        return np.stack((np.sin(self.phase), np.cos(self.phase)), axis=1)

    def obs_told_to_stand(self) -> np.ndarray:
        return (np.sqrt((self.commands[:, :3] ** 2).sum(axis=1)) <= 0.1)[:, None].astype(float)


class GoldenGo2(GoldenRobot):
    """docs/go2.md: a height is commanded too, and jumps of 50 steps: 20 to take off, 15 in the air, 15 to land."""

    def __init__(self, cfg: Any, sim: Any, terrain: Any) -> None:
        super().__init__(cfg, sim, terrain)
        self.height, self.jump, self.target = (np.zeros(sim.num_envs) for _ in range(3))
        self.left = np.zeros(sim.num_envs, dtype=int)  # steps of the jump under way

    def forget(self, new: np.ndarray) -> None:
        super().forget(new)
        self.left[new] = 0

    def take_draws(self, env: Any) -> None:
        due = self.ended | self.is_due()
        super().take_draws(env)
        height, self.jump = array(env.height_commands), array(env.jump_commands)
        assert (height[~due] == self.height[~due]).all()
        assert ((height >= 0.2 - 1e-6) & (height <= 0.4 + 1e-6)).all()
        assert np.allclose(height[self.ended], self.cfg.commands.initial_height)
        self.height = height
        self.left = np.maximum(self.left - 1, 0)
        begins = self.jump > 0.0
        assert not (begins & (self.left > 0)).any()
        self.left[begins], self.target[begins] = 50, self.jump[begins]

    def _above(self) -> np.ndarray:
        return self.obs_base_height()[:, 0]

    def reward_base_height_command(self) -> np.ndarray:
        return (self._above() - self.height) ** 2 * (self.left == 0)

    def reward_lin_vel_z(self) -> np.ndarray:
        return super().reward_lin_vel_z() * (self.left == 0)

    def reward_action_rate(self) -> np.ndarray:
        return super().reward_action_rate() * (self.left == 0)

    def reward_similar_to_default(self) -> np.ndarray:
        return super().reward_similar_to_default() * (self.left == 0)

    def _in_air(self) -> np.ndarray:
        return (self.left >= 15) & (self.left < 30)

    def reward_jump_height_tracking(self) -> np.ndarray:
        return np.exp(-((self._above() - self.target) ** 2)) * self._in_air()

    def reward_jump_height_achievement(self) -> np.ndarray:
        return 1.0 * (np.abs(self._above() - self.target) < 0.2) * self._in_air()

    def reward_jump_speed(self) -> np.ndarray:
        return 0.2 * np.exp(self.now.root[:, 9]) * self._in_air()

    def reward_jump_landing(self) -> np.ndarray:
        landing = (self.left > 0) & (self.left < 15)
        return (self._above() - self.cfg.rewards.base_height_target) ** 2 * landing

    def obs_height_command(self) -> np.ndarray:
        return self.height[:, None]

    def obs_jump_command(self) -> np.ndarray:
        return self.jump[:, None]

    def obs_jump_counter(self) -> np.ndarray:
        return self.left[:, None] / 50.0


class GoldenVision(GoldenRobot):
    """docs/walking_by_sight.md and the supplement of Agarwal et al. 2022."""

    def __init__(self, cfg: Any, sim: Any, terrain: Any) -> None:
        super().__init__(cfg, sim, terrain)
        self.terrain = terrain
        self.last_feet_forces = np.zeros((sim.num_envs, len(self.feet), 3))

    def advance(self, physics: Any) -> Any:
        rewards = super().advance(physics)
        self.last_feet_forces = self.feet_forces
        return rewards

    def forget(self, new: np.ndarray) -> None:
        super().forget(new)
        self.last_feet_forces[new] = 0.0

    def take_draws(self, env: Any) -> None:
        super().take_draws(env)
        ground = self.cfg.terrain
        size = np.array([ground.terrain_length, ground.terrain_width])
        tiles = np.floor(env.env_origins.numpy()[:, :2] / size).astype(int)
        self.on_flat = np.array([self.terrain.tile_types[row][column] == "lane_flat" for row, column in tiles])

    def check_drawn(self, drawn: np.ndarray) -> None:
        """At walking pace, or in the ways of flat ground; never sideways."""
        assert (drawn[:, 0] >= 0.0).all() and (drawn[:, 0] <= 0.8).all() and (drawn[:, 1] == 0.0).all()
        assert (np.abs(drawn[:, 3]) <= np.pi + 1e-6).all()

    def reward_tracking(self) -> np.ndarray:
        speed, _, turn, _ = self.commands.T
        return speed - np.abs(speed - self.velocity[:, 0]) - np.abs(turn - self.rates[:, 2])

    def reward_work(self) -> np.ndarray:
        return np.sum(np.abs(self.now.torques * self.now.dof_vel), axis=1)

    def reward_foot_jerk(self) -> np.ndarray:
        return np.sum(norm(self.feet_forces - self.last_feet_forces), axis=1)

    def reward_feet_drag(self) -> np.ndarray:
        speed = np.abs(self.feet_states[..., 7]) + np.abs(self.feet_states[..., 8])
        return np.sum(speed * self.contact, axis=1)

    def reward_progress(self) -> np.ndarray:
        speed, heading = self.commands[:, 0], self.commands[:, 3]
        towards = self.now.root[:, 7] * np.cos(heading) + self.now.root[:, 8] * np.sin(heading)
        share = np.maximum(np.minimum(towards, speed) / np.maximum(speed, 0.1), -1.0)
        return np.where(speed > 0.0, share, 0.0)

    def reward_base_height(self) -> np.ndarray:
        """Over the median of the ground within 0.31 m, along either axis, of the base."""
        near = np.max(np.abs(self.ground.points), axis=1) < 0.31
        above = self.now.root[:, 2] - np.median(self.heights[:, near], axis=1)
        return (above - self.cfg.rewards.base_height_target) ** 2

    def reward_feet_edge(self) -> np.ndarray:
        """Feet on the ground less than `edge_margin` from a drop of more than `edge_drop`; NaN between two vertices."""
        terrain, rewards = self.ground.terrain, self.cfg.rewards
        if terrain is None:
            return np.zeros(len(self.contact))
        heights = terrain.height_field * terrain.vertical_scale
        place = (self.feet_states[..., :2] + terrain.border_size) / terrain.horizontal_scale
        unsure = (np.abs(place - np.floor(place) - 0.5) < 1e-3).any(-1)
        vertex = np.clip(np.round(place).astype(int), 0, np.array(heights.shape) - 1)
        reach = int(np.ceil(rewards.edge_margin / terrain.horizontal_scale))
        near = np.zeros(unsure.shape, dtype=bool)
        for i, j in np.ndindex(2 * reach + 1, 2 * reach + 1):
            shift = np.array([i, j]) - reach
            if np.hypot(*shift) * terrain.horizontal_scale > rewards.edge_margin + 1e-6:
                continue
            edge = vertex + shift
            inside = ((edge >= 0) & (edge < heights.shape)).all(-1)
            edge = np.where(inside[..., None], edge, vertex)
            top = heights[edge[..., 0], edge[..., 1]]
            above = heights[vertex[..., 0], vertex[..., 1]] > top - rewards.edge_drop - 1e-6
            near |= inside & above & _falls(heights, edge, rewards.edge_drop)
        return np.where((unsure & self.contact).any(-1), np.nan, np.sum(near & self.contact, axis=1))

    def reward_survival(self) -> np.ndarray:
        return np.ones(len(self.contact))

    def obs_scandots(self) -> np.ndarray:
        return self.now.root[:, 2:3] - self.cfg.terrain.scandot_height - self.heights

    def obs_on_flat(self) -> np.ndarray:
        return self.on_flat[:, None].astype(float)


def _falls(heights: np.ndarray, vertex: np.ndarray, drop: float) -> np.ndarray:
    """Whether one of the four neighbours of vertices (..., 2) lies more than `drop` below them."""
    here, falls = heights[vertex[..., 0], vertex[..., 1]], np.zeros(vertex.shape[:-1], dtype=bool)
    for shift in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        other = np.clip(vertex + np.array(shift), 0, np.array(heights.shape) - 1)
        falls |= here - heights[other[..., 0], other[..., 1]] > drop + 1e-6
    return falls
