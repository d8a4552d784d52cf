"""Actuator files: what is written can be read, both forms agree, and what is wrong is told in one line."""

from __future__ import annotations

import json
from typing import Tuple

import pytest
import torch
from torch import Tensor, nn

from legged_gym.actuators.files import METADATA_FILE, load_actuator, save_network, save_script
from legged_gym.actuators.motor_model import MotorModel
from legged_gym.actuators.networks import NetworkSpec, build_network
from legged_gym.errors import UserError

DT = 0.005
SPECS = {
    "mlp": NetworkSpec("mlp", [6, 5], "elu", 3, DT, 0.2, 3.0, 10.0),
    "lstm": NetworkSpec("lstm", [8, 8], "softsign", 1, DT, 0.2, 3.0, 10.0),
}


def drive(path, steps=6):
    """Torques (T, N, D) for random errors and velocities."""
    drives = load_actuator(str(path), DT, 2, 3)
    generator = torch.Generator().manual_seed(0)
    errors, velocities = torch.randn(2, steps, 2, 3, generator=generator)
    return torch.stack([drives.torques(e, v) for e, v in zip(errors, velocities)])


@pytest.mark.parametrize("kind", ["mlp", "lstm"])
def test_weights_and_torchscript_of_a_network_drive_alike(kind, tmp_path):
    network = build_network(SPECS[kind])
    save_network(str(tmp_path / "weights.pt"), network, SPECS[kind])
    save_script(str(tmp_path / "script.pt"), network, SPECS[kind])
    torques = drive(tmp_path / "weights.pt")
    assert torch.allclose(torques, drive(tmp_path / "script.pt"), atol=1e-6)
    assert torques.std() > 0.01


class AnymalLike(nn.Module):
    """An LSTM with the interface that legged_gym calls, of another program."""

    def __init__(self):
        super().__init__()
        self.memory = nn.LSTM(input_size=2, hidden_size=8, num_layers=2, batch_first=True)
        self.head = nn.Linear(8, 1)

    def forward(self, x: Tensor, state: Tuple[Tensor, Tensor]) -> Tuple[Tensor, Tuple[Tensor, Tensor]]:
        out, state = self.memory(x, state)
        return 20.0 * self.head(out[:, -1]).squeeze(1), state


def test_an_lstm_of_legged_gym_needs_no_metadata(tmp_path):
    network = AnymalLike()
    torch.jit.script(network).save(str(tmp_path / "anymal.pt"))
    torques = drive(tmp_path / "anymal.pt")
    state = (torch.zeros(2, 6, 8), torch.zeros(2, 6, 8))
    errors, velocities = torch.randn(2, 6, 2, 3, generator=torch.Generator().manual_seed(0))
    for k in range(6):
        rows = torch.stack((errors[k].flatten(), velocities[k].flatten()), dim=1)[:, None]
        expected, state = network(rows, state)
        assert torch.allclose(torques[k].flatten(), expected, atol=1e-6)


def test_a_json_file_is_a_motor(tmp_path):
    path = tmp_path / "motor.json"
    path.write_text(json.dumps({"stiffness": 20.0, "damping": 0.5}))
    assert isinstance(load_actuator(str(path), DT, 2, 3), MotorModel)
    path.write_text(json.dumps({"stiffness": 20.0, "dampling": 0.5}))
    with pytest.raises(UserError, match="must hold stiffness, damping"):
        load_actuator(str(path), DT, 2, 3)


class NoMemory(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x


def weights(**changes):
    spec = SPECS["mlp"]
    content = {"format": "actuator_net", "metadata": spec.to_dict(), "state_dict": build_network(spec).state_dict()}
    return {**content, **changes}


def broken_weights():
    network = build_network(SPECS["mlp"])
    network.layers[0].weight.data[0, 0] = float("nan")
    return weights(state_dict=network.state_dict())


def wrong_width():
    return weights(metadata={**SPECS["mlp"].to_dict(), "history": 2})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda: build_network(SPECS["mlp"]).state_dict(), "weights without metadata"),
        (lambda: torch.zeros(3), "weights without metadata"),
        (wrong_width, "weights are not those of its metadata: size mismatch for layers.0.weight"),
        (lambda: weights(state_dict={}), "weights are not those of its metadata"),
        (broken_weights, "gives .*nan.* N m"),
    ],
)
def test_weights_that_do_not_work_are_refused_in_one_line(content, message, tmp_path):
    torch.save(content(), tmp_path / "net.pt")
    with pytest.raises(UserError, match=message) as error:
        load_actuator(str(tmp_path / "net.pt"), DT, 2, 3)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("module", "metadata", "message"),
    [
        (NoMemory(), None, "without an LSTM and without metadata"),
        (NoMemory(), {"type": "mlp", "history": 3}, "cannot be called as an actuator mlp"),
        (AnymalLike(), {"type": "mlp", "history": 3}, "cannot be called as an actuator mlp"),
        (build_network(SPECS["mlp"]), {"type": "mlp", "history": 2}, "cannot be called as an actuator mlp"),
        (NoMemory(), {"type": "lstm", "hidden_sizes": [8]}, "cannot be called as an actuator lstm"),
    ],
)
def test_torchscript_of_another_interface_is_refused_in_one_line(module, metadata, message, tmp_path):
    extra = {} if metadata is None else {METADATA_FILE: json.dumps(metadata)}
    torch.jit.save(torch.jit.script(module), str(tmp_path / "net.pt"), _extra_files=extra)
    with pytest.raises(UserError, match=message) as error:
        load_actuator(str(tmp_path / "net.pt"), DT, 2, 3)
    assert "\n" not in str(error.value)


