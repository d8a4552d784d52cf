"""The terms of a G1 that imitates a second time: clips by MuJoCo's kinematics, formulas after docs/imitation.md."""

from __future__ import annotations

from typing import Any, Dict

import numpy as np

from legged_gym import LEGGED_GYM_ROOT_DIR
from tests.envs.golden_g1 import GoldenG1
from tests.envs.golden_physics import Physics, array, norm, rotation
from tests.motions.biped import Engine


def yaw_of(quats: np.ndarray) -> np.ndarray:
    """Heading (...) of the x axes of quaternions (..., 4); NaN for those that are nearly upright."""
    x, y, z = rotation(quats.reshape(-1, 4))[:, :, 0].T
    return np.where(np.abs(z) > 0.98, np.nan, np.arctan2(y, x)).reshape(quats.shape[:-1])


def wrapped(angle: np.ndarray) -> np.ndarray:
    """Angles in [-pi, pi); NaN where rounding decides which way round."""
    turned = (angle + np.pi) % (2.0 * np.pi) - np.pi
    return np.where(np.abs(np.abs(turned) - np.pi) < 1e-4, np.nan, turned)


def seen_from(yaw: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Vectors (N, ..., 3) in frames turned by yaw (N,)."""
    turn = np.zeros((len(yaw), 3, 3))
    turn[:, 0, 0] = turn[:, 1, 1] = np.cos(yaw)
    turn[:, 1, 0], turn[:, 0, 1], turn[:, 2, 2] = np.sin(yaw), -np.sin(yaw), 1.0
    return np.einsum("nji,n...j->n...i", turn, vectors)


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Hamilton's, x, y, z, w."""
    (ax, ay, az, aw), (bx, by, bz, bw) = a.T, b.T
    return np.stack(
        (
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ),
        axis=1,
    )


def conjugate(quats: np.ndarray) -> np.ndarray:
    return quats * np.array([-1.0, -1.0, -1.0, 1.0])


def angle_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of rotation matrices, by the trace of what is between them."""
    trace = np.einsum("nij,nij->n", a, b)
    return np.arccos(np.clip((trace - 1.0) / 2.0, -1.0, 1.0))


class GoldenImitation(GoldenG1):
    """What the present and the next frame of one clip ask for; random numbers are the environment's."""

    def __init__(self, cfg: Any, sim: Any, terrain: Any) -> None:
        super().__init__(cfg, sim, terrain)
        names = [*cfg.deepmimic.tracked_bodies, cfg.deepmimic.torso]
        self.links = [sim.body_names.index(name) for name in names]
        stored = np.load(cfg.deepmimic.amass_replay_data_path[0])
        columns = [list(stored["joint_names"]).index(name) for name in sim.dof_names]
        self.clip = {name: stored[name].astype(float) for name in ("root_pos", "root_quat")}
        self.clip["root_quat"] /= norm(self.clip["root_quat"])[:, None]
        self.clip.update(joints=stored["joints"][:, columns].astype(float), contacts=stored["contacts"])
        engine = Engine(cfg.asset.file.replace("{LEGGED_GYM_ROOT_DIR}", LEGGED_GYM_ROOT_DIR))
        poses = engine.poses(self.clip["root_pos"], self.clip["root_quat"], self.clip["joints"], sim.dof_names)
        self.clip["links"] = np.stack([np.asarray(poses[name][0]) for name in names], axis=1)
        self.clip["torso"] = np.asarray(poses[cfg.deepmimic.torso][1])
        count, joints = sim.num_envs, len(sim.dof_names)
        self.start = np.zeros(count, dtype=int)
        self.action_offsets = np.zeros((count, joints))
        self.earlier_actions = np.zeros((count, joints))
        self.teacher_actions = np.zeros((count, joints))
        self.lift = np.zeros((count, 2))
        self.wanted = {"contacts": np.zeros((count, 2), dtype=bool)}
        self.contact = np.zeros((count, 2), dtype=bool)

    # ---------------------------------------------------------------- the clip

    def frame(self, ahead: int = 0) -> Dict[str, np.ndarray]:
        """What the clip asks for, and the velocities to the frame after it, or to the last one."""
        last = len(self.clip["joints"]) - 1
        at = np.minimum(self.start + self.age + ahead, last)
        there = {name: values[at] for name, values in self.clip.items()}
        first = np.minimum(at, last - 1)
        for name in ("joints", "links", "root_pos"):
            there[f"{name}_rate"] = (self.clip[name][first + 1] - self.clip[name][first]) / self.dt
        turn = product(self.clip["root_quat"][first + 1], conjugate(self.clip["root_quat"][first]))
        angle, axis = 2.0 * np.arctan2(norm(turn[:, :3]), turn[:, 3]), turn[:, :3]
        there["root_rates"] = axis * (angle / np.maximum(norm(axis), 1e-12) / self.dt)[:, None]
        return there

    def centre(self, about: str, ahead: int) -> np.ndarray:
        return self.frame(ahead)["joints"] if about == "reference" else self.default

    def held(self, about: str) -> np.ndarray:
        return (self.now.dof_pos - self.centre(about, 0)) / self.cfg.control.action_scale

    # ---------------------------------------------------------------- the life of a step

    def act(self, actions: np.ndarray) -> None:
        before, beta = self.actions, self.cfg.control.beta
        super().act(actions + self.action_offsets)
        self.actions = beta * self.actions + (1.0 - beta) * before
        self.teacher_actions = self.actions - self.obs_teacher_centre()

    def advance(self, physics: Physics) -> Dict[str, np.ndarray]:
        self.contact_before, self.wanted_before = self.contact, self.wanted["contacts"]
        feet = physics.bodies[:, self.feet, :3]
        self.lift = np.maximum(self.lift, feet[..., 2] - self.ground.at(feet[..., :2]))
        rewards = super().advance(physics)
        self.lift[self.down] = 0.0
        return rewards

    def look_at(self, physics: Physics) -> None:
        super().look_at(physics)
        self.bodies, self.wanted, self.after = physics.bodies[:, self.links], self.frame(), self.frame(1)

    def observe(self, physics: Physics, env: Any) -> Dict[str, np.ndarray]:
        self.take_starts(env)
        self.earlier_actions = self.last_actions
        self.lift[self.ended] = 0.0
        seen = super().observe(physics, env)
        self.earlier_actions = np.where(self.ended[:, None], self.actions, self.earlier_actions)
        return seen

    def take_starts(self, env: Any) -> None:
        """Who begins an episode begins within the clip; all others go on."""
        start = env.motion.start_frame.numpy()
        np.testing.assert_array_equal(start[~self.ended], self.start[~self.ended])
        assert (start >= 0).all() and (start < len(self.clip["joints"]) - 3).all()
        self.start = start.copy()

    def take_draws(self, env: Any) -> None:
        """Robots are where the clip has them, and their last actions are those that hold them there."""
        new, now, wanted = self.ended, self.now, self.wanted
        assert (array(env.commands) == 0.0).all()
        for mine, theirs in (
            (now.root[:, :7], np.concatenate((wanted["root_pos"], wanted["root_quat"]), axis=1)),
            (now.root[:, 7:], np.concatenate((wanted["root_pos_rate"], wanted["root_rates"]), axis=1)),
            (now.dof_pos, wanted["joints"]),
            (now.dof_vel, wanted["joints_rate"]),
        ):
            np.testing.assert_allclose(mine[new], theirs[new], atol=2e-4)
        control = self.cfg.control
        self.actions = np.where(new[:, None], self.held(control.actions_about), self.actions)
        held = self.held(control.teacher_actions_about)
        self.teacher_actions = np.where(new[:, None], held, self.teacher_actions)
        rand = env.randomization
        self.gravity_offsets, self.joint_offsets = array(rand.gravity_offsets), array(rand.dof_pos_offsets)
        self.action_offsets = array(rand.action_offsets)

    # ---------------------------------------------------------------- terminations

    def off(self) -> np.ndarray:
        """(N, K, 3) of the tracked bodies, without the torso."""
        return (self.bodies[..., :3] - self.wanted["links"])[:, :-1]

    def termination_link_pos_error(self) -> np.ndarray:
        return (norm(self.off()) > self.cfg.deepmimic.link_pos_error_threshold).any(1) & (self.age >= 2)

    def termination_large_feet_forces(self) -> np.ndarray:
        asset = self.cfg.asset
        if not asset.terminate_after_large_feet_contact_forces:
            return np.zeros(len(self.age), dtype=bool)
        return (norm(self.feet_forces) > asset.large_feet_contact_force_threshold).any(1)

    def termination_time_out(self) -> np.ndarray:
        length, most = len(self.clip["joints"]) - self.start, self.cfg.deepmimic.truncate_rollout_length
        return self.age >= (np.minimum(length, most) if most > 0 else length)

    # ---------------------------------------------------------------- rewards

    def near(self, name: str, error: np.ndarray) -> np.ndarray:
        return np.exp(-getattr(self.cfg.rewards, f"{name}_tracking_k") * error)

    def reward_joint_pos_tracking(self) -> np.ndarray:
        return self.near("joint_pos", np.sum((self.now.dof_pos - self.wanted["joints"]) ** 2, axis=1))

    def reward_joint_vel_tracking(self) -> np.ndarray:
        return self.near("joint_vel", np.sum((self.now.dof_vel - self.wanted["joints_rate"]) ** 2, axis=1))

    def reward_link_pos_tracking(self) -> np.ndarray:
        return self.near("link_pos", np.sum(norm(self.off()) ** 2, axis=1))

    def reward_link_vel_tracking(self) -> np.ndarray:
        error = norm(self.bodies[:, :-1, 7:10] - self.wanted["links_rate"][:, :-1])
        return self.near("link_vel", np.sum(error**2, axis=1))

    def reward_torso_pos_tracking(self) -> np.ndarray:
        return self.near("torso_pos", norm(self.bodies[:, -1, :3] - self.wanted["links"][:, -1]) ** 2)

    def reward_torso_orientation_tracking(self) -> np.ndarray:
        return self.near("torso_orientation", angle_between(rotation(self.bodies[:, -1, 3:7]), self.wanted["torso"]))

    def reward_root_pos_tracking(self) -> np.ndarray:
        return self.near("root_pos", norm(self.now.root[:, :3] - self.wanted["root_pos"]) ** 2)

    def reward_root_orientation_tracking(self) -> np.ndarray:
        return self.near("root_orientation", angle_between(self.turn, rotation(self.wanted["root_quat"])))

    def reward_root_vel_tracking(self) -> np.ndarray:
        return self.near("root_vel", norm(self.now.root[:, 7:10] - self.wanted["root_pos_rate"]))

    def reward_root_ang_vel_tracking(self) -> np.ndarray:
        return self.near("root_ang_vel", norm(self.now.root[:, 10:] - self.wanted["root_rates"]))

    def reward_feet_contact_matching(self) -> np.ndarray:
        return np.sum(self.contact == self.wanted["contacts"], axis=1)

    def reward_feet_air_time(self) -> np.ndarray:
        return np.sum((self.air - self.cfg.rewards.feet_air_time_target) * self.first_contact, axis=1)

    def reward_contact_no_vel(self) -> np.ndarray:
        return np.sum(norm(self.feet_states[..., 7:10]) * (norm(self.feet_forces) > 1.0), axis=1)

    def reward_contact_smoothness(self) -> np.ndarray:
        flipped, meant = self.contact != self.contact_before, self.wanted["contacts"] != self.wanted_before
        wrong = self.contact != self.wanted["contacts"]
        return np.sum(flipped & ~meant & wrong, axis=1) * (self.age > 10)

    def reward_no_fly(self) -> np.ndarray:
        return 1.0 * (np.sum(self.feet_forces[..., 2] > 0.1, axis=1) == 1)

    def reward_feet_max_height_for_this_air(self) -> np.ndarray:
        return np.sum(np.maximum(0.0, 0.2 - self.lift) * self.first_contact, axis=1)

    def reward_feet_orientation(self) -> np.ndarray:
        apart = wrapped(yaw_of(self.feet_states[..., 3:7]) - yaw_of(self.now.root[:, 3:7])[:, None])
        return np.exp(-self.cfg.rewards.feet_orientation_k * np.sum(np.abs(apart), axis=1))

    def reward_ankle_action(self) -> np.ndarray:
        return np.sum(self.actions[:, [4, 5, 10, 11]] ** 2, axis=1)

    def reward_action_accel(self) -> np.ndarray:
        return np.sum((self.actions - 2.0 * self.last_actions + self.earlier_actions) ** 2, axis=1)

    def reward_energy(self) -> np.ndarray:
        return np.sum((self.now.torques * self.now.dof_vel) ** 2, axis=1)

    # ---------------------------------------------------------------- observations

    def obs_teacher_centre(self) -> np.ndarray:
        control = self.cfg.control
        apart = self.centre(control.teacher_actions_about, 1) - self.centre(control.actions_about, 1)
        return apart / control.action_scale

    def obs_torso_real(self) -> np.ndarray:
        return self.sensed(self.actions)

    def obs_teacher_torso_real(self) -> np.ndarray:
        return self.sensed(self.teacher_actions)

    def sensed(self, actions: np.ndarray) -> np.ndarray:
        joints = self.now.dof_pos - self.default + self.joint_offsets
        parts = (self.rates, self.gravity + self.gravity_offsets, joints, self.now.dof_vel, actions)
        return np.concatenate(parts, axis=1)

    def obs_torso(self) -> np.ndarray:
        joints = self.now.dof_pos - self.default
        parts = (self.obs_root_height(), self.velocity, self.rates, self.gravity, joints, self.now.dof_vel)
        return np.concatenate((*parts, self.actions), axis=1)

    def obs_root_height(self) -> np.ndarray:
        return self.fall(self.now.root[:, None, :3])

    def fall(self, points: np.ndarray) -> np.ndarray:
        """Down to the ground within 5 m from points (N, P, 3); the mean of the others for those that are below it."""
        down = points[..., 2] - self.ground.at(points[..., :2])
        hit = (down >= 0.0) & (down <= 5.0)
        mean = np.where(hit, down, 0.0).sum(1) / np.maximum(hit.sum(1), 1)
        return np.where(hit, down, np.where(hit.any(1), mean, 5.0)[:, None])

    def obs_torso_xy(self) -> np.ndarray:
        return self.bodies[:, -1, :2]

    def obs_torso_yaw(self) -> np.ndarray:
        return yaw_of(self.bodies[:, -1:, 3:7])

    def obs_torso_xy_rel(self) -> np.ndarray:
        away = self.wanted["links"][:, -1] - self.bodies[:, -1, :3]
        return seen_from(yaw_of(self.bodies[:, -1, 3:7]), away)[:, :2]

    def obs_torso_yaw_rel(self) -> np.ndarray:
        torso = self.wanted["torso"]
        return wrapped(np.arctan2(torso[:, 1, 0], torso[:, 0, 0])[:, None] - yaw_of(self.bodies[:, -1:, 3:7]))

    def obs_target_joints(self) -> np.ndarray:
        return self.wanted["joints"] - self.default

    def obs_upper_body_joint_targets(self) -> np.ndarray:
        return self.obs_target_joints()[:, 12:]

    def obs_target_root_roll(self) -> np.ndarray:
        turn = rotation(self.wanted["root_quat"])
        return np.arctan2(turn[:, 2, 1], turn[:, 2, 2])[:, None]

    def obs_target_root_pitch(self) -> np.ndarray:
        return np.arcsin(-rotation(self.wanted["root_quat"])[:, 2:, 0])

    def obs_target_root_yaw(self) -> np.ndarray:
        return yaw_of(self.wanted["root_quat"])[:, None]

    def obs_deepmimic(self) -> np.ndarray:
        count, yaw, bodies = len(self.age), yaw_of(self.now.root[:, 3:7]), self.bodies[:, :-1]
        touch = 1.0 * self.contact
        parts = (
            self.fall(bodies[..., :3]),
            product(self.after["root_quat"], conjugate(self.now.root[:, 3:7])),
            seen_from(yaw, self.after["root_pos"] - self.now.root[:, :3]),
            self.after["joints"] - self.now.dof_pos,
            seen_from(yaw, self.after["links"][:, :-1] - bodies[..., :3]).reshape(count, -1),
            seen_from(yaw, bodies[..., 7:10]).reshape(count, -1),
            touch,
            1.0 * self.after["contacts"],
            touch,
            np.zeros((count, 2)),
        )
        return np.concatenate(parts, axis=1)

    def obs_deepmimic_lin_ang_vel(self) -> np.ndarray:
        yaw = yaw_of(self.now.root[:, 3:7])
        parts = (seen_from(yaw, self.after["root_pos_rate"]), seen_from(yaw, self.after["root_rates"]))
        return np.concatenate(parts, axis=1)

    def obs_terrain_height(self) -> np.ndarray:
        """Row by row from the right, each from the rear."""
        torso, side = self.bodies[:, -1], np.linspace(-0.5, 0.5, 11)
        yaw, y, x = yaw_of(torso[:, 3:7])[:, None], np.repeat(side, 11), np.tile(side, 11)
        spots = np.stack((np.cos(yaw) * x - np.sin(yaw) * y, np.sin(yaw) * x + np.cos(yaw) * y), axis=-1)
        return self.fall(
            np.concatenate((torso[:, None, :2] + spots, np.repeat(torso[:, None, 2:3], 121, axis=1)), axis=2)
        )

    def obs_terrain_height_noisy(self) -> np.ndarray:
        """In tests/envs/imitation."""
        return np.full((len(self.age), 121), np.nan)

    def obs_teacher_checkpoint_index(self) -> np.ndarray:
        return np.full((len(self.age), 1), -1.0)

    def obs_phase(self) -> np.ndarray:
        angle = 2.0 * np.pi * (self.start + self.age) / len(self.clip["joints"])
        return np.stack((np.sin(angle), np.cos(angle)), axis=1)
