"""Every shipped policy walks in plain MuJoCo by its description alone, and moves there as in the project itself."""

from __future__ import annotations

import ast
import json
import os
import pathlib
import sys

import numpy as np
import pytest
import torch

from legged_gym import sim2sim
from legged_gym.envs.parts.given_commands import GivenCommands
from legged_gym.policies.export import export_checkpoint
from legged_gym.policies.ground import GROUND_SEED, saved_terrain, with_saved_terrain
from legged_gym.policies.policy_io import find_policy, load_policy
from legged_gym.scripts.sim2sim import robot_file_of
from legged_gym.sim2sim import trials
from legged_gym.sim2sim.course import goals_rule
from legged_gym.sim2sim.ground import Ground, read_ground
from legged_gym.sim2sim.motion import Reference, clips_beside, follow
from legged_gym.sim2sim.network import open_policy
from legged_gym.sim2sim.robot import Robot, World
from legged_gym.sim2sim.terms import TERMS
from legged_gym.utils.run_folder import POLICIES_DIR
from legged_gym.utils.task_registry import task_registry
from tests.policies.tiny_run import flags, make_run

SHIPPED = sorted(os.listdir(POLICIES_DIR))
COURSES = ("galileo_parkour", "galileo_parkour_student")
TILES = "go2_parkour"  # whose goals lie on its own ground
FOLLOWS_CLIPS = "g1_deepmimic_mocap"
SPEED = 0.7  # m/s
# a robot as it is, on flat ground, that nobody disturbs; the same command for as long as it takes
NOMINAL = (
    "--sim=mujoco",
    "--num_envs=1",
    "--env.terrain.mesh_type=plane",
    "--env.noise.add_noise=false",
    "--env.domain_rand.push_robots=false",
    "--env.domain_rand.every_episode=false",
    "--env.domain_rand.widen_over=null",
    *(
        f"--env.domain_rand.randomize_{what}=false"
        for what in ("friction", "base_mass", "com", "gains", "motor_strength")
    ),
    "--env.init_state.dof_pos_factor=[1,1]",
    "--env.init_state.max_random_vel=0",
    "--env.depth_camera.noise.enabled=false",
    *(f"--env.depth_camera.{what}_jitter=0" for what in ("position", "pitch", "period", "latency")),
    "--env.commands.standing_fraction=0",
    "--env.commands.resampling_time=1000",
    "--env.env.episode_length_s=1000",
)


def drive(policy_file, ground=None, place=(0.0, 0.0, 0.0), **command):
    """A robot in plain MuJoCo; the robot file is found by its name in the description."""
    policy = open_policy(policy_file)
    ground = ground or (trials.ground_of(policy) if goals_rule(policy.description) else None)
    world = World(robot_file_of(policy), ground or Ground(), delay=policy.description["actions"]["delay_steps"][0])
    robot = Robot(policy, world, TERMS)
    robot.start(place, command)
    return robot


def make_nominal(policy_file, task, *options):
    """The project's own environment and policy, at rest in the starting pose."""
    argv = (*NOMINAL, *options)
    source = find_policy(flags(f"--policy={policy_file}", *argv))
    shortest = source.env_cfg.control.action_delay[0]
    source.env_cfg.control.action_delay = [shortest, shortest]
    with_saved_terrain(source.env_cfg)
    env, _ = task_registry.make_env(task, flags(f"--task={task}", *argv), source.env_cfg)
    policy = load_policy(source, env)
    env.reset()
    return env, policy


def largest_difference(policy_file, env, policy, steps, ground=None):
    """Of the velocity of the base, m/s, and of the joint angles, rad, in the project and in plain MuJoCo."""
    command = {"lin_vel_x": 0.5, "lin_vel_y": 0.0, "ang_vel_yaw": 0.15, "heading": 0.3}
    env.commands[:] = torch.tensor(list(command.values()))
    env.standing = torch.zeros(1, dtype=torch.bool)
    if isinstance(getattr(env, "phase", None), torch.Tensor):
        env.phase[:] = 0.0
    if env.depth_camera is not None:
        env.depth_camera._until_frame[:] = env.cfg.depth_camera.period
    env._observe()
    env._remember()
    robot = drive(policy_file, ground, env.env_origins[0].tolist(), **command)
    obs, largest = env.obs_buf, 0.0
    for _ in range(steps):
        obs, _, dones, _ = env.step(policy(obs))
        assert not dones.any()
        robot.step()
        pairs = ((env.base_lin_vel[0], robot.velocity), (env.dof_pos[0], robot.joint_angles))
        largest = max(largest, *(float(np.abs(here.numpy() - there).max()) for here, there in pairs))
    return largest


