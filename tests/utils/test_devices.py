"""Devices and engines, with the hardware that PyTorch reports made up."""

from __future__ import annotations

import importlib.util
import random

import numpy as np
import pytest
import torch

from legged_gym.errors import UserError
from legged_gym.utils import devices
from legged_gym.utils.cli import get_args
from legged_gym.utils.options import CommandLine
from rsl_rl.utils.distributed import Distributed


def options(argv):
    return CommandLine.read(get_args(argv.split())).options


@pytest.fixture
def machine(monkeypatch):
    """A function that pretends to a number of GPUs, with or without MuJoCo Warp."""

    def pretend(gpus, warp=True):
        monkeypatch.delenv("WORLD_SIZE", raising=False)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if warp else None)

    return pretend


@pytest.mark.parametrize(
    ("gpus", "warp", "argv", "expected"),
    [
        (0, True, "", ("mujoco", "cpu", "cpu")),
        (1, True, "", ("mujoco_warp", "cuda:0", "cuda:0")),
        (1, False, "", ("mujoco", "cpu", "cuda:0")),
        (1, True, "--sim=mujoco", ("mujoco", "cpu", "cuda:0")),
        (1, True, "--sim_device=cpu", ("mujoco", "cpu", "cuda:0")),
        (1, True, "--rl_device=cpu", ("mujoco_warp", "cuda:0", "cpu")),
        (2, True, "--rl_device=cuda:1 --sim_device=cuda", ("mujoco_warp", "cuda:0", "cuda:1")),
        (0, True, "--sim=mujoco_warp", ("mujoco_warp", "cpu", "cpu")),
        (1, True, "--device=cpu", ("mujoco", "cpu", "cpu")),
        (2, True, "--device=cuda:1", ("mujoco_warp", "cuda:1", "cuda:1")),
        (2, False, "--device=cuda:1", ("mujoco", "cpu", "cuda:1")),
        (2, True, "--device=cuda:1 --sim=mujoco", ("mujoco", "cpu", "cuda:1")),
        (2, True, "--device=cuda:1 --rl_device=cpu", ("mujoco_warp", "cuda:1", "cpu")),
        (0, True, "--device=cuda:0", ("mujoco", "cpu", "cpu")),
    ],
)
def test_defaults_take_the_gpu_if_there_is_one(machine, gpus, warp, argv, expected):
    machine(gpus, warp)
    settled = devices.resolve_devices(options(argv))
    assert (settled.sim, settled.sim_device, settled.rl_device) == expected
    assert devices.resolve_devices(settled) is settled


@pytest.mark.parametrize(
    ("gpus", "warp", "argv", "message"),
    [
        (0, True, "--rl_device=cuda:0", "--rl_device=cuda:0: there is no such GPU, PyTorch sees no GPU; use cpu"),
        (0, True, "--sim_device=cuda", "--sim_device=cuda: there is no such GPU"),
        (2, True, "--rl_device=cuda:2", "PyTorch sees 2 (cuda:0 .. cuda:1)"),
        (1, True, "--rl_device=gpu", "--rl_device=gpu: expected cpu, cuda or cuda:<number>"),
        (1, True, "--sim=mujoco --sim_device=cuda:0", "--sim=mujoco computes on the CPU"),
        (1, False, "--sim=mujoco_warp", "it is not installed"),
        (1, False, "--sim_device=cuda:0", "it is not installed"),
        (2, True, "--multi_gpu", "torchrun --nproc_per_node=<GPUs>"),
    ],
)
def test_what_is_not_there_is_told(machine, gpus, warp, argv, message):
    machine(gpus, warp)
    with pytest.raises(UserError) as caught:
        devices.resolve_devices(options(argv))
    assert message in str(caught.value)


def test_a_missing_gpu_is_made_up_for_with_a_warning(machine, capsys):
    machine(0)
    devices.resolve_devices(devices.resolve_devices(options("--device=cuda:0")))
    assert capsys.readouterr().out.count("warning: --device=cuda:0: PyTorch sees no GPU") == 1


def test_each_process_of_a_group_takes_its_own_gpu(machine, monkeypatch):
    machine(4)
    group = Distributed("cuda:2", rank=2, local_rank=2, world_size=4)
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setattr(Distributed, "from_environment", classmethod(lambda cls, device: group))
    settled = devices.resolve_devices(options("--multi_gpu --rl_device=cuda:0"))
    assert settled.distributed is group
    assert (settled.sim_device, settled.rl_device) == ("cuda:2", "cuda:2")


def test_seeding_repeats_all_three_generators():
    def draw():
        devices.set_seed(7)
        return random.random(), float(np.random.rand()), float(torch.rand(()))

    assert draw() == draw()


def test_deterministic_asks_torch_for_it(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    try:
        devices.set_seed(1, deterministic=True)
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
        monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)


def test_a_drawn_seed_is_printed(capsys):
    seed = devices.draw_seed(Distributed())
    assert 0 <= seed <= 9999
    assert str(seed) in capsys.readouterr().out
