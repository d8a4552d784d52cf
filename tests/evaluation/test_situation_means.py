"""Shares of experts by situation, by hand."""

from __future__ import annotations

import pytest
import torch

from legged_gym.evaluation.intervals import SituationMeans
from legged_gym.evaluation.text import format_result


def test_mean_weights_in_each_situation() -> None:
    use = SituationMeans(["flat", "jump"], 2)
    assert use.table() == {}
    use.add(torch.tensor([0, 1]), {})
    assert use.table() == {}, "a policy without experts"
    use.add(torch.tensor([0, 1]), {"a": torch.tensor([1.0, 0.2]), "b": torch.tensor([0.0, 0.8])})
    use.add(torch.tensor([0, 0]), {"a": torch.tensor([0.7, 0.4]), "b": torch.tensor([0.3, 0.6])})
    table = use.table()
    means = {situation: [shares[name]["mean"] for name in "ab"] for situation, shares in table.items()}
    assert means["flat"] == pytest.approx([0.7, 0.3]) and means["jump"] == pytest.approx([0.2, 0.8])
    text = format_result({"metrics": {}, "num_episodes": 2, "experts": table})
    assert text.splitlines()[-1].startswith("jump") and "0.800" in text