def test_nothing_of_the_training_environment_is_known_there():
    allowed = {"mujoco", "numpy", "legged_gym.errors", "legged_gym.reading", "legged_gym.policies.onnx_file"}
    # commands without an environment, and pictures, for which no physics is taken
    allowed |= {"legged_gym.evaluation.cells", "legged_gym.playing.frames", "legged_gym.sim.pictures.camera"}
    pictures = {"legged_gym.sim.pictures.rendering", "legged_gym.sim.pictures.scenery", "mujoco.viewer"}
    for path in pathlib.Path(sim2sim.__file__).parent.glob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        found = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        found |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        found -= {name for name in found if name.split(".")[0] in sys.stdlib_module_names}
        assert {name for name in found if not name.startswith("legged_gym.sim2sim")} <= allowed | pictures, path


@pytest.mark.parametrize("name", [name for name in SHIPPED if name not in (*COURSES, TILES, FOLLOWS_CLIPS)])
def test_a_shipped_policy_walks_by_its_description_alone(name):
    robot = drive(os.path.join(POLICIES_DIR, name, "policy.onnx"), lin_vel_x=SPEED)
    velocities = []
    while robot.time < 10.0:
        robot.step()
        velocities.append(robot.velocity[:2])
        assert robot.rotation[2, 2] > 0.8, f"fell at {robot.time:.1f} s"
    mean = np.mean(velocities[len(velocities) // 10 :], axis=0)
    assert np.linalg.norm(mean - [SPEED, 0.0]) < 0.1


def test_a_shipped_policy_follows_its_clip_by_its_description_alone():
    policy = open_policy(os.path.join(POLICIES_DIR, FOLLOWS_CLIPS, "policy.onnx"))
    (clip,) = clips_beside(policy.path, policy.description)
    robot = Robot(policy, World(robot_file_of(policy), Ground()), TERMS)
    found = follow(robot, Reference(clip, robot.model, policy.description))
    assert found.share == 1.0 and found.body_pos_error < 0.1 and found.joint_error < 0.15


@pytest.mark.parametrize("name", [name for name in SHIPPED if name not in (TILES, FOLLOWS_CLIPS)])
def test_a_shipped_policy_moves_as_in_the_project(name):
    policy_file = os.path.join(POLICIES_DIR, name, "policy.onnx")
    env, policy = make_nominal(policy_file, name, *(["--env.hurdles.layout=competition"] if name in COURSES else []))
    assert largest_difference(policy_file, env, policy, round(0.3 / env.dt)) < 1e-3
    env.close()


def test_a_policy_of_tiles_goes_to_their_goals_as_in_the_project(tmp_path):
    policy_file = os.path.join(POLICIES_DIR, TILES, "policy.onnx")
    flat = [
        f"--env.terrain.{rest}" for rest in ("mesh_type=heightfield", "tile_types=[parkour_flat]", "roughness=null")
    ]
    told = "--env.commands.ranges.lin_vel_x=[0.5,0.5]"  # in all frames of the history
    env, policy = make_nominal(policy_file, TILES, f"--seed={GROUND_SEED}", *flat, told)
    (tmp_path / "terrain.npz").write_bytes(saved_terrain(env.cfg))
    ground = read_ground(str(tmp_path / "terrain.npz"))
    assert largest_difference(policy_file, env, policy, round(0.3 / env.dt), ground) < 1e-3
    env.close()


OTHER_SETTINGS = {
    "V": (
        "--env.control.control_type=V",
        "--env.control.action_scale=2",
        "--env.control.action_delay=[2,2]",
        "--env.control.stiffness={joint: 1}",
        "--env.control.damping={joint: 0.004}",
    ),
    "two legs": (),
    "T": ("--env.control.control_type=T", "--env.control.action_scale=5", "--env.sim.gravity=[0.5,0,-5]"),
    "filter": ("--env.control.target_filter=0.3", "--env.asset.armature={hip: 0.02, calf: 0.005}"),
    "motor": (
        "--env.control.control_type=actuator_net",
        "--env.control.actuator_net_file={LEGGED_GYM_ROOT_DIR}/resources/actuator_nets/a1_motor.json",
        "--env.terrain.static_friction=0.2",
    ),
    "curve": ("--env.control.torque_speed={hip: [8, 5], calf: [12, 4]}",),
    "engine": (
        "--env.asset.self_collisions=0",
        "--env.sim.mujoco.integrator=implicitfast",
        "--env.sim.mujoco.cone=elliptic",
        "--env.init_state.pos=[0,0,0.3]",
        "--env.init_state.rot=[0,0.0998334,0,0.9950042]",
    ),
}


@pytest.mark.parametrize("name", OTHER_SETTINGS)
def test_other_settings_are_described_too(name, tmp_path):
    """An untrained policy, which moves all the same, under settings that no shipped policy has."""
    task = "g1" if name == "two legs" else "a1_flat"
    run = make_run(tmp_path, task, *OTHER_SETTINGS[name])
    env, _ = make_nominal(run, task)
    export_checkpoint(find_policy(flags(f"--policy={run}")), env, str(tmp_path / "exported"), only_onnx=True)
    policy_file = str(tmp_path / "exported" / "policy.onnx")
    policy = load_policy(find_policy(flags(f"--policy={policy_file}", f"--task={task}")), env)
    assert largest_difference(policy_file, env, policy, 15) < 1e-3
    env.close()


def test_a_policy_that_goes_along_goals_sees_what_it_sees_in_its_task(tmp_path):
    """On a tile with goals; the scan reads heights between vertices, that of the task the lowest of them."""
    own = [flag for flag in NOMINAL if "mesh_type" not in flag]
    plain = ("--train.policy.normalize_observations=false", "--train.algorithm.extensions={}")
    run = make_run(tmp_path, "go2_parkour", *plain)
    source = find_policy(flags(f"--policy={run}", *own, f"--seed={GROUND_SEED}"), with_saved_terrain)
    env, _ = task_registry.make_env("go2_parkour", flags("--task=go2_parkour", *own), source.env_cfg)
    export_checkpoint(source, env, str(tmp_path / "exported"), only_onnx=True)
    env.use_part("commands", GivenCommands(env.velocity_commands)).give({"lin_vel_x": 0.6})
    policy = open_policy(str(tmp_path / "exported" / "policy.onnx"))
    robot = Robot(policy, World(robot_file_of(policy), trials.ground_of(policy)), TERMS)
    obs = env.reset()
    robot.start(env.env_origins[0].numpy(), {"lin_vel_x": 0.6})
    torch_policy = load_policy(source, env)
    for _ in range(12):
        for name, found in robot.observe().items():
            atol = 0.1 if name == "scan" else 2e-3
            np.testing.assert_allclose(found, obs[name][0].numpy(), atol=atol, err_msg=f"{name}, {robot.steps}")
        seen = {name: torch.as_tensor(value, dtype=torch.float32)[None] for name, value in robot.observe().items()}
        obs, _, dones, _ = env.step(torch_policy(seen))
        robot.step()
        assert not dones.any()
    env.close()


@pytest.fixture(scope="module")
def course():
    """The task and plain MuJoCo, on the competition course."""
    policy_file = os.path.join(POLICIES_DIR, COURSES[0], "policy.onnx")
    env, _ = make_nominal(policy_file, COURSES[0], "--env.hurdles.layout=competition")
    yield env, drive(policy_file)
    env.close()


@pytest.mark.parametrize(
    ("x", "y", "yaw"),
    [(3.3, 0.1, 0.2), (4.5, -0.2, 0.0), (7.2, 0.3, -0.3), (8.1, 0.0, 0.1), (9.2, 0.6, 0.0)],
)
def test_hurdles_are_seen_as_in_their_task(course, x, y, yaw):
    env, robot = course
    env.reset()
    state = env.root_states.clone()
    state[:, :2] = env.env_origins[:, :2] + torch.tensor([x, y])
    state[:, 3:7] = torch.tensor([0.0, 0.0, np.sin(yaw / 2), np.cos(yaw / 2)])
    env.sim.set_root_states(torch.arange(1), state)
    env._update_base()
    robot.start((x, y, 0.0))
    robot.data.qpos[2:7] = [float(state[0, 2]), np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2)]
    seen = robot.observe()
    scan = env._obs_scan()[0].clamp(-1.0, 1.0).numpy()
    assert (np.abs(seen["scan"] - scan) > 1e-3).mean() < 0.02  # but for rays that graze an edge
    np.testing.assert_allclose(seen["hurdles"], env._obs_hurdles()[0], atol=1e-5)
    np.testing.assert_allclose(seen["nearest"], env._obs_nearest()[0], atol=1e-5)
    goals = env._obs_yaw_errors()[0]  # from the first goal, whatever the place
    np.testing.assert_allclose(seen["proprioception"][5:8], goals, atol=1e-5)


def keys_of(value):
    """The layout of a description: its keys, with names of groups, terms and tasks' own commands left out."""
    if isinstance(value, list):
        return [keys_of(value[0])] if value else []
    return {key: keys_of(inner) for key, inner in value.items()} if isinstance(value, dict) else None


def test_all_shipped_policies_have_one_layout():
    layouts = set()
    for name in SHIPPED:
        description = open_policy(os.path.join(POLICIES_DIR, name, "policy.onnx")).description
        for own in ("memory", "inputs", "outputs", "observations", "actuator_net", "origin"):
            del description[own]
        for own in ("ranges", "heading", "clips", "min_norm", "heading_command"):
            description["commands"].pop(own, None)
        description.pop("terminations", None)  # of files that are older than it
        description.pop("motion", None)  # of who follows clips
        description.pop("predicted", None)  # of who sees by a camera where to go
        for joint in description["joints"]:
            joint.pop("stall_torque", None), joint.pop("no_load_speed", None)
        layouts.add(json.dumps(keys_of(description), sort_keys=True))
    assert len(layouts) == 1
