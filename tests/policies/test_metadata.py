"""What an exported policy says of itself is enough to run it, and is what the environment does.

A small program of its own, in numpy, reads the description and the raw state of the physics engine.
"""

from __future__ import annotations

import json
import os

import numpy as np
import onnx
import pytest
import torch

from legged_gym.envs.base.base_config import ObsTerm
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.errors import UserError
from legged_gym.policies.metadata import _CAMERA_KEYS, _describe_group, check_fits
from legged_gym.policies.policy_io import find_policy, load_policy
from legged_gym.sim2sim.robot import see
from legged_gym.utils.task_registry import task_registry
from tests.policies.raw_state import raw_state
from tests.policies.tiny_run import export, flags, make_env, make_plane_env, make_run


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
    group = description["observations"][name]
    vector = np.full(group["shape"], np.nan)
    for term in group["terms"]:
        if "points_x" in term:
            heights = height_scan(env, state, term["points_x"], term["points_y"])
            value = state["position"][2] - term["base_height"] - heights
        else:
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


@pytest.fixture(scope="module")
def camera_env():
    """An environment with a depth camera."""
    env = make_plane_env("a1_vision_student")
    yield env
    env.close()


def test_an_image_is_described_with_its_camera(camera_env):
    group = _describe_group(camera_env, "depth")
    assert group["shape"] == [1, 58, 87]
    (term,) = group["terms"]
    assert (term["name"], term["size"], term["scale"]) == ("depth", 58 * 87, 1.0)
    assert term["camera"]["horizontal_fov"] == 87.0 and term["camera"]["crop"] == [0, 2, 4, 4]
    assert "along the optical axis" in term["rule"] and "latency" in term["timing_rule"]
    json.dumps(group, allow_nan=False)


def test_what_an_image_shows_is_decided_by_settings_that_exist():
    assert set(_CAMERA_KEYS) <= set(vars(LeggedRobotCfg().depth_camera))


@pytest.mark.parametrize("version", [1, 2])
def test_images_of_another_camera_do_not_fit(camera_env, version, monkeypatch):
    group = _describe_group(camera_env, "depth")
    if version == 1:  # which has the camera in the group
        group["camera"] = group["terms"][0].pop("camera")
    joints = [{"name": name} for name in camera_env.dof_names]
    description = {"joints": joints, "actions": {"scale": 0.25}, "control_dt": 0.02, "observations": {"depth": group}}
    camera = camera_env.cfg.depth_camera
    monkeypatch.setattr(camera, "period", 0.2)
    check_fits(description, camera_env, "policy.onnx")  # when frames come is the robot's business
    monkeypatch.setattr(camera, "horizontal_fov", 60.0)
    with pytest.raises(UserError, match=r"'depth' is .*horizontal_fov 87.0.*environment's is .*horizontal_fov 60.0"):
        check_fits(description, camera_env, "policy.onnx")


def test_a_policy_of_format_1_is_read():
    path = os.path.join(os.path.dirname(__file__), "policy_format_1.onnx")
    seen = "--env.observations.policy.commands.scale=[2,2,0.25]"  # as it was then; the file has no settings beside it
    with pytest.raises(UserError, match=r"does not fit: .*commands 3 x \[2.0, 2.0, 0.25\].*environment's is"):
        load_policy(*_with_env(path))
    source, env = _with_env(path, seen)
    policy = load_policy(source, env)
    assert policy.description["format"] == 1
    assert policy(env.reset()).shape == (env.num_envs, 12)


def _with_env(path, *options):
    source = find_policy(flags(f"--policy={path}", *options))
    return source, make_env(source, *options)


def test_a_policy_of_a_format_to_come_is_refused(flat, tmp_path):
    model = onnx.load(str(tmp_path / "policy.onnx"))
    onnx.helper.set_model_props(model, {"metadata": json.dumps({**flat[1], "format": 3})})
    onnx.save(model, str(tmp_path / "policy.onnx"))
    with pytest.raises(UserError, match="has format 3; this program reads formats up to 2"):
        find_policy(flags(f"--policy={tmp_path / 'policy.onnx'}"))


