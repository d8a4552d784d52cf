"""Padding of rollouts, and recurrent networks over it against one step after the other."""

from __future__ import annotations

import pytest
import torch

from rsl_rl.models import ActorCriticRecurrent, reset_hidden
from rsl_rl.modules import Memory
from rsl_rl.storage.trajectories import Trajectories
from rsl_rl.utils.errors import RslRlError


def test_layout_of_a_small_rollout() -> None:
    # Environment 0: an episode ends with step 1. Environment 1: one with step 0, one with step 3. Values are 10 n + t.
    dones = torch.tensor([[0, 1], [1, 0], [0, 0], [0, 1]], dtype=torch.bool)
    samples = torch.tensor([[0, 10], [1, 11], [2, 12], [3, 13]]).float().view(-1, 1)
    trajectories = Trajectories(dones)
    expected = torch.tensor([[0, 2, 10, 11], [1, 3, 0, 12], [0, 0, 0, 13]]).float().unsqueeze(-1)
    padded = trajectories.pad(samples)
    assert torch.equal(padded, expected)
    assert torch.equal(trajectories.unpad(padded), samples)


def test_only_first_pieces_inherit_a_state() -> None:
    dones = torch.tensor([[0, 1], [1, 0], [0, 0]], dtype=torch.bool)
    state = torch.tensor([[[5.0], [7.0]]])
    hidden = Trajectories(dones).initial_hidden({"h": state})
    assert hidden["h"].flatten().tolist() == [5, 0, 7, 0]


def test_round_trip_of_random_rollouts() -> None:
    for probability in (0.0, 0.1, 0.5, 1.0):
        dones = torch.rand(9, 6) < probability
        samples = torch.randn(54, 3)
        trajectories = Trajectories(dones)
        assert torch.equal(trajectories.unpad(trajectories.pad(samples)), samples)
        assert trajectories.num_pieces == 6 + int(dones[:-1].sum())


def test_padding_gets_no_gradient() -> None:
    dones = torch.rand(5, 4) < 0.3
    trajectories = Trajectories(dones)
    padded = trajectories.pad(torch.randn(20, 2)).requires_grad_()
    trajectories.unpad(padded).sum().backward()
    assert padded.grad is not None
    assert padded.grad.sum() == 40


def test_memory_matches_torch() -> None:
    for kind, module in (("gru", torch.nn.GRU), ("lstm", torch.nn.LSTM)):
        memory = Memory(3, 5, 2, kind)
        reference = module(3, 5, 2)
        reference.load_state_dict(memory.rnn.state_dict())
        x = torch.randn(7, 4, 3)
        outputs, hidden = memory.read(x)
        expected, after = reference(x)
        torch.testing.assert_close(outputs, expected)
        after = after if kind == "lstm" else (after,)
        for state, expected_state in zip(hidden.values(), after):
            torch.testing.assert_close(state, expected_state)


@pytest.mark.parametrize(("kind", "names"), [("gru", ["h"]), ("lstm", ["h", "c"])])
@pytest.mark.parametrize("layers", [1, 2])
def test_whole_rollout_equals_steps_with_resets(kind: str, names: list[str], layers: int) -> None:
    steps, envs = 11, 5
    policy = ActorCriticRecurrent(
        {"policy": (4,)}, 3, actor_hidden_dims=[8], rnn_type=kind, rnn_hidden_size=6, rnn_num_layers=layers
    )
    obs, dones = torch.randn(steps, envs, 4), torch.rand(steps, envs) < 0.25
    start = {name: torch.randn(layers, envs, 6) for name in names}
    assert list(policy.actor.initial_hidden(envs)) == names

    hidden, outputs = start, []
    for step in range(steps):
        output, hidden = policy.actor({"policy": obs[step]}, hidden)
        outputs.append(output)
        hidden = reset_hidden(hidden, dones[step])
    whole, _ = policy.actor({"policy": obs.flatten(0, 1)}, start, Trajectories(dones))
    torch.testing.assert_close(whole.view(steps, envs, 3), torch.stack(outputs))

    # The gradients agree too, through time and through the state at the start.
    weights = torch.randn(steps, envs, 3)
    parameters = list(policy.actor.parameters())
    by_steps = torch.autograd.grad((torch.stack(outputs) * weights).sum(), parameters)
    at_once = torch.autograd.grad((whole.view_as(weights) * weights).sum(), parameters)
    for expected, gradient in zip(by_steps, at_once):
        torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-5)


def test_reset_forgets_even_what_is_not_a_number() -> None:
    hidden = {"h": torch.tensor([[[1.0], [float("nan")], [3.0]]])}
    after = reset_hidden(hidden, torch.tensor([False, True, True]))
    assert after["h"].flatten().tolist() == [1, 0, 0]
    assert hidden["h"][0, 2, 0] == 3  # the argument is left alone


def test_unknown_kind() -> None:
    with pytest.raises(RslRlError, match=r"policy.rnn_type is 'GRU'; .*gru"):
        Memory(3, 4, 1, "GRU")
