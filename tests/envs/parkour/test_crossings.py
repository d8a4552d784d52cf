"""Who comes to hurdles, crosses them, and with how much room, from state to state by hand."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from legged_gym.envs.parkour.crossings import Crossings
from legged_gym.envs.parkour.galileo_config import GalileoParkourCfg
from legged_gym.envs.parkour.parkour_robot import ParkourRobot
from legged_gym.envs.variants import for_evaluation
from legged_gym.evaluation.evaluate import evaluate


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
        watch.watch(seen, torch.tensor([[[10.0 + fx, 0.0, fz] for fx, fz in feet]]))  # type: ignore[arg-type]

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
    saved = watch.state_dict()
    watch.clear(torch.tensor([0]))
    at(6.2, 0.53, [(6.0, 0.026)] * 4)
    assert watch.came.tolist() == [[False, True]]
    watch.load_state_dict(saved)
    at(6.2, 0.53, [(6.0, 0.026)] * 4)
    assert not watch.came.any(), "a state that is loaded knows who came"


class Carried:
    """A policy whose robots are carried past the first bar; one of them then comes to the second."""

    groups: list[str] = []

    def __init__(self, env: ParkourRobot) -> None:
        self.env, self.step = env, 0

    def __call__(self, obs: object) -> torch.Tensor:
        places = [(0.0, 0.0), (3.5, 3.5), (4.2, 4.2), (4.7, 4.7), (4.9, 5.1)]
        states = self.env.root_states.clone()
        xs = torch.tensor(places[min(self.step, 4)])
        states[:, :3] = self.env.env_origins + torch.stack((xs, torch.zeros(2), torch.full((2,), 1.0)), dim=1)
        self.env.sim.set_root_states(torch.arange(2), states)
        self.step += 1
        return torch.zeros(2, 12)

    def reset(self, dones: object = None) -> None:
        pass


def test_an_evaluation_on_the_competition_course() -> None:
    cfg = GalileoParkourCfg()
    cfg.update({"env": {"num_envs": 2, "episode_length_s": 0.2}, "domain_rand": {"push_robots": False}})
    cfg.sim.num_threads = 1
    for_evaluation(cfg)
    env = ParkourRobot(cfg, sim="mujoco", seed=1)
    result = evaluate(env, Carried(env), 2)
    found = {name: entry["mean"] for name, entry in result["metrics"].items()}
    assert env.hurdles.heights[0].tolist() == pytest.approx([0.2, 0.3, 0.4, 0.5])
    assert found["hurdle_1_crossed"] == 1.0 and found["hurdle_2_crossed"] == 0.0 and found["hurdle_3_crossed"] is None
    assert found["hurdle_1_clearance"] > 0.1, "carried 0.7 m above it, feet and all"
    assert found["hurdles_passed"] == 1.0 and found["success"] == 0.0 and "experts" not in result
    assert found["waypoints"] == pytest.approx(found["goals_reached"] / 6)
