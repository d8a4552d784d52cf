"""Exported drives compute what the drives of the environment compute, sub-step by sub-step, memory included."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Tuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from legged_gym.actuators.files import METADATA_FILE, load_actuator, save_network, save_script
from legged_gym.actuators.networks import NetworkSpec, build_network
from legged_gym.policies.export import export_actuator
from legged_gym.sim2sim.network import Network

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.* is deprecated:DeprecationWarning")

DT, JOINTS = 0.005, 3
MLP = NetworkSpec("mlp", [6, 5], "elu", 3, 2 * DT, 0.2, 3.0, 10.0)
LSTM = NetworkSpec("lstm", [8, 8], "softsign", 1, DT, 0.2, 3.0, 10.0)
MOTOR = {"stiffness": 20.0, "damping": 0.5, "current_lag": 0.01, "coulomb_friction": 1.0}


class Other(nn.Module):
    """A network of another program."""

    def forward(self, x: Tensor, state: Tuple[Tensor, Tensor]) -> Tuple[Tensor, Tuple[Tensor, Tensor]]:
        return x[:, 0].sum(1, keepdim=True) + torch.special.i1(x[:, 0, :1]), state  # ONNX has no Bessel functions


def write(kind, folder):
    """An actuator file of a kind."""
    path = str(folder / ("drive.json" if "motor" in kind else "drive.pt"))
    if "motor" in kind:
        values = {**MOTOR, "delay": 2, "stall_torque": 30.0, "no_load_speed": 20.0} if kind == "late motor" else MOTOR
        (folder / "drive.json").write_text(json.dumps(values))
    elif kind == "other":
        metadata = json.dumps({"type": "lstm", "hidden_sizes": [2]})
        torch.jit.save(torch.jit.script(Other()), path, {METADATA_FILE: metadata})
    else:
        spec = LSTM if "lstm" in kind else MLP
        (save_script if "script" in kind else save_network)(path, build_network(spec), spec)
    return path


def env_with(path):
    control = SimpleNamespace(actuator_net_file=path)
    return SimpleNamespace(cfg=SimpleNamespace(control=control), sim=SimpleNamespace(sim_dt=DT), num_actions=JOINTS)


@pytest.mark.parametrize("kind", ["mlp", "lstm", "script mlp", "script lstm", "motor", "late motor"])
def test_a_file_of_drives_follows_them(kind, tmp_path):
    path = write(kind, tmp_path)
    content, entry = export_actuator(env_with(path))
    (tmp_path / "actuator.onnx").write_bytes(content)
    exported, drives = Network(str(tmp_path / "actuator.onnx")), load_actuator(path, DT, 1, JOINTS)
    for _ in range(40):
        errors, velocities = torch.randn(2, 1, JOINTS)
        torque = exported({"error": errors[0].numpy(), "velocity": velocities[0].numpy()})
        np.testing.assert_allclose(torque, drives.torques(errors, velocities)[0].numpy(), atol=1e-4)
    assert np.abs(torque).max() > 0.01
    assert [name["name"] for name in entry["inputs"]][:2] == ["error", "velocity"]
    assert entry["source"]["file"] == path


def test_drives_that_onnx_cannot_express_are_named_and_left_out(tmp_path, capsys):
    content, entry = export_actuator(env_with(write("other", tmp_path)))
    assert (content, entry["file"], entry["sha256"]) == (None, None, None)
    assert entry["source"]["file"].endswith("drive.pt")
    out = capsys.readouterr().out
    assert out.startswith("warning: ") and "drive.pt" in out and out.count("\n") == 1
