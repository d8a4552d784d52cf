"""Who comes to hurdles, crosses them, and with how much room, from state to state by hand."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from legged_gym.envs.parkour.crossings import Crossings


def test_a_jump_and_a_crawl() -> None:
    """Bars at 4 and 6 m: top 0.31 m to jump over, underside 0.44 m to crawl under."""
    places, mode = torch.tensor([4.0, 6.0]), torch.tensor([[False, True]])
    edges = (torch.tensor([[0.24, 0.44]]), torch.tensor([[0.31, 0.51]]))
    hurdles = SimpleNamespace(
        count=2, places=places, passed=torch.zeros(1, 2, dtype=torch.bool), crawls=lambda: mode, edges=lambda: edges
    )
    env = SimpleNamespace(num_envs=1, device=torch.device("cpu"), env_origins=torch.tensor([[10.0, 0.0, 0.0]]))
    watch = Crossings(env, hurdles, 0.45)  # type: ignore[arg-type]

    def at(x: float, trunk_top: float, feet: list[tuple[float, float]]) -> None:
        seen = SimpleNamespace(
            there=torch.ones(1, 2, dtype=torch.bool), forward=places[None] - x, trunk_top=torch.tensor([trunk_top])
        )
        hurdles.passed |= seen.forward <= 0.0
        watch.update(seen, torch.tensor([[[10.0 + fx, 0.0, fz] for fx, fz in feet]]))  # type: ignore[arg-type]

    low = [(2.0, 0.026)] * 3
    at(2.9, 0.53, [(3.2, 0.026), *low])
    assert not watch.came.any()
    at(3.6, 0.53, [(3.9, 0.40), *low])
    assert watch.came.tolist() == [[True, False]]
    at(3.8, 0.53, [(4.1, 0.42), *low])
    assert not watch.came.any() and not watch.crossed.any(), "came before, and is not behind"
    at(4.55, 0.53, [(4.8, 0.026), (4.2, 0.386), (4.3, 0.5), (4.2, 0.6)])
    at(4.65, 0.53, [(4.8, 0.026)] * 4)
    assert watch.crossed.tolist() == [[True, False]]
    assert watch.clearance.tolist()[0] == pytest.approx([0.386 - 0.026 - 0.31, 0.0], abs=1e-6)
    at(5.7, 0.40, [(5.0, 0.026)] * 4)
    assert not watch.crossed.any()
    at(6.3, 0.46, [(6.0, 0.026)] * 4)
    at(6.7, 0.53, [(6.5, 0.026)] * 4)
    assert watch.crossed.tolist() == [[False, True]]
    assert watch.clearance.tolist()[0] == pytest.approx([0.0, -0.02], abs=1e-6)
    watch.reset(torch.tensor([0]))
    at(6.2, 0.53, [(6.0, 0.026)] * 4)
    assert watch.came.tolist() == [[False, True]]
