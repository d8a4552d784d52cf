"""The task as a whole: sizes, starts, ends and actions of robots that imitate."""

from __future__ import annotations

import math

import pytest
import torch

from legged_gym.envs.imitation.training_config import CRITIC, SENSED, TARGETS, TASKS
from tests.envs.imitation.robots import make

ZERO = torch.zeros(2, 23)


@pytest.fixture(scope="module")
def env():
    env = make(**{"noise.add_noise": False, "rewards.scales.alive": 1.0})
    env.reset()
    return env


def test_sizes_are_those_of_the_published_networks(env):
    dims = {name: shape[0] for name, shape in env.observation_dims.items()}
    assert sum(dims[name] for name in [*SENSED, *TARGETS]) == 415
    assert sum(dims[name] for name in CRITIC) == 623
    assert sum(dims[name] for name in SENSED) == 390
    assert (dims["torso"], dims["deepmimic"], env.num_actions, env.links.shape[1]) == (79, 129, 23, 14)
    assert env.sim.mass == pytest.approx(35.115, abs=1e-3)


def test_joints_have_the_inertia_of_their_motors(env):
    """Without it legs that are pushed into each other or the ground break the physics."""
    leg = [0.010178, 0.025102, 0.010178, 0.025102, 0.007219, 0.007219]
    told = [joint["armature"] for joint in env.sim.describe_physics()["joints"]]
    assert told == pytest.approx([*leg, *leg, 0.010178, 0.007219, 0.007219, *[0.00361] * 8], abs=1e-6)


def test_all_tasks_have_configs_that_hold():
    assert len({name for name, _, _ in TASKS}) == len(TASKS) >= 6
    for _, env_cfg, train_cfg in TASKS:
        env_cfg().check()
        train_cfg().check()


def test_perfect_tracking_earns_what_the_weights_say(env):
    """Right after a reset all errors are 0: 224 of tracking, and each foot 1, a second."""
    env.reset()
    rewards = {name: float(getattr(env, f"_reward_{name}")().min()) for name in env.reward_sum.names}
    tracking = [name for name in rewards if name.endswith("_tracking")]
    total = sum(rewards[name] * getattr(env.cfg.rewards.scales, name) for name in tracking)
    assert total == pytest.approx(224.0, rel=2e-3)


def test_robots_begin_where_the_clip_is_and_stand_on_the_ground(env):
    env.reset()
    feet = env._feet_states()[:, :, 2]
    assert (feet.amin(1) > 0.02).all() and (feet.amin(1) < 0.06).all()
    assert float(env.link_errors().abs().max()) < 1e-4
    for _ in range(3):
        env.step(ZERO)
    assert float(env.link_errors().norm(dim=2).max()) < 0.2


def test_episodes_are_told_apart_by_clip():
    env = make(num_envs=3, **{"deepmimic.amass_replay_data_path": ["walk.npz", "squat.npz"],
                              "deepmimic.randomize_start_offset": False})  # fmt: skip
    env.reset()
    names, kinds = env.episode_kinds()
    assert names == ["motions_walk", "motions_squat"] and kinds.tolist() == env.motion.clip.tolist() == [0, 1, 0]


def test_actions_about_inverse_dynamics_keep_to_the_clip_by_themselves():
    """Joints that ask for the clip's angles sag under the robot's weight."""
    errors = {}
    for about in ("reference", "inverse_dynamics"):
        env = make(**{"control.actions_about": about, "deepmimic.randomize_start_offset": False})
        env.reset()
        for _ in range(20):
            env.step(ZERO)
        errors[about] = float((env.dof_pos - env.motion.now.joints).square().mean().sqrt())
    assert errors["inverse_dynamics"] < 0.5 * errors["reference"]


def test_an_episode_ends_with_its_clip_or_where_a_body_is_too_far_off():
    settings = {"deepmimic.randomize_start_offset": False, "deepmimic.cut_off_import_length": 12}
    env = make(**settings)
    env.reset()
    ended = [env.step(ZERO)[2].clone() for _ in range(12)]
    assert not torch.stack(ended[:-1]).any() and ended[-1].all() and env.time_out_buf.all()
    env = make(**settings, **{"deepmimic.link_pos_error_threshold": 1e-4})
    env.reset()
    assert not env.step(ZERO)[2].any(), "not before the second step"
    assert env.step(ZERO)[2].all() and not env.time_out_buf.any()


def test_truncation_bounds_episodes():
    env = make(**{"deepmimic.truncate_rollout_length": 5})
    env.reset()
    assert (torch.as_tensor(env.max_episode_length) <= 5).all()


def test_reset_noise_has_the_deviations_of_the_config():
    scales = {"root_xy": 0.1, "root_z": 0.02, "dof_pos": 0.01}
    env = make(num_envs=256, **{f"noise.init_noise_scales.{name}": value for name, value in scales.items()})
    env.cfg.deepmimic.respawn_z_offset = 0.5
    env.reset()
    off = env.root_states[:, :3] - env.motion.now.root_pos
    joints = env.dof_pos - env.motion.now.joints
    assert float(off[:, :2].std()) == pytest.approx(0.1, rel=0.15)
    assert float(off[:, 2].mean()) == pytest.approx(0.5, abs=0.01)
    assert float(off[:, 2].std()) == pytest.approx(0.02, rel=0.2)
    assert float(joints.std()) == pytest.approx(0.01, rel=0.1)


