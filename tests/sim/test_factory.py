"""Which backend is made, and what is said when it cannot be; no GPU and no missing package is needed."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
import torch

from legged_gym.envs.base.world import sim_spec
from legged_gym.errors import UserError
from legged_gym.sim import factory
from legged_gym.sim.factory import make_simulator
from legged_gym.sim.mujoco_cpu import MujocoCpuSimulator, num_cpus
from tests.sim.worlds import a1_cfg

A1_SPEC = sim_spec(a1_cfg())


@pytest.fixture
def machine(monkeypatch):
    """Pretends to a machine with or without a GPU and MuJoCo Warp, whose simulator only notes what it was given."""

    def pretend(gpu, warp=True):
        module = ModuleType("legged_gym.sim.mujoco_warp")
        module.MujocoWarpSimulator = lambda *args: ("mujoco_warp", args[2], args[3])
        monkeypatch.setitem(sys.modules, "legged_gym.sim.mujoco_warp", module)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
        monkeypatch.setattr(factory.importlib.util, "find_spec", lambda name: object() if warp else None)

    return pretend


def test_auto_takes_the_gpu_if_it_can(machine):
    machine(gpu=True)
    assert make_simulator(A1_SPEC, 1, deterministic=True) == ("mujoco_warp", "cuda", True)
    assert make_simulator(A1_SPEC, 1, device="cuda:1") == ("mujoco_warp", "cuda:1", False)


@pytest.mark.parametrize(("gpu", "warp", "device"), [(False, True, None), (True, False, None), (True, True, "cpu")])
def test_auto_takes_the_cpu_otherwise(machine, gpu, warp, device):
    machine(gpu, warp)
    assert isinstance(make_simulator(A1_SPEC, 1, device=device), MujocoCpuSimulator)


def test_warp_on_a_cpu(machine):
    machine(gpu=False)
    assert make_simulator(A1_SPEC, 1, sim="mujoco_warp") == ("mujoco_warp", "cpu", False)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mujoco_wrap", "unknown simulator 'mujoco_wrap'; did you mean mujoco_warp"),
        ("physx", "unknown simulator 'physx'; known: auto, isaacgym, mujoco, mujoco_warp"),
    ],
)
def test_unknown_names(name, message):
    with pytest.raises(UserError, match=message.replace("?", "[?]")):
        make_simulator(A1_SPEC, 1, sim=name)


def test_cuda_without_a_gpu(machine):
    machine(gpu=False)
    with pytest.raises(UserError, match="no CUDA GPU here; use device cpu"):
        make_simulator(A1_SPEC, 1, device="cuda:0")


def test_the_cpu_engine_on_a_gpu(machine):
    machine(gpu=True)
    with pytest.raises(UserError, match="--sim=mujoco computes on the CPU, not on cuda:0"):
        make_simulator(A1_SPEC, 1, sim="mujoco", device="cuda:0")


def test_warp_that_is_not_installed(machine):
    machine(gpu=True, warp=False)
    with pytest.raises(UserError, match=r"--sim=mujoco_warp: it is not installed; pip install"):
        make_simulator(A1_SPEC, 1, sim="mujoco_warp")


def test_old_mujoco(monkeypatch):
    monkeypatch.setattr(factory.metadata, "version", lambda name: "3.3.1")
    with pytest.raises(UserError, match=r"MuJoCo 3\.3\.1 is too old, 4\.0 is needed"):
        make_simulator(A1_SPEC, 1, sim="mujoco")


def test_no_mujoco(monkeypatch):
    def missing(name):
        raise factory.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(factory.metadata, "version", missing)
    with pytest.raises(UserError, match="MuJoCo is not installed: pip install"):
        make_simulator(A1_SPEC, 1)


@pytest.mark.parametrize("processes", ["0", "x", ""])
def test_a_number_of_processes_that_is_none_is_a_mistake(monkeypatch, processes):
    monkeypatch.setenv("LOCAL_WORLD_SIZE", processes)
    with pytest.raises(UserError, match="LOCAL_WORLD_SIZE is"):
        num_cpus()


def test_without_nvidia_s_package_one_line_says_so():
    with pytest.raises(UserError, match="--sim=isaacgym: there is no package isaacgym here; install NVIDIA's"):
        factory.choose("isaacgym", "cpu")
