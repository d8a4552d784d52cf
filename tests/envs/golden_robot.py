"""The terms of every robot a second time, in numpy float64, from nothing but what a simulator shows.

Formulas, and which step, command or contact a term looks at, are those of legged_gym, with the decisions that
docs/differences.md lists under Environment: commands are those that the policy acted on, contacts and actions are
forgotten at a reset, a fall in the step of a time-out is a fall. Where rounding decides (a point on the border of two
cells of the map), a value is NaN, and is not compared.
"""

from __future__ import annotations

from typing import Any, Dict, Optional

import numpy as np

from legged_gym.envs.base.base_config import table
from tests.envs.golden_physics import Ground, Physics, array, norm, rotation

# observations of what single robots were given
TOLD = ("obs_friction", "obs_added_mass", "obs_com_displacement", "obs_motor_strength", "obs_gain_factors")


class GoldenRobot:
    """What legged_gym would compute; `advance` after the physics of a step, `observe` at its end."""

    def __init__(self, cfg: Any, sim: Any, terrain: Optional[Any]) -> None:
        self.cfg, self.sim, self.ground = cfg, sim, Ground(terrain, cfg.terrain)
        self.dt = cfg.sim.dt * cfg.control.decimation
        self.longest = int(np.ceil(cfg.env.episode_length_s / self.dt - 1e-9))
        self.default = np.array([cfg.init_state.default_joint_angles[name] for name in sim.dof_names])
        self.feet = self.bodies_of([cfg.asset.foot_name])
        self.penalised = self.bodies_of(cfg.asset.penalize_contacts_on)
        self.deadly = self.bodies_of(cfg.asset.terminate_after_contacts_on)
        count, joints = sim.num_envs, len(self.default)
        self.air = np.zeros((count, len(self.feet)))
        self.touched = np.zeros((count, len(self.feet)), dtype=bool)
        self.actions, self.last_actions = np.zeros((count, joints)), np.zeros((count, joints))
        self.last_dof_vel, self.age = np.zeros((count, joints)), np.zeros(count, dtype=int)
        self.ended, self.stands = np.ones(count, dtype=bool), np.zeros(count, dtype=bool)
        self.commands, self.steps = np.zeros((count, 4)), 0
        self.sums: Dict[str, np.ndarray] = {}
        self.past: Dict[str, list] = {}  # frames of observations, the newest first

    def bodies_of(self, parts: Any) -> list:
        return [i for i, body in enumerate(self.sim.body_names) if any(part in body for part in parts)]

    # ---------------------------------------------------------------- the life of a step

    def act(self, actions: np.ndarray) -> None:
        limit = self.cfg.normalization.clip_actions
        self.actions = np.clip(actions, -limit, limit)

    def advance(self, physics: Physics) -> Dict[str, np.ndarray]:
        """The rewards of a step, for the commands of the last observation."""
        self.age += 1
        self.look_at(physics)
        entries = table(self.cfg.terminations)
        self.endings = {name: getattr(self, f"termination_{name}")() for name in entries}
        died = np.any([self.endings[name] for name, entry in entries.items() if not entry.time_out], axis=0)
        late = np.any([self.endings[name] for name, entry in entries.items() if entry.time_out], axis=0)
        self.ended, self.timed_out = died | late, late & ~died
        # legged_gym: first contact, then this step counts, then the term, then who is down starts again
        contact = self.feet_forces[..., 2] > 1.0
        self.down = contact | self.touched
        self.first_contact = (self.air > 0.0) & self.down
        self.touched = contact
        self.air = self.air + self.dt
        rewards = {name[7:]: getattr(self, name)() for name in dir(self) if name.startswith("reward_")}
        self.air[self.down] = 0.0
        return rewards

    def total(self, rewards: Dict[str, np.ndarray], scales: Dict[str, float]) -> np.ndarray:
        """The reward (N,); adds the terms to the sums of the episodes."""
        self.steps += 1
        weighted = {name: rewards[name] * scale * self.dt * self._share(name) for name, scale in scales.items()}
        for name, value in weighted.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        final = weighted.pop("termination", 0.0)
        total = sum(weighted.values())
        return (np.maximum(total, 0.0) if self.cfg.rewards.only_positive_rewards else total) + final

    def _share(self, name: str) -> float:
        """Of a weight that grows from nothing to full between two steps."""
        first, last = self.cfg.rewards.ramps.get(name, (-1, 0))
        return float(np.clip((self.steps - first) / (last - first), 0.0, 1.0))

    def observe(self, physics: Physics, env: Any) -> Dict[str, np.ndarray]:
        """The raw observations after the resets of a step; of the environment nothing is taken but what it drew."""
        self.forget(self.ended)
        self.look_at(physics)
        self.take_draws(env)
        told = hasattr(self.sim, "told")  # a real simulator does not say what it was told
        names = [name for name in dir(self) if name.startswith("obs_") and (told or name not in TOLD)]
        seen = {name[4:]: getattr(self, name)() for name in names}
        self.last_actions, self.last_dof_vel = self.actions.copy(), physics.dof_vel
        return seen

    def forget(self, new: np.ndarray) -> None:
        """Begin new episodes where `new` (N,) is True."""
        for buffer in (self.air, self.touched, self.actions, self.age, *self.sums.values()):
            buffer[new] = 0

    def look_at(self, physics: Physics) -> None:
        """What follows from the physics alone."""
        self.now = physics
        self.turn = rotation(physics.root[:, 3:7])
        self.velocity, self.rates = (np.einsum("nji,nj->ni", self.turn, physics.root[:, at : at + 3]) for at in (7, 10))
        self.gravity = -self.turn[:, 2]
        self.feet_forces, self.feet_states = physics.forces[:, self.feet], physics.bodies[:, self.feet]
        self.contact = self.feet_forces[..., 2] > 1.0
        self.heights = self.ground.around(physics.root)

    # ---------------------------------------------------------------- commands

    def take_draws(self, env: Any) -> None:
        """Random numbers are the environment's; when they may change, and what follows from them, is checked."""
        drawn, cfg = array(env.commands), self.cfg.commands
        due = self.ended | self.is_due()
        np.testing.assert_array_equal(drawn[~due][:, [0, 1, 3]], self.commands[~due][:, [0, 1, 3]])
        self.check_drawn(drawn[due])
        self.stands = np.where(due, env.standing.numpy(), self.stands)
        assert (drawn[self.stands, :3] == 0.0).all()
        if cfg.heading_command:
            yaw = np.arctan2(self.turn[:, 1, 0], self.turn[:, 0, 0])
            error = (drawn[:, 3] - yaw + np.pi) % (2.0 * np.pi) - np.pi
            rate = np.clip(0.5 * error, -1.0, 1.0) * ~self.stands
            sure = np.abs(error) < np.pi - 1e-4  # from behind, either way round
            np.testing.assert_allclose(drawn[sure, 2], rate[sure], atol=1e-5)
        else:
            np.testing.assert_array_equal(drawn[~due, 2], self.commands[~due, 2])
        self.commands = drawn

    def is_due(self) -> np.ndarray:
        return self.age % int(self.cfg.commands.resampling_time / self.dt) == 0

    def check_drawn(self, drawn: np.ndarray) -> None:
        """New commands (n, 4) are within their ranges, and those that are slow are none."""
        cfg = self.cfg.commands
        for at, name in enumerate(("lin_vel_x", "lin_vel_y")):
            low, high = getattr(cfg.ranges, name)
            assert ((drawn[:, at] == 0.0) | ((drawn[:, at] >= low) & (drawn[:, at] <= high))).all()
        speed = norm(drawn[:, :2])
        assert ((speed == 0.0) | (speed > cfg.min_norm)).all()
        at, (low, high) = (3, cfg.ranges.heading) if cfg.heading_command else (2, cfg.ranges.ang_vel_yaw)
        assert (drawn[:, at] >= low - 1e-6).all() and (drawn[:, at] <= high + 1e-6).all()

    # ---------------------------------------------------------------- terminations

    def termination_base_contact(self) -> np.ndarray:
        return (norm(self.now.forces[:, self.deadly]) > self.cfg.terminations.base_contact.threshold).any(1)

    def termination_time_out(self) -> np.ndarray:
        return self.age > self.longest

    def termination_tilt(self) -> np.ndarray:
        return np.arccos(np.clip(self.turn[:, 2, 2], -1.0, 1.0)) > self.cfg.terminations.tilt.threshold

    def termination_roll(self) -> np.ndarray:
        roll = np.degrees(np.arctan2(self.turn[:, 2, 1], self.turn[:, 2, 2]))
        return np.abs(roll) > self.cfg.terminations.roll.threshold

    def termination_pitch(self) -> np.ndarray:
        pitch = np.degrees(np.arcsin(np.clip(-self.turn[:, 2, 0], -1.0, 1.0)))
        return np.abs(pitch) > self.cfg.terminations.pitch.threshold

    # ---------------------------------------------------------------- rewards

    def kernel(self, error: np.ndarray) -> np.ndarray:
        return np.exp(-(error**2) / self.cfg.rewards.tracking_sigma)

    def reward_termination(self) -> np.ndarray:
        return 1.0 * (self.ended & ~self.timed_out)

    def reward_tracking_lin_vel(self) -> np.ndarray:
        return self.kernel(norm(self.commands[:, :2] - self.velocity[:, :2]))

    def reward_tracking_ang_vel(self) -> np.ndarray:
        return self.kernel(self.commands[:, 2] - self.rates[:, 2])

    def reward_progress(self) -> np.ndarray:
        speed = norm(self.commands[:, :2])
        along = np.sum(self.velocity[:, :2] * self.commands[:, :2], axis=1) / np.maximum(speed, 1e-9) ** 2
        return np.where(speed < 0.1, 0.0, np.clip(along, -1.0, 1.0))

    def reward_turning(self) -> np.ndarray:
        wanted = self.commands[:, 2]
        towards = self.rates[:, 2] * np.sign(wanted)
        return np.clip(towards / np.maximum(np.abs(wanted), 1e-9), -1.0, 1.0) * np.minimum(np.abs(wanted) / 0.3, 1.0)

    def reward_lin_vel_z(self) -> np.ndarray:
        return self.velocity[:, 2] ** 2

    def reward_ang_vel_xy(self) -> np.ndarray:
        return self.rates[:, 0] ** 2 + self.rates[:, 1] ** 2

    def reward_orientation(self) -> np.ndarray:
        return self.gravity[:, 0] ** 2 + self.gravity[:, 1] ** 2

    def reward_base_height(self) -> np.ndarray:
        above = np.mean(self.now.root[:, 2:3] - self.heights, axis=1)
        return (above - self.cfg.rewards.base_height_target) ** 2

    def reward_torques(self) -> np.ndarray:
        return np.sum(self.now.torques**2, axis=1)

    def reward_dof_vel(self) -> np.ndarray:
        return np.sum(self.now.dof_vel**2, axis=1)

    def reward_dof_acc(self) -> np.ndarray:
        return np.sum(((self.now.dof_vel - self.last_dof_vel) / self.dt) ** 2, axis=1)

    def reward_action_rate(self) -> np.ndarray:
        return np.sum((self.actions - self.last_actions) ** 2, axis=1)

    def reward_collision(self) -> np.ndarray:
        return np.sum(norm(self.now.forces[:, self.penalised]) > 0.1, axis=1)

    def reward_dof_pos_limits(self) -> np.ndarray:
        low, high = array(self.sim.dof_pos_limits).T
        middle, half = (low + high) / 2, (high - low) / 2 * self.cfg.rewards.soft_dof_pos_limit
        return np.sum(np.maximum(np.abs(self.now.dof_pos - middle) - half, 0.0), axis=1)

    def reward_dof_vel_limits(self) -> np.ndarray:
        limit = array(self.sim.dof_vel_limits) * self.cfg.rewards.soft_dof_vel_limit
        return np.sum(np.clip(np.abs(self.now.dof_vel) - limit, 0.0, 1.0), axis=1)

    def reward_torque_limits(self) -> np.ndarray:
        limit = array(self.sim.torque_limits) * self.cfg.rewards.soft_torque_limit
        return np.sum(np.maximum(np.abs(self.now.torques) - limit, 0.0), axis=1)

    def reward_feet_air_time(self) -> np.ndarray:
        beyond = (self.air - self.cfg.rewards.feet_air_time_target) * self.first_contact
        return np.sum(beyond, axis=1) * (norm(self.commands[:, :2]) > 0.1)

    def reward_feet_stumble(self) -> np.ndarray:
        return 1.0 * (norm(self.feet_forces[..., :2]) > 5.0 * np.abs(self.feet_forces[..., 2])).any(1)

    reward_stumble = reward_feet_stumble

    def reward_stand_still(self) -> np.ndarray:
        return self._off_default() * (norm(self.commands[:, :2]) < 0.1)

    def reward_similar_to_default(self) -> np.ndarray:
        return self._off_default()

    def _off_default(self) -> np.ndarray:
        return np.sum(np.abs(self.now.dof_pos - self.default), axis=1)

    def reward_feet_contact_forces(self) -> np.ndarray:
        return np.sum(np.maximum(norm(self.feet_forces) - self.cfg.rewards.max_contact_force, 0.0), axis=1)

    def _stands(self) -> np.ndarray:
        return norm(self.commands[:, :3]) < 0.1

    def reward_feet_stance(self) -> np.ndarray:
        return np.maximum(np.sum(self.down, axis=1) - self.down.shape[1] // 2, 0) * ~self._stands()

    def reward_stand_motion(self) -> np.ndarray:
        return np.sum(np.abs(self.now.dof_vel), axis=1) * self._stands()

    def reward_feet_clearance(self) -> np.ndarray:
        target = self.cfg.rewards.feet_clearance_target
        ahead, moving = self.cfg.rewards.feet_clearance_ahead, self.feet_states[..., 7:9]
        ways = [self.feet_states[..., :2] + share * ahead * moving for share in (0.0, 0.5, 1.0)]
        clearance = self.feet_states[..., 2] - np.max([self.ground.at(way) for way in ways], axis=0)
        lacking = target - np.clip(clearance, 0.0, target)
        swings = norm(self.feet_states[..., 7:9]) * ~self.contact
        return np.sum(np.where(swings > 0.0, lacking**2 * swings, 0.0), axis=1)

    def reward_stand_feet(self) -> np.ndarray:
        return np.sum(~self.down, axis=1) * self._stands()

    # ---------------------------------------------------------------- observations

    def obs_base_lin_vel(self) -> np.ndarray:
        return self.velocity

    def obs_base_ang_vel(self) -> np.ndarray:
        return self.rates

    def obs_projected_gravity(self) -> np.ndarray:
        return self.gravity

    def obs_commands(self) -> np.ndarray:
        return self.commands[:, :3]

    def obs_dof_pos(self) -> np.ndarray:
        return self.now.dof_pos - self.default

    def obs_dof_vel(self) -> np.ndarray:
        return self.now.dof_vel

    def obs_actions(self) -> np.ndarray:
        return self.actions

    def obs_heights(self) -> np.ndarray:
        return self.now.root[:, 2:3] - 0.5 - self.heights

    def obs_feet_contact(self) -> np.ndarray:
        return 1.0 * (self.feet_forces[..., 2] > 1.0)

    def obs_base_height(self) -> np.ndarray:
        return (self.now.root[:, 2] - self.ground.at(self.now.root[:, :2]))[:, None]

    def obs_friction(self) -> np.ndarray:
        return self._told("friction")[:, None] - 1.0

    def obs_added_mass(self) -> np.ndarray:
        return self._told("mass")[:, None]

    def obs_com_displacement(self) -> np.ndarray:
        return self._told("com")

    def obs_motor_strength(self) -> np.ndarray:
        return self._told("strength") - 1.0

    def obs_gain_factors(self) -> np.ndarray:
        return np.stack([self._gain_factor("kp", "stiffness"), self._gain_factor("kd", "damping")], axis=1) - 1.0

    def _gain_factor(self, name: str, setting: str) -> np.ndarray:
        by_part = getattr(self.cfg.control, setting)
        nominal = np.array([[by_part[part] for part in by_part if part in joint][-1] for joint in self.sim.dof_names])
        told = self._told(name)
        return np.mean(np.where(np.isnan(told), nominal, told) / nominal, axis=1)

    def _told(self, name: str) -> np.ndarray:
        return array(self.sim.told[name])

    def obs_depth(self) -> np.ndarray:
        """Of a plane, by a camera without jitter, delay and noise: where each pixel's ray goes through z = 0."""
        camera = self.cfg.depth_camera
        top, bottom, left, right = camera.crop
        rows, columns = camera.image_shape
        focal = camera.width / 2 / np.tan(np.radians(camera.horizontal_fov) / 2)
        v = top + (np.arange(rows) + 0.5) * (camera.height - top - bottom) / rows - camera.height / 2
        u = left + (np.arange(columns) + 0.5) * (camera.width - left - right) / columns - camera.width / 2
        pitch = np.radians(camera.pitch)
        forward, left_axis, up = (
            np.array(axis)
            for axis in ((np.cos(pitch), 0, -np.sin(pitch)), (0, 1, 0), (np.sin(pitch), 0, np.cos(pitch)))
        )
        rays = forward - (v[:, None, None] * up + u[None, :, None] * left_axis) / focal
        height = self.now.root[:, 2] + np.einsum("ni,i->n", self.turn[:, 2], np.array(camera.position))
        fall = -np.einsum("ni,rci->nrc", self.turn[:, 2], rays)
        with np.errstate(divide="ignore"):
            depth = np.where(fall > 0, height[:, None, None] / fall, np.inf)
        return ((np.clip(depth, camera.near, camera.far) - camera.near) / (camera.far - camera.near) - 0.5)[:, None]
