"""Play: the account of rewards, episodes and falls, and the curves."""

from __future__ import annotations

from types import SimpleNamespace

import imageio.v2 as imageio
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from legged_gym.envs.a1.a1_config import A1FlatCfg
from legged_gym.envs.variants import for_play, with_given_commands
from legged_gym.playing.driving import Command, Script
from legged_gym.playing.player import Player, robot_to_watch
from legged_gym.playing.plots import draw_plots, save_plots
from legged_gym.policies.export import export_checkpoint
from legged_gym.policies.policy_io import find_policy, load_policy
from legged_gym.utils.task_registry import task_registry
from tests.policies.tiny_run import flags, make_env, make_run


class RandomPolicy:
    """Random actions; notes which robots it was told to forget."""

    def __init__(self):
        self.forgotten = []

    def __call__(self, obs):
        return 3.0 * torch.randn(len(obs["policy"]), 12)

    def reset(self, dones=None):
        self.forgotten.append(dones)


@pytest.fixture
def env():
    cfg = A1FlatCfg()
    for_play(cfg, 3)
    with_given_commands(cfg)
    cfg.env.episode_length_s = 0.5
    cfg.rewards.only_positive_rewards = False
    env, _ = task_registry.make_env("a1_flat", env_cfg=cfg)
    yield env
    env.close()


def test_the_robot_to_watch_stands_on_obstacles():
    levels, types = torch.tensor([0, 1, 0]), torch.tensor([0, 1, 1])
    names = [["lane_flat", "lane_gaps"], ["lane_stairs", "lane_flat"]]
    terrain = SimpleNamespace(finish_x=np.ones((2, 2)), tile_types=names)
    env = SimpleNamespace(terrain=terrain, terrain_levels=levels, terrain_types=types)
    assert robot_to_watch(env) == 2
    terrain.tile_types = [["lane_flat"] * 2] * 2
    assert robot_to_watch(env) == 0
    terrain.finish_x[:] = np.nan
    assert robot_to_watch(env) == 0
    env.terrain = None
    assert robot_to_watch(env) == 0


@pytest.mark.parametrize("path", ["", "exported/policy.onnx"])
def test_what_a_policy_reads(tmp_path, path):
    run = make_run(tmp_path)
    source = find_policy(flags(f"--policy={run}"))
    env = make_env(source)
    export_checkpoint(source, env, only_onnx=True)
    source = find_policy(flags(f"--policy={run}/{path}"))
    assert load_policy(source, env).groups == ["policy"]
    env.close()


def test_mean_rewards_add_up_to_what_the_environment_paid(env):
    """Through ends of episodes and a reset: the sum of all terms is the sum of all rewards."""
    player, paid, ended, falls = Player(env, RandomPolicy()), 0.0, 0, 0
    for step in range(60):
        player.step()
        paid += float(env.rew_buf.sum())
        ended += int(env.reset_buf.sum())
        falls += int((env.reset_buf & ~env.time_out_buf).sum())
        if step == 20:
            player.reset()
    assert (player.steps, player.episodes, player.falls) == (60, ended, falls)
    assert ended >= 3
    assert player.time == pytest.approx(1.2)
    assert sum(player.mean_rewards().values()) == pytest.approx(paid / (3 * 1.2), rel=1e-4)


def test_the_policy_is_told_what_ended(env):
    policy = RandomPolicy()
    player = Player(env, policy)
    for _ in range(30):
        player.step()
        assert torch.equal(policy.forgotten[-1], env.reset_buf)
    player.reset()
    assert policy.forgotten[-1] is None


def test_the_driver_gives_the_commands(env):
    script = Script([(0.1, Command(0.5, 0.0, 0.0, "walk")), (9.0, Command(0.0, 0.0, 0.4, "turn"))])
    player = Player(env, RandomPolicy(), script)
    assert env.commands[:, 0].tolist() == [0.5] * 3
    labels = []
    for _ in range(8):
        player.step()
        labels.append(player.command.label)
    assert labels == ["walk"] * 5 + ["turn"] * 3
    assert env.commands[0, :3].tolist() == pytest.approx([0.0, 0.0, 0.4])


def test_the_log_is_the_state_and_has_gaps_where_episodes_end(env):
    player = Player(env, RandomPolicy())
    expected, ended = [], []
    for _ in range(60):
        player.step()
        expected.append(env.dof_pos[0].numpy().astype(float))
        ended.append(bool(env.reset_buf[0]))
    data = player.log.arrays()
    assert data["time"][:, 0] == pytest.approx(0.02 * np.arange(1, 61))
    assert sum(ended) >= 1
    for row, state, end in zip(data["dof_pos"], expected, ended):
        assert np.isnan(row).all() if end else np.array_equal(row, state)
    assert data["force"].shape == (60, 4)


def test_plots_are_a_picture(env, tmp_path):
    player = Player(env, RandomPolicy())
    player.step()
    draw_plots(Figure(), player.log, env, "a single step")
    for _ in range(40):
        player.step()
    save_plots(player.log, env, str(tmp_path / "plots.png"), "title")
    picture = imageio.imread(tmp_path / "plots.png")
    assert picture.shape[:2] == (1000, 1600)
    assert len(np.unique(picture.reshape(-1, picture.shape[2]), axis=0)) > 20