def test_a_missing_and_a_damaged_file_are_told_apart(tmp_path):
    with pytest.raises(UserError, match=r"no actuator file at .*nowhere\.pt"):
        load_actuator(str(tmp_path / "nowhere.pt"), DT, 2, 3)
    (tmp_path / "cut.pt").write_bytes(b"not a network")
    with pytest.raises(UserError, match=r"actuator network '.*cut\.pt' is no file of torch\.save, or damaged"):
        load_actuator(str(tmp_path / "cut.pt"), DT, 2, 3)
    (tmp_path / "cut.pt").write_bytes(b"")
    with pytest.raises(UserError, match="is damaged or cut short"):
        load_actuator(str(tmp_path / "cut.pt"), DT, 2, 3)


@pytest.mark.parametrize("save", [save_network, save_script])
def test_one_flipped_bit_in_a_weight_is_found(save, tmp_path):
    network = build_network(SPECS["mlp"])
    save(str(tmp_path / "net.pt"), network, SPECS["mlp"])
    content = bytearray((tmp_path / "net.pt").read_bytes())
    content[content.index(network.layers[0].weight.detach().numpy().tobytes()) + 5] ^= 1
    (tmp_path / "net.pt").write_bytes(bytes(content))
    with pytest.raises(UserError, match=r"bad checksum|Bad CRC"):
        load_actuator(str(tmp_path / "net.pt"), DT, 2, 3)


@pytest.mark.parametrize("metadata", ["{", "[1]", '{"type": "mlp", "history": "3"}', "[" * 5000])
def test_metadata_that_is_none_is_one_line(metadata, tmp_path):
    script = torch.jit.script(build_network(SPECS["mlp"]))
    torch.jit.save(script, str(tmp_path / "net.pt"), _extra_files={METADATA_FILE: metadata})
    with pytest.raises(UserError, match=r"net\.pt") as error:
        load_actuator(str(tmp_path / "net.pt"), DT, 2, 3)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_sizes": [6.5]}, r"hidden_sizes\[0\]: expected a whole number, got 6.5"),
        ({"hidden_sizes": 6}, "hidden_sizes: expected a list like .*, got 6"),
        ({"history": True}, "history: expected a whole number, got True"),
        ({"torque_scale": float("nan")}, "torque_scale: expected a number, got nan"),
        ({"error_scale": 0.0}, "error_scale: expected a number above 0, got 0.0"),
        ({"sample_interval": float("inf")}, "sample_interval: expected a finite number, got inf"),
        ({"sample_interval": "0.005"}, "sample_interval: expected a number, got '0.005'"),
    ],
)
def test_metadata_with_values_that_cannot_be_is_refused(changes, message):
    with pytest.raises(UserError, match=message):
        NetworkSpec.from_dict({**SPECS["mlp"].to_dict(), **changes})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"stiffness": NaN, "damping": 1}', "stiffness: expected a number, got nan"),
        ('{"stiffness": 20, "damping": -1}', "damping: expected a number from 0 to 1000000000 .*, got -1"),
        ('{"stiffness": 20, "damping": Infinity}', "damping: expected a finite number, got inf"),
        ('{"stiffness": 20, "damping": 1, "coulomb_friction": -1}', "coulomb_friction: expected a number from 0"),
        ('{"stiffness": 1e300, "damping": 1}', "stiffness: expected a number from 0 to 1000000000"),
        ('{"stiffness": true, "damping": 1}', "stiffness: expected a number, got True"),
        ('{"stiffness": "20", "damping": 1}', "stiffness: expected a number, got '20'"),
        ('{"stiffness": 20, "damping": 1, "delay": 2000}', "delay: expected a whole number from 0 to 1000"),
        ('{"stiffness": ' + "9" * 310 + ', "damping": 1}', r"motor\.json: "),
        ("[" * 5000, "nested too deeply"),
    ],
)
def test_motors_that_cannot_be_are_refused(text, message, tmp_path):
    (tmp_path / "motor.json").write_text(text)
    with pytest.raises(UserError, match=message) as error:
        load_actuator(str(tmp_path / "motor.json"), DT, 2, 3)
    assert "motor.json" in str(error.value) and "\n" not in str(error.value)


def test_a_motor_file_from_windows_is_read(tmp_path):
    (tmp_path / "motor.json").write_text('{"stiffness": 20, "damping": 1}', encoding="utf-8-sig")
    assert load_actuator(str(tmp_path / "motor.json"), DT, 2, 3).parameters.stiffness == 20


def test_the_shipped_network_works_and_is_small():
    path = "{LEGGED_GYM_ROOT_DIR}/resources/actuator_nets/a1.pt"
    drives = load_actuator(path, DT, 1, 2)
    for _ in range(20):
        torques = drives.torques(torch.tensor([[0.0, 0.1]]), torch.zeros(1, 2))
    # at rest, once delay and lag are over, the motor gives Kp times the error: 20 N m/rad
    assert torques[0, 0].abs() < 0.3 and torques[0, 1] == pytest.approx(2.0, abs=0.3)
