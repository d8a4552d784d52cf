"""The Go2 tasks: layouts, commands, latency, terminations, rewards, jumps, and the settings of the document."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.envs.base.base_config import Termination
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.go2.go2 import Go2
from legged_gym.envs.go2.go2_config import Go2RoughCfg
from legged_gym.envs.go2.go2_dynaflow_config import Go2Cfg, Go2CfgPPO
from legged_gym.envs.variants import for_evaluation
from legged_gym.errors import UserError
from legged_gym.utils.cli import get_args
from legged_gym.utils.options import CommandLine, read_cfg_file

JOINTS = [f"{leg}_{part}_joint" for leg in ("FR", "FL", "RR", "RL") for part in ("hip", "thigh", "calf")]
ANGLES = [0.0, 0.8, -1.5] * 2 + [0.0, 1.0, -1.5] * 2


def make_env(num_envs: int = 4, cfg: Any = None, **settings: Any) -> Go2:
    cfg = cfg or Go2Cfg()
    cfg.env.num_envs = num_envs
    cfg.sim.num_threads = 1
    for path, value in settings.items():
        cfg.set(path.replace("__", "."), value)
    env = Go2(cfg, sim="mujoco", seed=3)
    env.reset()
    return env


def actions(num_envs: int = 4) -> torch.Tensor:
    return 0.3 * torch.randn(num_envs, 12, generator=torch.Generator().manual_seed(0))


def tilted(roll: float, pitch: float, yaw: float) -> torch.Tensor:
    """Quaternion x, y, z, w of a turn by yaw, then pitch, then roll, degrees: the product of the three quaternions."""
    (sr, cr), (sp, cp), (sy, cy) = (
        (math.sin(math.radians(a) / 2), math.cos(math.radians(a) / 2)) for a in (roll, pitch, yaw)
    )
    return torch.tensor(
        [
            cy * cp * sr - sy * sp * cr,
            sy * cp * sr + cy * sp * cr,
            sy * cp * cr - cy * sp * sr,
            cy * cp * cr + sy * sp * sr,
        ]
    )


@pytest.mark.parametrize(
    ("layout", "blocks"),
    [
        ("dynaflow48", "ang_vel gravity commands height jump pos vel actions counter"),
        ("listed50", "lin_vel ang_vel gravity commands height jump pos vel actions"),
        ("velocity48", "lin_vel ang_vel gravity commands pos vel actions"),
    ],
)
def test_layouts_index_by_index(layout, blocks):
    env = make_env(env__obs_layout=layout)
    for _ in range(3):
        taken = actions()
        env.step(taken)
    env.height_commands[:] = torch.tensor([0.2, 0.3, 0.35, 0.4])
    env.jump_commands[:], env.jump_counter[:] = 0.6, torch.tensor([0, 10, 25, 50])
    env._assemble()
    velocities = env.root_states[:, 7:13].clone()
    quat = env.root_states[:, 3:7]
    x, y, z, w = quat.unbind(1)
    # the rows of the rotation matrix turned into the base frame: v_base = R^T v_world
    rotation = torch.stack(
        (
            torch.stack((1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)), 1),
            torch.stack((2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)), 1),
            torch.stack((2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)), 1),
        ),
        dim=1,
    )
    parts = {
        "lin_vel": 2.0 * torch.einsum("nji,nj->ni", rotation, velocities[:, :3]),
        "ang_vel": 0.25 * torch.einsum("nji,nj->ni", rotation, velocities[:, 3:]),
        "gravity": -rotation[:, 2],
        "commands": env.commands[:, :3] * torch.tensor([2.0, 2.0, 0.25]),
        "height": torch.tensor([[0.4], [0.6], [0.7], [0.8]]),
        "jump": torch.full((4, 1), 1.2),
        "pos": env.dof_pos - torch.tensor(ANGLES),
        "vel": 0.05 * env.dof_vel,
        "actions": taken,
        "counter": torch.tensor([[0.0], [0.2], [0.5], [1.0]]),
    }
    expected = torch.cat([parts[name] for name in blocks.split()], dim=1)
    width = int(layout[-2:])
    assert env.observation_dims == {"policy": (width,), "critic": (width + 3 * (layout == "dynaflow48"),)}
    torch.testing.assert_close(env.obs_buf["policy"], expected, atol=1e-5, rtol=1e-5)
    assert env.mirror_maps() is not None


def test_an_unknown_layout_is_refused():
    with pytest.raises(UserError, match=r"env.obs_layout is 'wide48': use dynaflow48, listed50, velocity48"):
        make_env(env__obs_layout="wide48")


def test_an_action_moves_the_joint_of_its_name_after_one_step_of_latency():
    """Hung up without gravity, each robot is given one action; its own joint goes to default + 0.3, the others stay."""
    hung = dict(asset__fix_base_link=True, asset__disable_gravity=True, init_state__pos=[0.0, 0.0, 1.0])
    env = make_env(12, control__action_delay=[1, 1], **hung)
    assert env.dof_names == JOINTS
    one_hot = torch.eye(12)
    env.step(one_hot)
    torch.testing.assert_close(env.dof_pos, torch.tensor(ANGLES).repeat(12, 1), atol=1e-3, rtol=0.0)
    env.step(one_hot)
    assert (env.dof_vel.diagonal() > 0.1).all()
    for _ in range(60):
        env.step(one_hot)
    moved = env.dof_pos - torch.tensor(ANGLES)
    # a joint that starts with a swing takes its neighbours along for a while; the rest is damped away
    torch.testing.assert_close(moved, 0.3 * one_hot, atol=0.04, rtol=0.0)


def test_commands_last_four_seconds_and_an_episode_begins_at_the_nominal_height():
    env = make_env(2, terminations__roll__threshold=180.0, terminations__pitch__threshold=90.0)
    assert (env.height_commands == 0.3).all()
    first = env.commands.clone()
    for step in range(1, 401):
        env.step(torch.zeros(2, 12))
        if step == 199:
            assert torch.equal(env.commands, first) and (env.height_commands == 0.3).all()
        if step == 200:
            second, heights = env.commands.clone(), env.height_commands.clone()
            assert (second[:, :3] != first[:, :3]).all() and (heights != 0.3).all()
        if step == 399:
            assert torch.equal(env.commands, second) and torch.equal(env.height_commands, heights)
    assert (env.commands[:, :3] != second[:, :3]).all()


def test_commands_are_drawn_from_the_documented_ranges():
    env = make_env(500, commands__initial_height=None)
    drawn = torch.cat((env.commands[:, :3], env.height_commands[:, None]), dim=1)
    low, high = torch.tensor([-1.0, -0.5, -0.6, 0.2]), torch.tensor([2.0, 0.5, 0.6, 0.4])
    assert (drawn >= low).all() and (drawn <= high).all()
    torch.testing.assert_close(drawn.amin(0), low, atol=0.03, rtol=0.0)
    torch.testing.assert_close(drawn.amax(0), high, atol=0.03, rtol=0.0)


def test_coupling_halves_velocities_at_the_middle_height():
    plain, coupled = (
        make_env(100, commands__initial_height=None, commands__height_velocity_coupling=on) for on in (False, True)
    )
    factor = 0.5 + 0.5 * (plain.height_commands - 0.3).abs() / 0.1
    torch.testing.assert_close(coupled.commands[:, :3], plain.commands[:, :3] * factor[:, None])


@pytest.mark.parametrize("yaw", [0.0, 130.0])
def test_tilt_beyond_ten_degrees_ends_the_episode(yaw):
    env = make_env(8)
    angles = [(9.9, 0), (10.1, 0), (-9.9, 0), (-10.1, 0), (0, 9.9), (0, 10.1), (0, -9.9), (0, -10.1)]
    states = env.root_states.clone()
    states[:, 3:7] = torch.stack([tilted(roll, pitch, yaw) for roll, pitch in angles])
    env.sim.set_root_states(torch.arange(8), states)
    env._update_base()
    env._check_termination()
    assert env.reset_buf.tolist() == [False, True] * 4
    assert not env.time_out_buf.any()


def test_height_is_rewarded_by_its_squared_error():
    env = make_env(3)
    states = env.root_states.clone()
    states[:, 2] = torch.tensor([0.2, 0.3, 0.38])
    env.sim.set_root_states(torch.arange(3), states)
    env.height_commands[:] = torch.tensor([0.2, 0.4, 0.3])
    torch.testing.assert_close(env._reward_base_height_command(), torch.tensor([0.0, 0.01, 0.0064]))
    assert env.reward_sum.scale_of("base_height_command") == pytest.approx(
        env.cfg.rewards.scales.base_height_command * 0.02
    )
    env.sim.set_dof_states(torch.arange(3), torch.tensor(ANGLES) - 0.1, torch.zeros(3, 12))
    torch.testing.assert_close(env._reward_similar_to_default(), torch.full((3,), 1.2))


def test_a_robot_that_is_told_nothing_does_not_fall():
    env = make_env(2)
    for _ in range(100):
        _, _, dones, _ = env.step(torch.zeros(2, 12))
        assert not dones.any()


def test_jumps_take_fifty_steps_and_suspend_four_penalties():
    env = make_env(64, commands__jump_fraction=0.05, rewards__scales__jump_landing=-1.0,
                   terminations__roll__threshold=180.0, terminations__pitch__threshold=90.0)  # fmt: skip
    counter = env.jump_counter.clone()
    for _ in range(130):
        env.step(torch.zeros(64, 12))
        begins = env.jump_commands > 0
        assert (counter[begins] <= 1).all() and (env.jump_counter[begins] == 50).all()
        assert torch.equal(env.jump_counter[~begins], (counter[~begins] - 1).clamp(min=0))
        assert ((env.jump_commands[begins] >= 0.5) & (env.jump_commands[begins] <= 0.7)).all()
        counter = env.jump_counter.clone()
    jumping = counter > 0
    assert 0 < jumping.sum() < 64
    for term in ("base_height_command", "lin_vel_z", "similar_to_default"):
        value = getattr(env, f"_reward_{term}")()
        assert (value[jumping] == 0).all() and (value[~jumping] > 0).all()


def test_rewards_of_a_jump_belong_to_their_phases():
    env = make_env(4)
    env.jump_counter[:] = torch.tensor([40, 20, 10, 0])
    env.jump_targets[:] = 0.5
    states = env.root_states.clone()
    states[:, 2], states[:, 9] = 0.4, 1.0
    env.sim.set_root_states(torch.arange(4), states)
    torch.testing.assert_close(env._reward_jump_height_tracking(), torch.tensor([0.0, math.exp(-0.01), 0.0, 0.0]))
    torch.testing.assert_close(env._reward_jump_height_achievement(), torch.tensor([0.0, 1.0, 0.0, 0.0]))
    torch.testing.assert_close(env._reward_jump_speed(), torch.tensor([0.0, 0.2 * math.e, 0.0, 0.0]))
    torch.testing.assert_close(env._reward_jump_landing(), torch.tensor([0.0, 0.0, 0.01, 0.0]))


def test_evaluation_draws_heights_from_the_first_step_on():
    cfg = Go2Cfg()
    for_evaluation(cfg)
    env = make_env(50, cfg)
    assert env.height_commands.std() > 0.02
    torch.testing.assert_close(env.height_errors(), env.root_states[:, 2] - env.height_commands)


def test_the_file_of_the_document_has_its_numbers():
    """Section "PPO" of the description of the task."""
    cfg, train = Go2Cfg(), Go2CfgPPO()
    values = read_cfg_file(f"{LEGGED_GYM_ROOT_DIR}/legged_gym/configs/go2_dynaflow.yaml")
    cfg.update(values["env"])
    train.update(values["train"])
    algorithm, policy, runner = (vars(getattr(train, name)) for name in ("algorithm", "policy", "runner"))
    assert cfg.env.num_envs == 4096
    assert {
        "clip_param": 0.2, "desired_kl": 0.01, "entropy_coef": 0.01, "gamma": 0.99, "lam": 0.95,
        "learning_rate": 0.001, "max_grad_norm": 1.0, "num_learning_epochs": 5, "num_mini_batches": 4,
        "schedule": "adaptive", "use_clipped_value_loss": True, "value_loss_coef": 1.0, "symmetry": "none",
        "min_learning_rate": 1e-5, "max_learning_rate": 1e-2, "entropy_schedule": "constant", "weight_decay": 0.0,
    }.items() <= algorithm.items()  # fmt: skip
    assert policy["actor_hidden_dims"] == policy["critic_hidden_dims"] == [512, 256, 128]
    assert (policy["activation"], policy["init_noise_std"]) == ("elu", 1.0)
    assert {"num_steps_per_env": 24, "save_interval": 100, "max_iterations": 10000}.items() <= runner.items()
    scales = {name: scale for name, scale in vars(cfg.rewards.scales).items() if scale}
    assert scales == {
        "tracking_lin_vel": 1.0, "tracking_ang_vel": 0.2, "lin_vel_z": -1.0, "base_height_command": -50.0,
        "action_rate": -0.005, "similar_to_default": -0.1,
    }  # fmt: skip
    assert cfg.rewards.tracking_sigma == 0.25 and not cfg.rewards.only_positive_rewards


def test_rough_terrain_needs_a_config_alone():
    cfg = Go2RoughCfg()
    cfg.env.num_envs, cfg.sim.num_threads = 2, 1
    cfg.terrain.num_rows = cfg.terrain.num_cols = 2
    cfg.terrain.border_size, cfg.terrain.max_init_terrain_level = 3.0, 0
    cfg.terrain.terrain_proportions = [1.0]  # slopes, of no steepness at level 0
    cfg.domain_rand.push_robots = False
    cfg.init_state.dof_pos_factor, cfg.init_state.max_random_vel = [1.0, 1.0], 0.0
    env = LeggedRobot(cfg, sim="mujoco", seed=3)
    assert env.reset()["policy"].shape == (2, 235)
    for _ in range(100):
        _, _, dones, _ = env.step(torch.zeros(2, 12))
        assert not dones.any()
    assert env.feet_contact.all()
    assert (env.projected_gravity[:, 2] < -0.99).all()


@pytest.mark.parametrize(
    ("argv", "path", "value"),
    [
        ("--num_envs 2048", "env.env.num_envs", 2048),
        ("-B 64", "env.env.num_envs", 64),
        ("--exp_name my_go2", "train.runner.experiment_name", "my_go2"),
        ("-e my_go2", "train.runner.experiment_name", "my_go2"),
        ("--max_iterations 5000", "train.runner.max_iterations", 5000),
        ("--device cpu --num_envs 512", "env.env.num_envs", 512),
        ("--xml-path /models/go2.xml", "env.asset.file", "/models/go2.xml"),
        ("--xml_path /models/go2.xml", "env.asset.file", "/models/go2.xml"),
        ("--asset=/models/go2.xml", "env.asset.file", "/models/go2.xml"),
        ("-e x -B 4096 --device cuda:0 --max_iterations 8000", "train.runner.max_iterations", 8000),
        ("--num_learning_epochs 3", "train.algorithm.num_learning_epochs", 3),
        ("--num_steps_per_env 12", "train.runner.num_steps_per_env", 12),
        ("--obs_layout listed50", "env.env.obs_layout", "listed50"),
    ],
)
def test_the_command_lines_of_the_document_reach_the_settings(argv, path, value):
    cfgs = {"env": Go2Cfg(), "train": Go2CfgPPO()}
    CommandLine.read(get_args(["--task=go2", *argv.split()])).apply(cfgs["env"], cfgs["train"])
    part, _, name = path.partition(".")
    assert cfgs[part].get(name) == value


def test_a_task_with_one_layout_has_no_choice_of_it():
    with pytest.raises(UserError, match="--obs_layout: this task has one layout"):
        CommandLine.read(get_args(["--obs_layout=listed50"])).apply(Go2RoughCfg())


def test_an_end_at_more_than_a_right_angle_never_comes():
    """No pitch angle exceeds 90 degrees and no lean pi; the sine of 100 degrees is that of 80."""
    cfg = Go2Cfg()
    cfg.terminations.pitch, cfg.terminations.tilt = Termination(threshold=100.0), Termination(threshold=4.0)
    env = make_env(2, cfg)
    env.projected_gravity = torch.tensor([[0.9999, 0.0, 0.0141], [0.0, 0.0, 1.0]])
    assert not env._termination_pitch().any() and not env._termination_tilt().any()
    env.cfg.terminations.pitch = Termination(threshold=80.0)
    assert env._termination_pitch().tolist() == [True, False]
