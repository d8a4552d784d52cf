"""Mean actions beyond their bounds, by hand."""

from __future__ import annotations

import pytest
import torch

from rsl_rl.extensions import Context, Extensions
from rsl_rl.models import ActorCritic
from rsl_rl.models.policy import Outputs
from rsl_rl.utils.errors import RslRlError

CONTEXT = Context(ActorCritic({"policy": (2,)}, 2, actor_hidden_dims=[4]), torch.device("cpu"))


def test_loss_by_hand() -> None:
    """Beyond 8 are 2 and 1 of the first, 0.5 of the second, none of the third."""
    means = torch.tensor([[10.0, -9.0], [8.5, 3.0], [8.0, -8.0]], requires_grad=True)
    extensions = Extensions({"bounds": {"limit": 8.0, "coef": 0.1}}, CONTEXT)
    added, watched = extensions.losses(None, Outputs(means, torch.zeros(3), {}, {}))  # type: ignore[arg-type]
    assert watched["bounds"].item() == pytest.approx(3.5 / 3)
    sum(added).backward()
    torch.testing.assert_close(means.grad, torch.tensor([[1.0, -1.0], [1.0, 0.0], [0.0, 0.0]]) / 30.0)


def test_a_bound_has_to_be_one() -> None:
    with pytest.raises(RslRlError, match=r"bounds\.limit is 0, expected a number above 0"):
        Extensions({"bounds": {"limit": 0}}, CONTEXT)
