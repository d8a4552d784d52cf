"""Episodes as they are recorded: frames, what follows what, and that they depend on nothing but seed and number."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
import torch

from legged_gym.demonstrations.setup import describe
from legged_gym.policies.policy_io import find_policy
from legged_gym.utils.options import CommandLine
from tests.demonstrations.demonstration_runs import A1, STEPS, collector, parse, wish_of
from tests.policies.tiny_run import RECURRENT, make_run

SHAPES = {
    "states": (37,),
    "warm_starts": (18,),
    "conditionings": (36,),
    "actions": (12,),
    "targets": (12,),
    "torques": (12,),
    "commands": (3,),
    "contacts": (4,),
    "foot_forces": (4, 3),
    "rewards": (),
}
TYPES = {"states": np.float64, "warm_starts": np.float64, "contacts": np.uint8}
EVERY = np.arange(64)


@pytest.fixture(scope="module")
def small():
    made = collector("--num_envs=64")
    yield made
    made.env.close()


@pytest.fixture(scope="module")
def episodes(small):
    """What 64 episodes were, and the collector that made them."""
    return small.run(0).take(EVERY)


def test_shapes_and_types(episodes):
    for name, shape in SHAPES.items():
        assert episodes[name].shape == (64, STEPS, *shape), name
        assert episodes[name].dtype == TYPES.get(name, np.float32), name
    assert episodes["episode_lengths"].tolist() == [STEPS] * 64
    assert not episodes["terminated"].any()
    assert episodes["episode_ids"].tolist() == list(range(64))
    assert set(episodes) == {*SHAPES, "episode_lengths", "terminated", "episode_ids"}


def test_the_first_state_is_the_start(small, episodes):
    start = episodes["states"][:, 0]
    assert (start[:, 2] == np.float32(0.35)).all()
    factors = start[:, small.env.sim.robot.qpos_ids] / small.env.default_dof_pos.numpy()
    assert factors.min() < 0.81
    assert 1.19 < factors.max() < 1.2001
    assert 0.45 < np.abs(start[:, 19:25]).max() <= 0.5
    assert (start[:, 25:] == 0).all()
    assert len(np.unique(factors, axis=0)) == 64


def test_states_follow_from_targets_bit_for_bit(small, episodes):
    """Each next state, in an MjData that knows nothing but this one and where its solver started."""
    model = small.env.sim.robot.model
    data = mujoco.MjData(model)
    for i in (0, 17, 63):
        for t in range(STEPS - 1):
            mujoco.mj_resetData(model, data)
            data.qpos[:], data.qvel[:] = episodes["states"][i, t, :19], episodes["states"][i, t, 19:]
            data.qacc_warmstart[:] = episodes["warm_starts"][i, t]
            data.ctrl[:] = episodes["targets"][i, t]
            mujoco.mj_step(model, data, 4)
            assert np.array_equal(np.concatenate((data.qpos, data.qvel)), episodes["states"][i, t + 1])
            assert np.array_equal(data.qacc_warmstart, episodes["warm_starts"][i, t + 1])
            assert np.array_equal(data.actuator_force.astype(np.float32), episodes["torques"][i, t])


def test_conditionings_by_hand(small, episodes):
    state, seen = episodes["states"].reshape(-1, 37), episodes["conditionings"].reshape(-1, 36)
    order = small.env.sim.robot.qpos_ids
    for row in (0, 100, 511):
        matrix = np.zeros(9)
        mujoco.mju_quat2Mat(matrix, state[row, 3:7])
        to_base = matrix.reshape(3, 3).T
        np.testing.assert_allclose(seen[row, :3], to_base @ [0, 0, -1], atol=1e-6)
        np.testing.assert_allclose(seen[row, 3:6], to_base @ state[row, 19:22], atol=1e-5)
        np.testing.assert_allclose(seen[row, 6:9], state[row, 22:25], atol=1e-5)
        np.testing.assert_allclose(seen[row, 9:21], state[row, order], atol=1e-6)
        np.testing.assert_allclose(seen[row, 21:33], state[row, 18 + order], atol=1e-5)
    assert np.array_equal(seen[:, 33:], episodes["commands"].reshape(-1, 3))


def test_targets_are_scaled_actions_without_delay(small, episodes):
    default = small.env.default_dof_pos.numpy()
    np.testing.assert_allclose(episodes["targets"], default + 0.25 * episodes["actions"], atol=1e-6)
    assert np.array_equal(episodes["contacts"], episodes["foot_forces"][..., 2] > 1.0)


def test_targets_come_late_with_the_delay():
    late = collector("--num_envs=64", "--env.control.action_delay=[2,2]")
    found = late.run(0).take(EVERY)
    default = late.env.default_dof_pos.numpy()
    late.env.close()
    np.testing.assert_allclose(found["targets"][:, 2:], default + 0.25 * found["actions"][:, :-2], atol=1e-6)
    np.testing.assert_allclose(found["targets"][:, :2], np.broadcast_to(default, (64, 2, 12)), atol=1e-6)


def test_an_episode_is_the_same_in_other_company(small, episodes):
    """In another place, among others, and after others."""
    larger = collector("--num_envs=192")
    beside = larger.run(64 * 4).take(np.arange(192))
    first = larger.run(0).take(np.arange(192))
    larger.env.close()
    for name, values in episodes.items():
        assert np.array_equal(first[name][:64], values), name
    alone = small.run(64 * 5).take(EVERY)
    for name, values in alone.items():
        assert np.array_equal(beside[name][64:128], values), name
    assert not np.array_equal(alone["states"], episodes["states"])


def test_another_seed_gives_other_episodes(episodes):
    other = collector("--num_envs=64", "--seed=43")
    found = other.run(0).take(EVERY)
    other.env.close()
    assert not (found["states"][:, 0, 7:] == episodes["states"][:, 0, 7:]).all(1).any()
    assert not (found["commands"][:, 0] == episodes["commands"][:, 0]).all(1).any()


def test_falls_end_episodes(small):
    """Robots in odd places are pushed over by hand: their episodes end, those of the others do not."""
    env = small.env
    original, fallen = env._check_termination, torch.zeros(64, dtype=torch.bool)
    fallen[5::2] = True

    def check():
        original()
        env.reset_buf |= fallen & (env.episode_length_buf == 3)

    env._check_termination = check
    untouched = small.run(0)
    env._check_termination = original
    assert untouched.terminated.tolist() == fallen.tolist()
    found = untouched.take(np.array([4, 5]))
    assert found["episode_lengths"].tolist() == [STEPS, 3]
    assert found["terminated"].tolist() == [False, True]
    for name in SHAPES:
        assert not found[name][1, 3:].any(), name
    assert found["torques"][1, 2].any()  # of the step in which it fell, not of the reset after it
    reference = small.run(0).take(np.array([4, 5]))
    for name in SHAPES:
        assert np.array_equal(found[name][0], reference[name][0]), name
        assert np.array_equal(found[name][1, :3], reference[name][1, :3]), name


def test_randomized_robots_carry_their_model(small):
    varied = collector("--num_envs=64", "--randomize", "--env.domain_rand.randomize_gains=true")
    found = varied.run(64).take(EVERY)
    model, data = varied.env.sim.robot.model, mujoco.MjData(varied.env.sim.robot.model)
    varied.env.close()
    names = [name for name in found if name.startswith("model_")]
    assert {"model_geom_friction", "model_body_mass", "model_body_inertia", "model_actuator_gainprm"} <= set(names)
    assert len(np.unique(found["model_body_mass"][:, 1])) == 64
    nominal = model.body_mass[1]
    for i in (3, 40):
        for name in names:
            getattr(model, name[len("model_") :])[...] = found[name][i]
        mujoco.mj_setConst(model, data)
        mujoco.mj_resetData(model, data)
        data.qpos[:], data.qvel[:] = np.split(found["states"][i, 4], [19])
        data.qacc_warmstart[:] = found["warm_starts"][i, 4]
        data.ctrl[:] = found["targets"][i, 4]
        mujoco.mj_step(model, data, 4)
        assert np.abs(np.concatenate((data.qpos, data.qvel)) - found["states"][i, 5]).max() < 1e-9
        assert model.body_mass[1] != nominal


def test_torque_control_records_every_substep():
    made = collector("--num_envs=64", "--env.control.control_type=T", "--env.control.action_scale=0.5", steps=3)
    found = made.run(0).take(EVERY)
    model, data = made.env.sim.robot.model, mujoco.MjData(made.env.sim.robot.model)
    made.env.close()
    assert "targets" not in found
    assert found["controls"].shape == (64, 3, 4, 12)
    np.testing.assert_allclose(found["controls"][:, :, 3], 0.5 * found["actions"], atol=1e-6)
    data.qpos[:], data.qvel[:] = np.split(found["states"][9, 1], [19])
    data.qacc_warmstart[:] = found["warm_starts"][9, 1]
    for torques in found["controls"][9, 1]:
        data.ctrl[:] = torques
        mujoco.mj_step(model, data)
    assert np.abs(np.concatenate((data.qpos, data.qvel)) - found["states"][9, 2]).max() < 1e-9


def test_metadata_names_the_columns(small, episodes):
    args = parse([*A1, "--shard_episodes=64"])
    told = describe(small, find_policy(CommandLine.read(args)), wish_of(args))
    model = small.env.sim.robot.model
    assert told["joint_order_policy"][0] == "FL_hip_joint"
    for i, name in enumerate(told["joint_order_policy"]):
        assert told["joint_position_columns"][i] == model.joint(name).qposadr[0]
        assert told["joint_velocity_columns"][i] == 19 + model.joint(name).dofadr[0]
    assert told["joint_order_model"] == [model.joint(i).name for i in range(1, 13)]
    assert told["foot_order"] == ["FL_foot", "FR_foot", "RL_foot", "RR_foot"]
    assert (told["dt"], told["physics_dt"], told["decimation"]) == (0.02, 0.005, 4)
    assert (told["kp"], told["kd"], told["action_scale"]) == ([20.0] * 12, [0.5] * 12, 0.25)
    assert told["default_pose"] == [0.1, 0.8, -1.5, -0.1, 0.8, -1.5, 0.1, 1.0, -1.5, -0.1, 1.0, -1.5]
    assert told["gravity"] == [0.0, 0.0, -9.81]
    assert set(episodes) <= set(told["arrays"])


@pytest.mark.parametrize("task", ["a1_flat", "a1"])
def test_memories_and_places_do_not_depend_on_the_others(tmp_path, task):
    """A recurrent policy on a plane, and on the tiles of rough ground."""
    policy = make_run(tmp_path, task, RECURRENT)
    found = []
    for count in (64, 128):
        made = collector(f"--policy={policy}", f"--num_envs={count}", steps=5)
        if count == 64:
            made.run(0)
        found.append(made.run(64 if count == 64 else 0).take(np.arange(count)[-64:]))
        made.env.close()
    for name, values in found[0].items():
        assert np.array_equal(values, found[1][name]), name