@pytest.mark.parametrize(
    ("task", "group", "setting", "message"),
    [
        ("mini_cheetah_ref", "policy", "--env.control.gait_freq=2.5", "frequency of its observation phase is 3.0, the"),
        ("a1_vision", "scandots", "--env.terrain.scandot_height=0.2", "base_height of its observation scandots is 0.3"),
    ],
)
def test_a_term_with_other_numbers_does_not_fit(task, group, setting, message):
    env, other = make_plane_env(task), make_plane_env(task, setting)
    actions, joints = {"scale": env.cfg.control.action_scale}, [{"name": name} for name in env.dof_names]
    layout = {group: json.loads(json.dumps(_describe_group(env, group)))}
    description = {"joints": joints, "actions": actions, "control_dt": env.dt, "observations": layout}
    check_fits(description, env, "policy.onnx")
    with pytest.raises(UserError, match=message):
        check_fits(description, other, "policy.onnx")
    env.close()
    other.close()


class Clockwork(LeggedRobot):
    """A robot of a user, with a term that its docstring cannot explain."""

    def _obs_clock(self):
        """Seconds of the episode, in periods."""
        return self.episode_length_buf[:, None] * self.dt / 0.75

    def _describe_clock(self):
        return {"period": 0.75}


def test_a_term_of_a_user_says_what_it_needs():
    cfg, _ = task_registry.get_cfgs("a1_flat")
    cfg.env.num_envs = 1
    cfg.observations.policy.clock = ObsTerm(scale=2.0)
    env = Clockwork(cfg, sim="mujoco")
    term = _describe_group(env, "policy")["terms"][-1]
    assert (term["name"], term["start"], term["scale"]) == ("clock", 48, 2.0)
    assert (term["meaning"], term["period"]) == ("Seconds of the episode, in periods.", 0.75)
    for wrong, message in (({"scale": 2.0}, "the keys scale are"), ({"table": env.dof_pos}, "what JSON can hold")):
        env._describe_clock = lambda wrong=wrong: wrong
        with pytest.raises(UserError, match=f"_describe_clock.*{message}"):
            _describe_group(env, "policy")
    env.close()


def remembering(**entry):
    """A robot that sees its joints' velocities alone, as an entry says."""
    cfg, _ = task_registry.get_cfgs("a1_flat")
    cfg.update({"env": {"num_envs": 1}, "noise": {"add_noise": False}})
    for name in list(vars(cfg.observations.policy)):
        setattr(cfg.observations.policy, name, None)
    cfg.observations.policy.dof_vel = ObsTerm(scale=0.05, clip=1.5, **entry)
    return LeggedRobot(cfg, sim="mujoco", seed=1)


@pytest.mark.parametrize(
    "entry", [{"history": 3}, {"history": 2, "newest_first": True, "hold": 3, "offset": 1}, {"hold": 2}]
)
def test_what_a_term_remembers_can_be_rebuilt_from_the_description(entry):
    env = remembering(**entry)
    env.reset()
    group = json.loads(json.dumps(_describe_group(env, "policy")))
    (term,), frames = group["terms"], []
    for step in range(8):
        frame = 0.05 * np.clip(env.dof_vel[0].numpy(), *term["clip"])
        seen = np.concatenate(see(frames, frame, term, step))
        assert seen.size == term["size"] == group["shape"][0]
        np.testing.assert_allclose(env.obs_buf["policy"][0].numpy(), seen, atol=1e-6)
        env.step(torch.randn(1, 12, generator=torch.Generator().manual_seed(step)))
    env.close()


def test_a_policy_that_remembers_otherwise_does_not_fit():
    env, other = remembering(hold=2), remembering()
    groups = [json.loads(json.dumps(_describe_group(robot, "policy"))) for robot in (env, other)]
    assert "hold" not in groups[1]["terms"][0]
    actions, joints = {"scale": env.cfg.control.action_scale}, [{"name": name} for name in env.dof_names]
    for group, robot in zip(groups, (other, env)):
        description = {
            "joints": joints, "actions": actions, "control_dt": env.dt, "observations": {"policy": group}
        }  # fmt: skip
        with pytest.raises(UserError, match=r"dof_vel 12 x 0\.05 hold 2"):
            check_fits(description, robot, "policy.onnx")
    env.close()
    other.close()