@pytest.mark.parametrize("about", ["default", "reference"])
def test_the_last_action_of_a_fresh_robot_holds_its_joints(about):
    env = make(**{"control.actions_about": about})
    env.reset()
    centre = env.default_dof_pos if about == "default" else env.motion.now.joints
    torch.testing.assert_close(centre + 0.25 * env.actions, env.dof_pos, atol=1e-5, rtol=0.0)


def test_actions_about_the_clip_aim_at_its_next_frame():
    env = make(**{"control.actions_about": "reference"})
    env.reset()
    given = []
    env.control.listeners.append(lambda targets, substeps: given.append((targets.clone(), substeps)))
    wanted = env.motion.next.joints.clone()
    env.step(torch.ones(2, 23))
    torch.testing.assert_close(given[0][0], wanted + 0.25)
    assert given[0][1] == 4


def test_targets_are_late_by_physics_steps():
    """Five of 5 ms: a whole policy step, and one physics step of the next."""
    env = make(**{"domain_rand.control_delays": True, "domain_rand.control_delay_max": 5})
    env.reset()
    env.control.control_delays[:] = torch.tensor([0, 5])
    given = []
    env.control.listeners.append(lambda targets, substeps: given.append(targets[:, 0].clone()))
    for size in (1.0, 2.0, 3.0):
        env.step(torch.full((2, 23), size))
    said = (torch.stack(given) - env.default_dof_pos[0, 0]) / 0.25
    assert said[:, 0].tolist() == pytest.approx([1.0] * 4 + [2.0] * 4 + [3.0] * 4, abs=1e-5)
    assert said[5:, 1].tolist() == pytest.approx([1.0] * 4 + [2.0] * 3, abs=1e-5)


def test_torques_of_an_episode_are_added_to_the_controllers():
    env = make(**{"domain_rand.torque_rfi_rand": True, "domain_rand.torque_rfi_rand_scale": 0.1})
    env.reset()
    given = []
    env.control.listeners.append(lambda targets, substeps: given.append(targets.clone()))
    env.step(ZERO)
    added = (given[0] - env.default_dof_pos) * env.p_gains
    torch.testing.assert_close(added, env.control.rfi_torques, atol=1e-3, rtol=1e-3)
    assert float((added / env.torque_limits).std()) == pytest.approx(0.1, rel=0.5)


def test_actions_move_by_beta_to_the_new_ones():
    env = make(**{"control.beta": 0.25})
    env.reset()
    before = env.actions.clone()
    env.step(torch.ones(2, 23))
    torch.testing.assert_close(env.actions, 0.25 + 0.75 * before)


def test_pushes_add_to_the_velocity_but_not_at_the_first_step():
    start = {"deepmimic.randomize_start_offset": False}
    env = make(**start, **{"domain_rand.push_robots": True, "domain_rand.push_interval_s": 0.04})
    env.reset()
    pushed = []
    for age in range(5):
        before = env.root_states[:, 7:10].clone()
        env.randomization.push()
        pushed.append(bool((env.root_states[:, 7:10] != before).any()))
        env.step(ZERO)
        assert age < 1 or not env.reset_buf.any()
    assert pushed == [False, False, True, False, True]


def test_a_saved_state_goes_on_alike():
    env = make(num_envs=2, **{"deepmimic.amass_replay_data_path": ["walk.npz", "squat.npz"]})
    env.reset()
    actions = 0.3 * torch.randn(12, 2, 23)
    for action in actions[:6]:
        env.step(action)
    state = env.state_dict()
    other = make(num_envs=2, seed=9, **{"deepmimic.amass_replay_data_path": ["walk.npz", "squat.npz"]})
    other.reset()
    other.load_state_dict(state)
    for action in actions[6:]:
        (mine, reward, _, _), (theirs, same, _, _) = env.step(action), other.step(action)
        assert torch.equal(reward, same)
        assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_phase_goes_round_once_in_a_clip(env):
    env.reset()
    angle = 2.0 * math.pi * env.motion.frame / 426
    torch.testing.assert_close(env._obs_phase()[:, 0], angle.sin(), atol=1e-5, rtol=0.0)


def test_what_a_teacher_of_other_actions_asks_for_moves_a_student_in_the_same_way():
    quiet = {"noise.add_noise": False, "deepmimic.randomize_start_offset": False, "normalization.clip_actions": 20.0}
    quiet.update({"deepmimic.link_pos_error_threshold": 0.5, "deepmimic.amass_terrain_difficulty": 1})
    teacher = make(**{"control.actions_about": "inverse_dynamics"}, **quiet)
    student = make(
        "g1_deepmimic_root_heightfield_no_history_dagger",
        **{"control.teacher_actions_about": "inverse_dynamics"}, **quiet,
    )  # fmt: skip
    seen, drawn = [env.reset() for env in (teacher, student)], torch.Generator().manual_seed(1)
    for _ in range(40):
        told, given = seen[0]["history_torso_real"], seen[1]["history_teacher_torso_real"]
        torch.testing.assert_close(given, told, atol=2e-3, rtol=0.0)
        torch.testing.assert_close(student.dof_pos, teacher.dof_pos, atol=2e-4, rtol=0.0)
        action = 0.2 * torch.randn(2, 23, generator=drawn)
        centre = seen[1]["teacher_centre"]
        assert float(centre.abs().max()) > 0.5, "not the default joint angles"
        seen = [env.step(sent)[0] for env, sent in ((teacher, action), (student, action + centre))]
    assert not teacher.reset_buf.any()
