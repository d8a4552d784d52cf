"""Mixtures of experts against numbers worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from rsl_rl.modules.mixture import Mixture
from rsl_rl.utils.errors import RslRlError


def mixture(**settings: Any) -> Mixture:
    """Experts of one number: 2 x + 1, -x, and 10."""
    made = Mixture("experts", 1, 1, [], "elu", None, names=["a", "b", "c"], **settings)
    with torch.no_grad():
        for expert, weight, bias in zip(made.experts.values(), (2.0, -1.0, 0.0), (1.0, 0.0, 10.0)):
            expert.output.weight.fill_(weight)
            expert.output.bias.fill_(bias)
    return made


LOGITS = torch.tensor([[0.0, math.log(3.0), math.log(4.0)]])


@pytest.mark.parametrize(
    ("settings", "weights"),
    [
        ({}, [1 / 8, 3 / 8, 4 / 8]),
        ({"temperature": 0.5}, [1 / 26, 9 / 26, 16 / 26]),  # logits twice as large, so weights squared
        ({"top_k": 2}, [0.0, 3 / 7, 4 / 7]),
        ({"top_k": 1}, [0.0, 0.0, 1.0]),
    ],
)
def test_weights_and_their_mean(settings: dict[str, Any], weights: list[float]) -> None:
    experts = mixture(**settings)
    found = experts.weights(LOGITS)
    torch.testing.assert_close(found, torch.tensor([weights]))
    # of x = 3 the experts make 7, -3 and 10
    expected = 7 * weights[0] - 3 * weights[1] + 10 * weights[2]
    torch.testing.assert_close(experts(torch.tensor([[3.0]]), found), torch.tensor([[expected]]))


def test_each_row_has_weights_of_its_own() -> None:
    weights = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
    assert mixture()(torch.tensor([[3.0], [4.0]]), weights).tolist() == [[7.0], [3.0]]


def test_in_evaluation_mode_fewer_experts_may_have_a_say() -> None:
    learning, playing = mixture(inference_top_k=2), mixture(inference_top_k=2).eval()
    torch.testing.assert_close(learning.weights(LOGITS), torch.tensor([[1 / 8, 3 / 8, 4 / 8]]))
    torch.testing.assert_close(playing.weights(LOGITS), torch.tensor([[0.0, 3 / 7, 4 / 7]]))


def test_temperature_is_part_of_the_state() -> None:
    warm, cold = mixture(temperature=2.0), mixture()
    cold.load_state_dict(warm.state_dict())
    assert cold.temperature == 2.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"names": ["a"]}, "experts.names is ['a']; give at least two"),
        ({"names": ["a", "a"]}, "all different"),
        ({"names": ["a", "b"], "top_k": 3}, "top_k from 1 to 2"),
        ({"names": ["a", "b"], "inference_top_k": 0}, "top_k from 1 to 2"),
        ({"names": ["a", "b"], "temperature": 0.0}, "temperature must be above 0"),
        ({"name": ["a", "b"]}, "unknown key experts.name: did you mean names?"),
    ],
)
def test_mistakes_are_told(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(RslRlError) as caught:
        Mixture("experts", 1, 1, [], "elu", None, **settings)
    assert message in str(caught.value)
