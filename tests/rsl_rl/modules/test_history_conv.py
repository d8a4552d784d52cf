"""Convolutions over time against numbers worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from rsl_rl.modules.history_conv import HistoryConv
from rsl_rl.utils.errors import RslRlError


def test_numbers_worked_out_by_hand() -> None:
    small = {"frames": 3, "frame_dim": 1, "channels": [1], "kernel_sizes": [2], "strides": [1], "activation": "relu"}
    conv = HistoryConv("history", (6,), **small)
    with torch.no_grad():
        conv.frame.weight.copy_(torch.tensor([[1.0, -1.0]]))
        conv.frame.bias.fill_(1.0)
        conv.convolutions[0].weight.copy_(torch.tensor([[[1.0, 10.0]]]))
        conv.convolutions[0].bias.fill_(-30.0)
    history = torch.tensor([[2.0, 1.0, 5.0, 0.0, 1.0, 9.0]])
    # frames: 2 - 1 + 1 = 2, 5 - 0 + 1 = 6, 1 - 9 + 1 < 0; then 2 + 60 - 30 = 32, and 6 + 0 - 30 < 0
    assert conv(history).tolist() == [[32.0, 0.0]]
    terms = HistoryConv("history", (6,), term_dims=[1, 1], **small)
    terms.load_state_dict(conv.state_dict())
    assert terms(torch.tensor([[2.0, 5.0, 1.0, 1.0, 0.0, 9.0]])).tolist() == [[32.0, 0.0]]


def test_sizes_by_default() -> None:
    conv = HistoryConv("history", (530,))
    assert conv.output_dim == 30
    assert conv(torch.randn(4, 530)).shape == (4, 30)
    shapes = {name: tuple(x.shape) for name, x in conv.state_dict().items() if name.endswith("weight")}
    assert shapes == {
        "frame.weight": (30, 53),
        "convolutions.0.weight": (20, 30, 4),
        "convolutions.1.weight": (10, 20, 2),
    }


@pytest.mark.parametrize(
    ("shape", "settings", "message"),
    [
        ((530,), {"frames": 9}, "9 frames of [58] numbers are no group of [530]"),
        ((530,), {"term_dims": [50, 4]}, "10 frames of [50, 4] numbers are no group of [530]"),
        ((10, 53), {}, "are no group of [10, 53]"),
        ((12,), {"frames": 4}, "nothing is left of 4 frames after 2 convolutions"),
        ((30,), {"strides": [1]}, "have an entry for each convolution"),
        ((30,), {"kernel_size": [1]}, "unknown key history.kernel_size: did you mean kernel_sizes?"),
        ((30,), {"activation": "eluu"}, "history.activation is 'eluu'; did you mean elu"),
    ],
)
def test_mistakes_are_told(shape: tuple[int, ...], settings: dict[str, Any], message: str) -> None:
    with pytest.raises(RslRlError) as caught:
        HistoryConv("history", shape, **settings)
    assert message in str(caught.value)
