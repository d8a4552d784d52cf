"""How often a step waits for the device: on MuJoCo Warp, whose CPU device stands for a GPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from legged_gym import host
from legged_gym.envs.a1.a1_config import A1FlatCfg, A1RoughCfg
from legged_gym.envs.a1.a1_vision_config import A1VisionStudentCfg
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.vision.vision_robot import VisionRobot
from legged_gym.host import HostCopy, indices, on_host
from legged_gym.inspection.waits import Waits

pytest.importorskip("mujoco_warp")


@pytest.fixture(scope="module", params=[A1FlatCfg, A1RoughCfg])
def env(request):
    cfg = request.param()
    cfg.env.num_envs = 4
    cfg.update({"terrain": {"num_rows": 2, "num_cols": 2, "border_size": 2.0, "max_init_terrain_level": 1}})
    cfg.domain_rand.push_robots, cfg.domain_rand.push_interval_s = True, 0.04
    cfg.commands.resampling_time, cfg.commands.standing_fraction = 0.06, 0.5
    env = LeggedRobot(cfg, sim="mujoco_warp", device="cpu", seed=1)
    env.reset()
    for _ in range(3):
        env.step(torch.zeros(4, 12))
    return env


def test_a_camera_waits_once_more():
    cfg = A1VisionStudentCfg()
    cfg.env.num_envs = 4
    cfg.depth_camera.image_shape, cfg.depth_camera.noise.edge_noise = [6, 8], 0.0
    cfg.update({"terrain": {"num_rows": 2, "num_cols": 2, "border_size": 2.0, "max_init_terrain_level": 1}})
    cfg.domain_rand.every_episode, cfg.domain_rand.widen_over = False, None
    env = VisionRobot(cfg, sim="mujoco_warp", device="cpu", seed=1)
    env.reset()
    for _ in range(3):
        env.step(torch.zeros(4, 12))
    for ended in (0, 2, 0, 0, 1, 0):
        env.episode_length_buf[:ended] = env.max_episode_length
        with Waits() as waits:
            env.step(torch.zeros(4, 12))
        assert waits.seen == {"cpu": 3}


@pytest.mark.parametrize("ended", [0, 2])
def test_a_step_waits_twice(env, ended):
    """With pushes, new commands, and with or without episodes that end."""
    for _ in range(3):  # of each kind at least one
        env.episode_length_buf[:ended] = env.max_episode_length
        actions = torch.zeros(4, 12)
        with Waits() as waits:
            _, _, dones, _ = env.step(actions)
        assert dones.sum() == ended
        assert waits.seen == {"cpu": 2}


def test_a_failure_may_wait_more_often(env):
    env.sim.set_dof_states(torch.tensor([1]), torch.full((1, 12), torch.nan), torch.zeros(1, 12))
    with Waits() as waits:
        _, _, dones, extras = env.step(torch.zeros(4, 12))
    assert dones.tolist() == [False, True, False, False] and extras["counts"]["failed_envs"] == 1
    assert sum(waits.seen.values()) > 2


def test_the_counter_counts():
    mask, values = torch.tensor([True, False]), torch.zeros(2)
    with Waits() as waits:
        values[mask] = 1.0
        bool(mask.any())
        torch.nonzero(mask)
        on_host(mask)
        indices(np.array([True]), "cpu")
        values[torch.arange(2)] = 0.0
    assert waits.seen == {"index_put_": 1, "_local_scalar_dense": 1, "nonzero": 1, "cpu": 1} and waits.total == 4
    cpu = torch.Tensor.cpu
    with Waits():
        assert torch.Tensor.cpu is not cpu
    assert torch.Tensor.cpu is cpu


def test_a_host_copy_is_made_anew_when_the_tensor_was_written_to(monkeypatch):
    copies = []
    monkeypatch.setattr(host, "on_host", lambda *tensors: copies.append(1) or on_host(*tensors))
    ages, copy = torch.tensor([1, 2]), HostCopy()
    assert copy.of(ages).tolist() == copy.of(ages).tolist() == [1, 2] and len(copies) == 1
    ages[torch.tensor([1])] = 0
    assert copy.of(ages).tolist() == [1, 0] and len(copies) == 2
    copy.know(ages, np.array([3, 3]))
    assert copy.of(ages).tolist() == [3, 3] and len(copies) == 2
    assert copy.of(ages.clone()).tolist() == [1, 0]
    with torch.inference_mode():
        fresh = ages + 1
        assert copy.of(fresh).tolist() == [2, 1]
        fresh += 1
        assert copy.of(fresh).tolist() == [3, 2]
