"""What an exported policy says of itself is enough to run it, and is what the environment does.

A small program of its own, in numpy, reads the description and the raw state of the physics engine.
"""

from __future__ import annotations

import hashlib
import json
import os

import numpy as np
import onnx
import pytest
import torch

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.envs.base.base_config import ObsTerm
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.errors import UserError
from legged_gym.policies.export import export_checkpoint
from legged_gym.policies.metadata import _CAMERA_KEYS, _describe_group, check_fits
from legged_gym.policies.policy_io import find_policy, load_policy
from legged_gym.utils.cli import get_args
from legged_gym.utils.task_registry import task_registry
from tests.policies.plain_mujoco import see
from tests.policies.tiny_run import ITERATION, SMALL, flags, make_env, make_run


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


def make_plane_env(task, *options):
    args = get_args([*SMALL[:2], "--env.terrain.mesh_type=plane", *options])
    return task_registry.make_env(task, args)[0]


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
