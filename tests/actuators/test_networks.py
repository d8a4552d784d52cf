"""Actuator networks against arithmetic by hand: inputs in order, memories, resets."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from legged_gym.actuators.networks import LSTMActuator, MLPActuator, NetworkSpec, build_network
from legged_gym.errors import UserError

DT = 0.005


def mlp(spec, num_envs=2, num_joints=3, dt=DT):
    return MLPActuator(build_network(spec), spec, dt, num_envs, num_joints)


def signals(steps, num_envs=2, num_joints=3):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, steps, num_envs, num_joints, generator=generator)


def test_a_small_network_gives_what_its_formula_gives():
    spec = NetworkSpec("mlp", [2], "softsign", 1, None, error_scale=0.5, velocity_scale=4.0, torque_scale=10.0)
    network = build_network(spec)
    network.load_state_dict(
        {
            "layers.0.weight": torch.tensor([[1.0, 2.0], [-3.0, 0.5]]),
            "layers.0.bias": torch.tensor([0.1, -0.2]),
            "layers.2.weight": torch.tensor([[2.0, -1.0]]),
            "layers.2.bias": torch.tensor([0.3]),
        }
    )
    torque = MLPActuator(network, spec, DT, 1, 1).torques(torch.tensor([[0.2]]), torch.tensor([[-2.0]]))
    e, v = 0.2 / 0.5, -2.0 / 4.0
    hidden = [x / (1 + abs(x)) for x in (e + 2 * v + 0.1, -3 * e + 0.5 * v - 0.2)]
    assert torque.item() == pytest.approx(10.0 * (2 * hidden[0] - hidden[1] + 0.3), rel=1e-6)


@pytest.mark.parametrize(("interval", "spacing"), [(None, 1), (DT, 1), (3 * DT, 3)])
def test_inputs_are_errors_newest_first_then_velocities_at_the_stated_spacing(interval, spacing):
    spec = NetworkSpec("mlp", [], history=3, sample_interval=interval)
    errors, velocities = signals(12)
    for column in range(6):
        drives = mlp(spec)
        drives.network.layers[0].weight.data = torch.eye(6)[column][None]
        drives.network.layers[0].bias.data.zero_()
        torques = torch.stack([drives.torques(e, v) for e, v in zip(errors, velocities)])
        age = column % 3 * spacing
        source = errors if column < 3 else velocities
        assert torch.equal(torques[age:], source[: 12 - age])
        assert not torques[:age].any()  # before the first sample a joint was at rest at its target


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def test_an_lstm_has_a_state_for_every_joint_that_follows_the_formulas():
    spec = NetworkSpec("lstm", [4, 4], error_scale=0.1, velocity_scale=2.0, torque_scale=5.0)
    network = build_network(spec)
    w = {name: value.double().numpy() for name, value in network.state_dict().items()}
    drives = LSTMActuator(network, spec, DT, 2, 3)
    errors, velocities = signals(6)
    h, c = np.zeros((2, 6, 4)), np.zeros((2, 6, 4))
    for e, v in zip(errors, velocities):
        torques = drives.torques(e, v)
        x = np.stack((e.numpy().ravel() / 0.1, v.numpy().ravel() / 2.0), axis=1)
        for layer in range(2):
            gates = x @ w[f"lstm.weight_ih_l{layer}"].T + w[f"lstm.bias_ih_l{layer}"]
            gates += h[layer] @ w[f"lstm.weight_hh_l{layer}"].T + w[f"lstm.bias_hh_l{layer}"]
            i, f, g, o = np.split(gates, 4, axis=1)
            c[layer] = sigmoid(f) * c[layer] + sigmoid(i) * np.tanh(g)
            x = h[layer] = sigmoid(o) * np.tanh(c[layer])
        expected = 5.0 * (x @ w["output.weight"].T + w["output.bias"]).reshape(2, 3)
        np.testing.assert_allclose(torques.numpy(), expected, atol=1e-5)
        np.testing.assert_allclose(drives.memory["hidden"].numpy().reshape(2, 6, 4), h, atol=1e-6)
        np.testing.assert_allclose(drives.memory["cell"].numpy().reshape(2, 6, 4), c, atol=1e-6)


def make(kind):
    if kind == "mlp":
        return mlp(NetworkSpec("mlp", [8], history=3, sample_interval=2 * DT))
    spec = NetworkSpec("lstm", [8, 8])
    return LSTMActuator(build_network(spec), spec, DT, 2, 3)


@pytest.mark.parametrize("kind", ["mlp", "lstm"])
def test_a_reset_forgets_one_robot_and_leaves_every_bit_of_the_others(kind):
    one, other, fresh = make(kind), make(kind), make(kind)
    other.network = fresh.network = one.network
    errors, velocities = signals(9)
    for k in range(9):
        if k == 4:
            one.reset(torch.tensor([1]))
        results = [drives.torques(errors[k], velocities[k]) for drives in (one, other)]
        assert torch.equal(results[0][0], results[1][0])
        if k >= 4:
            assert torch.equal(results[0][1], fresh.torques(errors[k], velocities[k])[1])
        assert torch.equal(results[0][1], results[1][1]) == (k < 4 or (kind == "mlp" and k >= 8))  # 8: all is new


@pytest.mark.parametrize("kind", ["mlp", "lstm"])
def test_saved_drives_go_on_with_the_same_bits(kind):
    drives = make(kind)
    errors, velocities = signals(8)
    for k in range(4):
        drives.torques(errors[k], velocities[k])
    state = drives.state_dict()
    expected = [drives.torques(errors[k], velocities[k]) for k in range(4, 8)]
    again = make(kind)
    again.network = drives.network
    again.load_state_dict(state)
    for k, torques in enumerate(expected, start=4):
        assert torch.equal(again.torques(errors[k], velocities[k]), torques)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"type": "gru"}, "type: expected mlp or lstm, got 'gru'"),
        ({}, "type"),
        ({"type": "mlp", "layers": 3}, "layers"),
        ({"type": "mlp", "activation": "cube"}, "activation: expected softsign, .* got 'cube'"),
        ({"type": "mlp", "history": 0}, "at least 1"),
        ({"type": "lstm", "hidden_sizes": [8, 4]}, "all equal"),
    ],
)
def test_metadata_that_cannot_be_is_refused_in_one_line(values, message):
    with pytest.raises(UserError, match=message) as error:
        NetworkSpec.from_dict(values)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("kind", "interval"), [("mlp", 0.007), ("mlp", 0.001), ("lstm", 0.01)])
def test_samples_that_do_not_fall_on_sub_steps_are_refused(kind, interval):
    spec = NetworkSpec(kind, [8], sample_interval=interval)
    with pytest.raises(UserError, match=r"sim\.dt is 0\.005 s"):
        spec.spacing(DT)
