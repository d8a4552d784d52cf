"""What an exported policy says of itself is enough to run it, and is what the environment does.

A small program of its own, in numpy, reads the description and the raw state of the physics engine.
"""

from __future__ import annotations

import hashlib
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.envs.base.base_config import ObsTerm
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.base.tables import make_group
from legged_gym.errors import UserError
from legged_gym.utils.policy_export import export_checkpoint
from legged_gym.utils.policy_io import find_policy
from legged_gym.utils.policy_metadata import _CAMERA_KEYS, _describe_group, check_fits
from tests.utils.tiny_run import ITERATION, flags, make_env, make_run


@pytest.fixture(scope="module")
def flat_run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("flat"))


def export(run, folder, *options):
    source = find_policy(flags(f"--policy={run}", *options))
    env = make_env(source, *options)
    export_checkpoint(source, env, str(folder))
    return env, json.loads((folder / "policy.json").read_text())


@pytest.fixture
def flat(flat_run, tmp_path):
    env, description = export(flat_run, tmp_path)
    yield env, description
    env.close()


def rotation(quat_wxyz):
    """Matrix of a unit quaternion, body to world (Euler-Rodrigues)."""
    w, x, y, z = quat_wxyz
    return np.array(
        [
            [w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z],
        ]
    )


def raw_state(env, robot):
    """Of MuJoCo: quaternion w, x, y, z, linear velocity in the world frame, angular in that of the base, joints."""
    model = env.sim.robot.model
    qpos, qvel = env.sim.batch.bind("qpos")[robot], env.sim.batch.bind("qvel")[robot]
    joints = {model.joint(name).name: model.joint(name) for name in env.dof_names}
    return {
        "position": qpos[:3],
        "quat": qpos[3:7],
        "rotation": rotation(qpos[3:7]),
        "lin_vel": qvel[:3],
        "ang_vel": qvel[3:6],
        "pos": {name: qpos[joint.qposadr[0]] for name, joint in joints.items()},
        "vel": {name: qvel[joint.dofadr[0]] for name, joint in joints.items()},
    }


def height_scan(env, state, points_x, points_y):
    """Heights below the points of the grid, from the map: the lowest of a cell's corner and its two neighbours."""
    heights, terrain = env.terrain.heights, env.terrain
    yaw = 2.0 * np.arctan2(state["quat"][3], state["quat"][0])
    forward, left = np.array([np.cos(yaw), np.sin(yaw)]), np.array([-np.sin(yaw), np.cos(yaw)])
    found = []
    for x in points_x:
        for y in points_y:
            place = state["position"][:2] + x * forward + y * left + terrain.border_size
            i, j = (place / terrain.horizontal_scale).astype(int)
            found.append(min(heights[i, j], heights[i + 1, j], heights[i, j + 1]))
    return np.array(found)


def rebuild(description, env, robot, command, last_action, name="policy"):
    """An observation vector, by the description and the raw state alone."""
    state, joints = raw_state(env, robot), description["joints"]
    values = {
        "base_lin_vel": state["rotation"].T @ state["lin_vel"],
        "base_ang_vel": state["ang_vel"],
        "projected_gravity": state["rotation"].T @ [0.0, 0.0, -1.0],
        "commands": command,
        "dof_pos": np.array([state["pos"][joint["name"]] - joint["default_pos"] for joint in joints]),
        "dof_vel": np.array([state["vel"][joint["name"]] for joint in joints]),
        "actions": last_action,
    }
    scan = description["height_scan"]
    if scan is not None:
        heights = height_scan(env, state, scan["points_x"], scan["points_y"])
        values["heights"] = state["position"][2] - 0.5 - heights
        if "scandot_height" in scan:
            values["scandots"] = state["position"][2] - scan["scandot_height"] - heights
    group = description["observations"][name]
    vector = np.full(group["shape"], np.nan)
    for term in group["terms"]:
        value = values[term["name"]]
        if term["clip"] is not None:
            value = np.clip(value, *term["clip"])
        vector[term["start"] : term["start"] + term["size"]] = value * np.array(term["scale"])
    return np.clip(vector, -group["clip"], group["clip"])


def assert_rebuilt(env, description, tolerance):
    env.reset()
    for _ in range(10):
        actions = torch.randn(env.num_envs, env.num_actions)
        obs, _, dones, _ = env.step(actions)
        for robot in torch.nonzero(~dones).flatten().tolist():
            rebuilt = rebuild(description, env, robot, env.commands[robot, :3].numpy(), actions[robot].numpy())
            assert np.abs(rebuilt - obs["policy"][robot].numpy()).max() < tolerance


