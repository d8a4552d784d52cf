"""What a description says besides observations: commands, numbers of terms, physics, drives."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import torch

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.policies.export import export_checkpoint
from legged_gym.policies.metadata import _describe_group
from legged_gym.policies.policy_io import find_policy
from tests.policies.raw_state import raw_state
from tests.policies.tiny_run import ITERATION, export, flags, make_env, make_plane_env, make_run


def described(task, *options):
    """The commands, the terms by name, and the physics of a task."""
    env = make_plane_env(task, *options)
    groups = [_describe_group(env, group) for group in env.observation_groups]
    terms = {term["name"]: term for group in groups for term in group["terms"]}
    commands, physics = env.trained_commands(), env.sim.describe_physics()
    env.close()
    return commands, terms, physics


def test_commands_are_those_of_training():
    commands, _, _ = described("a1")
    assert commands["ranges"]["ang_vel_yaw"] == [-1.0, 1.0] and commands["ranges"]["heading"] == [-3.14, 3.14]
    assert (commands["heading"]["gain"], commands["heading"]["limit"], commands["min_norm"]) == (0.5, 1.0, 0.2)
    commands, _, _ = described("a1_flat", "--env.commands.ranges.ang_vel_yaw=[-0.7,0.8]")
    assert commands["ranges"]["ang_vel_yaw"] == [-0.7, 0.8]
    assert commands["heading"] is None and "heading" not in commands["ranges"]
    commands, _, _ = described("a1_vision", "--env.commands.walking_speed=[0.35,0.85]")
    assert commands["ranges"]["lin_vel_x"] == [0.35, 0.85] and commands["min_norm"] == 0.0
    commands, _, _ = described("go2")
    assert commands["ranges"]["height"] == [0.2, 0.4] and "jump" not in commands["ranges"]
    commands, _, _ = described("go2", "--env.commands.jump_fraction=0.1")
    assert commands["ranges"]["jump"] == [0.5, 0.7]


def test_terms_with_numbers_of_their_own_tell_them():
    _, terms, _ = described("mini_cheetah_ref", "--env.control.gait_freq=2.5")
    assert terms["phase"]["frequency"] == 2.5
    assert terms["phase"]["leg_phases"] == pytest.approx({"rf": 0.0, "lf": np.pi, "rh": np.pi, "lh": 0.0})
    assert terms["dof_pos_history"]["length"] == 3
    _, terms, _ = described("go2")
    assert terms["jump_counter"]["steps"] == 50
    assert terms["commands"]["names"] == ["lin_vel_x", "lin_vel_y", "ang_vel_yaw"]


def test_physics_is_what_the_model_has():
    _, _, physics = described("mini_cheetah", "--env.terrain.static_friction=0.5", "--env.asset.self_collisions=0")
    assert physics["contact"]["friction"][0] == 0.75  # the mean with the robot's, 1
    assert physics["self_collisions"] is True
    assert [joint["armature"] for joint in physics["joints"][:3]] == [0.002268, 0.002268, 0.005484]
    assert physics["joints"][0]["passive_damping"] == 0.01  # of the URDF
    assert physics["dt"] == 0.002 and physics["integrator"] == "euler" and physics["gravity"] == [0.0, 0.0, -9.81]
    assert physics["mass"] == pytest.approx(8.292)


def test_torques_follow_the_rule_of_the_description(flat_run, tmp_path):
    """With one physics step an action, the torque is the rule's at the state before the step."""
    env, description = export(flat_run, tmp_path, "--env.control.decimation=1")
    assert description["physics_dt"] == description["control_dt"]
    assert "torque = stiffness * (default_pos + scale * a - pos) - damping * vel" in description["actions"]["rule"]
    joints, action = description["joints"], description["actions"]
    column = {key: np.array([joint[key] for joint in joints]) for key in joints[0] if key != "name"}
    env.reset()
    clipped = 0
    for scale in (1.0, 3.0, 20.0):
        state = raw_state(env, 0)
        pos, vel = (np.array([state[key][joint["name"]] for joint in joints]) for key in ("pos", "vel"))
        actions = scale * torch.randn(env.num_envs, env.num_actions)
        env.step(actions)
        a = np.clip(actions[0].numpy(), -action["clip"], action["clip"])
        torque = column["stiffness"] * (column["default_pos"] + action["scale"] * a - pos) - column["damping"] * vel
        clipped += int((np.abs(torque) > column["torque_limit"]).sum())
        torque = np.clip(torque, -column["torque_limit"], column["torque_limit"])
        np.testing.assert_allclose(env.torques[0].numpy(), torque, atol=1e-4)
    assert clipped  # the limits were part of it
    env.close()


