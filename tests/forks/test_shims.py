"""When forks pay for the translation of devices."""

from __future__ import annotations

import pytest
import torch

from legged_gym.forks import shims


@pytest.fixture
def translated(monkeypatch):
    entered = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(shims._CudaIsCpu, "__enter__", lambda mode: entered.append(mode))
    for owner, names in (
        (torch, ["load"]),
        (torch.jit, ["load"]),
        (torch.cuda, ["synchronize", "empty_cache", "set_device"]),
    ):
        for name in names:
            monkeypatch.setattr(owner, name, getattr(owner, name))
    return entered


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('x = torch.zeros(3, device="cuda:0")', True),
        ("def f(x, device='cuda'): pass", True),
        ("x.cuda()", True),
        ("y = x.to('cuda:0')", True),
        ("if device.type == 'cuda': pass", False),
        ('{"name": "--rl_device", "default": "cuda:0"}', False),
    ],
)
def test_only_forks_that_name_devices_themselves(tmp_path, translated, line, named):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "task.py").write_text(line)
    assert ("cuda devices as the CPU" in shims._devices([str(tmp_path)])) == named == bool(translated)


def test_devices_and_files_come_to_the_cpu(tmp_path, translated):
    assert shims._there("cuda:1") == shims._there(torch.device("cuda")) == torch.device("cpu")
    assert shims._there(torch.float32) is torch.float32 and shims._there("cpu") == "cpu" and shims._there(1) == 1
    torch.save(torch.ones(2), tmp_path / "x.pt")
    shims._devices([])
    assert torch.load(tmp_path / "x.pt", "cuda:0").device.type == "cpu"