def test_observations_can_be_rebuilt_from_the_description(flat):
    env, description = flat
    assert_rebuilt(env, description, 1e-5)


def test_observations_with_heights_can_be_rebuilt_from_the_description(tmp_path):
    run = make_run(tmp_path, "a1", "--env.terrain.terrain_proportions=[0,1,0,0,0]")
    env, description = export(run, tmp_path)
    assert description["observations"]["policy"]["shape"] == [235]
    assert float(env.measured_heights.std()) > 0.01  # the ground is rough
    assert_rebuilt(env, description, 1e-4)
    env.close()


def test_all_observations_of_a_robot_that_walks_by_sight_can_be_rebuilt(tmp_path):
    run = make_run(tmp_path, "a1_vision", "--env.terrain.tile_types=[lane_stones]", "--env.terrain.border_size=2")
    env, description = export(run, tmp_path)
    assert list(description["observations"]) == ["proprioception", "scandots", "commands"]
    assert [entry["name"] for entry in description["memory"]] == ["h"]
    obs = env.reset()
    env.root_states[:, 0] += torch.tensor([0.0, 1.0, 2.0, 3.0])[: env.num_envs]  # over the stones
    env.sim.set_root_states(torch.arange(env.num_envs), env.root_states.clone())
    for _ in range(3):
        actions = torch.randn(env.num_envs, env.num_actions)
        obs, _, dones, _ = env.step(actions)
        for robot in torch.nonzero(~dones).flatten().tolist():
            for name in description["observations"]:
                command = env.commands[robot, :3].numpy()
                rebuilt = rebuild(description, env, robot, command, actions[robot].numpy(), name)
                assert np.abs(rebuilt - obs[name][robot].numpy()).max() < 1e-4
    assert (obs["scandots"] > 1.1).any()  # some points lie between the stones, beyond the bound
    env.close()


class Camera:
    """Settings of a depth camera."""

    def __init__(self, **changes):
        settings = {"width": 106, "height": 60, "horizontal_fov": 87.0, "near": 0.0, "far": 2.0, "period": 0.1}
        vars(self).update({**settings, **changes})


def camera_env(**changes):
    """An environment with nothing but a camera."""

    def _obs_depth():
        """Distances to the image plane.

        A second line that nobody needs.
        """

    env = SimpleNamespace(observation_dims={"depth": (1, 4, 6)}, dof_names=[], dt=0.02, _obs_depth=_obs_depth)
    env.observation_groups = {"depth": make_group("depth", {"depth": ObsTerm()}, {"depth": (1, 4, 6)}, 0.0)}
    control, normalization = SimpleNamespace(action_scale=0.25), SimpleNamespace(clip_observations=100.0)
    env.cfg = SimpleNamespace(control=control, normalization=normalization, depth_camera=Camera(**changes))
    return env


def test_an_image_is_described_with_its_camera():
    group = _describe_group(camera_env(), "depth")
    assert group["shape"] == [1, 4, 6]
    assert group["camera"]["horizontal_fov"] == 87.0
    (term,) = group["terms"]
    assert (term["name"], term["size"], term["scale"], term["meaning"]) == (
        *("depth", 24, 1.0),
        "Distances to the image plane.",
    )
    json.dumps(group, allow_nan=False)


def test_what_an_image_shows_is_decided_by_settings_that_exist():
    assert set(_CAMERA_KEYS) <= set(vars(LeggedRobotCfg().depth_camera))


def test_images_of_another_camera_do_not_fit():
    group = _describe_group(camera_env(), "depth")
    description = {"joints": [], "actions": {"scale": 0.25}, "control_dt": 0.02, "observations": {"depth": group}}
    check_fits(description, camera_env(period=0.2), "policy.onnx")  # when frames come is the robot's business
    with pytest.raises(UserError, match=r"'depth' is .*horizontal_fov 87.0.*environment's is .*horizontal_fov 60.0"):
        check_fits(description, camera_env(horizontal_fov=60.0), "policy.onnx")


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
    assert description["actuator_net"] == {"file": file, "sha256": expected}
    assert description["actions"]["control_type"] == "actuator_net" and description["actions"]["target_filter"] == 0.5
    assert "target_filter" in description["actions"]["rule"]


def test_a_policy_for_other_control_types_names_no_actuator_network(flat):
    _, description = flat
    assert description["actuator_net"] is None and "target_filter" not in description["actions"]["rule"]
