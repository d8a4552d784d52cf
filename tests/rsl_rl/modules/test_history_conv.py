"""Convolutions over time against numbers worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from rsl_rl.modules.history_conv import HistoryConv
from rsl_rl.utils.errors import RslRlError


def test_numbers_worked_out_by_hand() -> None:
    small = {"frame_dim": 1, "channels": [1], "kernel_sizes": [2], "strides": [1], "activation": "relu"}
    conv = HistoryConv("history", (3, 2), **small)
    with torch.no_grad():
        conv.frame.weight.copy_(torch.tensor([[1.0, -1.0]]))
        conv.frame.bias.fill_(1.0)
        conv.convolutions[0].weight.copy_(torch.tensor([[[1.0, 10.0]]]))
        conv.convolutions[0].bias.fill_(-30.0)
    history = torch.tensor([[[2.0, 1.0], [5.0, 0.0], [1.0, 9.0]]])
    # frames: 2 - 1 + 1 = 2, 5 - 0 + 1 = 6, 1 - 9 + 1 < 0; then 2 + 60 - 30 = 32, and 6 + 0 - 30 < 0
    assert conv(history).tolist() == [[32.0, 0.0]]
    flat = HistoryConv("history", (6,), frames=3, **small)
    flat.load_state_dict(conv.state_dict())
    assert flat(history.flatten(1)).tolist() == [[32.0, 0.0]]


def test_sizes_by_default() -> None:
    conv = HistoryConv("history", (10, 53))
    assert conv.output_dim == 30
    assert conv(torch.randn(4, 10, 53)).shape == (4, 30)
    shapes = {name: tuple(x.shape) for name, x in conv.state_dict().items() if name.endswith("weight")}
    assert shapes == {
        "frame.weight": (30, 53),
        "convolutions.0.weight": (20, 30, 4),
        "convolutions.1.weight": (10, 20, 2),
    }


@pytest.mark.parametrize(
    ("shape", "settings", "message"),
    [
        ((530,), {}, "a history of shape (530,) is not ? frames; give frames"),
        ((530,), {"frames": 9}, "is not 9 frames"),
        ((4, 3), {}, "nothing is left of 4 frames after 2 convolutions"),
        ((10, 3), {"strides": [1]}, "have an entry for each convolution"),
        ((10, 3), {"kernel_size": [1]}, "unknown key history.kernel_size: did you mean kernel_sizes?"),
        ((10, 3), {"activation": "eluu"}, "history.activation is 'eluu'; did you mean elu"),
    ],
)
def test_mistakes_are_told(shape: tuple[int, ...], settings: dict[str, Any], message: str) -> None:
    with pytest.raises(RslRlError) as caught:
        HistoryConv("history", shape, **settings)
    assert message in str(caught.value)