def test_facts_are_those_of_the_environment(flat):
    env, description = flat
    assert description["task"] == "a1_flat"
    assert description["robot"] == "a1"
    assert [joint["name"] for joint in description["joints"]] == env.dof_names
    for key, values in (
        ("default_pos", env.default_dof_pos[0]),
        ("stiffness", env.p_gains),
        ("damping", env.d_gains),
        ("torque_limit", env.torque_limits),
        ("vel_limit", env.dof_vel_limits),
        ("pos_limits", env.sim.dof_pos_limits),
    ):
        assert torch.equal(torch.tensor([joint[key] for joint in description["joints"]]), values)
    assert description["feet"] == ["FL_foot", "FR_foot", "RL_foot", "RR_foot"]
    assert (description["control_dt"], description["physics_dt"], description["decimation"]) == (0.02, 0.005, 4)
    assert description["commands"]["ranges"]["lin_vel_x"] == [-1.0, 1.0]
    assert description["actions"]["delay_steps"] == [0, 0]
    terms = description["observations"]["policy"]["terms"]
    assert [term["start"] for term in terms] == [0, 3, 6, 9, 12, 24, 36]
    assert all(term["meaning"] for term in terms)
    assert description["start"]["position"] == [0.0, 0.0, 0.35] and description["start"]["orientation"] == [0, 0, 0, 1]
    with open(env.cfg.asset.file.format(LEGGED_GYM_ROOT_DIR=LEGGED_GYM_ROOT_DIR), "rb") as file:
        assert description["robot_file"]["sha256"] == hashlib.sha256(file.read()).hexdigest()
    assert description["robot_file"]["file"] == "{LEGGED_GYM_ROOT_DIR}/resources/robots/a1/urdf/a1.urdf"
    assert description["origin"]["iteration"] == ITERATION
    assert set(description["origin"]) == {"run", "iteration", "seed", "git", "versions"}


def test_a_range_widened_by_the_curriculum_is_described(tmp_path):
    run = make_run(tmp_path, "a1_flat")
    path = f"{run}/model_{ITERATION}.pt"
    content = torch.load(path, weights_only=True)
    content["env"]["lin_vel_x_range"] = [-1.5, 2.0]
    torch.save(content, path)
    env, description = export(run, tmp_path)
    assert description["commands"]["ranges"]["lin_vel_x"] == [-1.5, 2.0]
    env.close()


def test_what_has_no_limit_is_none_in_json(flat_run, tmp_path):
    source = find_policy(flags(f"--policy={flat_run}"))
    env = make_env(source)
    env.dof_vel_limits = torch.full_like(env.dof_vel_limits, float("inf"))
    export_checkpoint(source, env, str(tmp_path))
    assert json.loads((tmp_path / "policy.json").read_text())["joints"][0]["vel_limit"] is None
    env.close()


def test_a_policy_for_an_actuator_network_names_the_file_and_its_hash(flat_run, tmp_path):
    file = "{LEGGED_GYM_ROOT_DIR}/resources/actuator_nets/a1.pt"
    options = ["--env.control.control_type=actuator_net", f"--env.control.actuator_net_file={file}"]
    env, description = export(flat_run, tmp_path, *options, "--env.control.target_filter=0.5")
    env.close()
    with open(file.format(LEGGED_GYM_ROOT_DIR=LEGGED_GYM_ROOT_DIR), "rb") as content:
        expected = hashlib.sha256(content.read()).hexdigest()
    entry = description["actuator_net"]
    assert entry["source"] == {"file": file, "sha256": expected}
    assert (entry["file"], entry["sha256"]) == (
        "actuator.onnx",
        hashlib.sha256((tmp_path / "actuator.onnx").read_bytes()).hexdigest(),
    )
    assert description["actions"]["control_type"] == "actuator_net" and description["actions"]["target_filter"] == 0.5
    assert "target_filter" in description["actions"]["rule"]


def test_a_policy_for_other_control_types_names_no_actuator_network(flat):
    _, description = flat
    assert description["actuator_net"] is None and "target_filter" not in description["actions"]["rule"]
