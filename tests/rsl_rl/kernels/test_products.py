"""Products of matrices against the formula, in the shapes that decide how they are computed."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from rsl_rl.kernels import products
from rsl_rl.kernels.products import linear, transposed_product


@pytest.mark.parametrize("rows", [1, 7, 16, 320])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("without_onednn", [False, True])
def test_linear(rows: int, dtype: torch.dtype, without_onednn: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if without_onednn:
        monkeypatch.setattr(products, "_onednn_linear", None)
    x, weight, bias = torch.randn(rows, 5).to(dtype), torch.randn(5, 9).to(dtype).t(), torch.randn(9).to(dtype)
    expected = (x.double().unsqueeze(1) * weight.double()).sum(-1)
    torch.testing.assert_close(linear(x, weight).double(), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(linear(x, weight, bias).double(), expected + bias.double(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rows", [1, 7, 16, 320])
def test_transposed_product(rows: int) -> None:
    a, b = torch.randn(rows, 6), torch.randn(rows, 4)
    expected = (a.double().unsqueeze(2) * b.double().unsqueeze(1)).sum(0)
    torch.testing.assert_close(transposed_product(a, b).double(), expected, rtol=1e-5, atol=1e-4)
    if rows == 320:  # views are read as what they show
        torch.testing.assert_close(
            transposed_product(a[:, 1:3], b[:, ::2]).double(), expected[1:3, ::2], rtol=1e-5, atol=1e-4
        )


def test_images_hold_the_rows() -> None:
    x = torch.arange(64.0).view(32, 2)
    images: Any = products.as_images(x)
    assert images.shape == (16, 2, 1, 2)
    assert images[3, :, 0, 1].tolist() == x[7].tolist()
