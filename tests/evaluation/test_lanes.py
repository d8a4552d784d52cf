"""Lanes: crossings, progress and feet on edges against walks that are written down, intervals against coverage."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from legged_gym.envs.a1.a1_vision_config import A1VisionCfg
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.parts.progress import EDGE_DROP, EDGE_MARGIN, TileProgress
from legged_gym.evaluation import intervals
from legged_gym.evaluation.episodes import Episodes
from legged_gym.evaluation.evaluate import evaluate
from legged_gym.evaluation.lanes import mean_of_shares, success_to_half_difficulty, types_table
from legged_gym.terrain import Terrain, has_lanes
from tests.evaluation.scripted_env import DT, CountingPolicy, ScriptedEnv, never

LENGTH, WIDTH, FINISH, BORDER, CELL = 10.0, 4.0, 6.0, 1.0, 0.5
EDGE_AT = 4.0  # m along each tile


class Lanes:
    """Three levels of three columns; the finish of each tile is 6 m from its corner, and all have an edge at 4 m."""

    num_rows, num_cols, tile_length, tile_width = 3, 3, LENGTH, WIDTH
    border_size, horizontal_scale = BORDER, CELL
    tile_types = [["lane_flat", "lane_gaps", "lane_stairs"]] * 3
    difficulties = np.array([[0.0] * 3, [0.5] * 3, [1.0] * 3])
    env_origins = np.zeros((3, 3, 3), dtype=np.float32)
    finish_x = (LENGTH * np.arange(3)[:, None] + np.full((3, 3), FINISH)).astype(np.float32)
    height_field = np.zeros((64, 28), dtype=np.int16)
    height_map = property(lambda self: self)
    origin = (-BORDER, -BORDER)

    def edge_mask(self, margin, drop):
        assert (margin, drop) == (EDGE_MARGIN, EDGE_DROP)
        mask = np.zeros(self.height_field.shape, dtype=bool)
        for level in range(3):
            mask[round((BORDER + level * LENGTH + EDGE_AT) / CELL)] = True
        return mask


class LaneEnv(ScriptedEnv):
    """Robots that go through places (x, y) from the corner of whatever tile they are on, one a step.

    Both feet touch the ground, one below the middle of the robot and one 0.2 m before it.
    """

    def __init__(self, walks, falls=(), terrain=None):
        super().__init__(never, len(walks), len(walks[0]), terrain=terrain or Lanes())
        # who falls does so in the very last step
        self._walks, self._falls = torch.tensor(walks), torch.tensor([n in falls for n in range(len(walks))])
        self.feet_indices = torch.tensor([1, 2])
        self.feet_contact = torch.ones(len(walks), 2, dtype=torch.bool)

    def step(self, actions):
        result = super().step(actions)
        self._place_feet()
        return result

    def _time_outs(self, time_outs):
        return time_outs & ~self._falls

    def reset(self):
        observations = super().reset()
        self._place_feet()
        return observations

    def _place_feet(self):
        bodies = torch.full((self.num_envs, 3, 13), math.nan)
        bodies[:, 1, :2] = bodies[:, 2, :2] = self.root_states[:, :2]
        bodies[:, 2, 0] += 0.2
        self.sim.states_of = lambda indices: bodies[:, indices]

    @property
    def root_states(self):
        states = torch.zeros(self.num_envs, 13)
        states[:, :2] = self._walks[torch.arange(self.num_envs), self._age.long()]
        states[:, 0] += LENGTH * self.terrain_levels
        states[:, 1] += WIDTH * self.terrain_types
        return states


def walk(*xs, y=2.0):
    return [(x, y) for x in xs]


# one robot each
CROSSES = walk(1.0, 4.0, 6.5)
STOPS_SHORT = walk(1.0, 4.3, 5.9)
FALLS_BEHIND_THE_LINE = walk(1.0, 6.1, 6.5)
GOES_AROUND = [(1.0, 2.0), (5.0, 4.1), (6.5, 3.9)]
LEAVES_BEHIND_THE_LINE = [(1.0, 2.0), (6.2, 3.9), (7.0, -0.5)]
TURNS_BACK = walk(3.0, 6.5, 2.0)
ALL = [CROSSES, STOPS_SHORT, FALLS_BEHIND_THE_LINE, GOES_AROUND, LEAVES_BEHIND_THE_LINE, TURNS_BACK]


def test_crossing_a_lane():
    result = evaluate(LaneEnv(ALL, falls=(2,)), CountingPolicy(), len(ALL))
    metrics = result["metrics"]
    # those that cross, leave behind the line, and turn back behind it
    assert metrics["success_rate"] == intervals.share(torch.arange(6) < 3)
    # from the first state to the last one
    assert metrics["x_displacement"]["mean"] == pytest.approx((5.5 + 4.9 + 5.5 + 5.5 + 6.0 - 1.0) / 6)
    assert metrics["mean_time_to_fall"]["mean"] == pytest.approx(3 * DT)
    assert result["lanes"]["edge_margin_m"] == EDGE_MARGIN


def test_feet_on_edges():
    """The edge is at 4 m, points of the map every 0.5 m: feet from 3.75 to 4.25 m are on it.

    Of the robot that crosses both feet at 4.0 and 4.2 are on it; of the one that stops short neither at 4.3 and 4.5.
    """
    crosses = evaluate(LaneEnv([CROSSES]), CountingPolicy(), 1)["metrics"]["foot_edge_violations"]["mean"]
    assert crosses == pytest.approx(2 / 6)
    assert evaluate(LaneEnv([STOPS_SHORT]), CountingPolicy(), 1)["metrics"]["foot_edge_violations"]["mean"] == 0.0
    swings = LaneEnv([CROSSES])
    swings.feet_contact[:, 1] = False
    assert evaluate(swings, CountingPolicy(), 1)["metrics"]["foot_edge_violations"]["mean"] == pytest.approx(1 / 3)
    flies = LaneEnv([CROSSES])
    flies.feet_contact[:] = False
    assert evaluate(flies, CountingPolicy(), 1)["metrics"]["foot_edge_violations"]["mean"] is None


def test_every_episode_is_counted_by_itself():
    """Twice the same walk, on another tile: nothing of the first episode is left in the second."""
    once = evaluate(LaneEnv(ALL), CountingPolicy(), 6)["metrics"]
    twice = evaluate(LaneEnv(ALL), CountingPolicy(), 12)["metrics"]
    for name in ("success_rate", "x_displacement", "foot_edge_violations"):
        assert twice[name]["mean"] == pytest.approx(once[name]["mean"])


def test_results_by_type_and_level():
    """As many robots as tiles, so everyone keeps its own; all cross but the first two."""
    env = LaneEnv([STOPS_SHORT] * 2 + [CROSSES] * 7)
    result = evaluate(env, CountingPolicy(), 9)
    failed = list(zip(env.terrain_levels.tolist(), env.terrain_types.tolist()))[:2]
    assert set(result["terrain"]) == set(result["terrain_types"]) == {"lane_flat", "lane_gaps", "lane_stairs"}
    for column, (name, entries) in enumerate(result["terrain"].items()):
        assert [entry["difficulty"] for entry in entries] == [0.0, 0.5, 1.0]
        for level, entry in enumerate(entries):
            crosses = (level, column) not in failed
            assert (entry["episodes"], entry["success_rate"]["mean"]) == (1, float(crosses))
            assert entry["x_displacement"]["mean"] == pytest.approx(5.5 if crosses else 4.9)
        whole = result["terrain_types"][name]
        assert whole["episodes"] == 3
        assert whole["success_rate"]["mean"] == pytest.approx(np.mean([e["success_rate"]["mean"] for e in entries]))


def episodes_on(tiles, success, fell=None, seconds=1.0):
    """Episodes on tiles (level, column)."""
    count = len(tiles)
    seconds = torch.as_tensor(seconds, dtype=torch.float64).expand(count)
    values = {
        "success_rate": torch.tensor(success, dtype=torch.bool),
        "mean_time_to_fall": seconds,
        **{name: torch.ones(count) for name in ("x_displacement", "per foot_contacts", "foot_edge_violations")},
    }
    levels, types = torch.tensor(tiles).unbind(1)
    fell = torch.zeros(count, dtype=torch.bool) if fell is None else torch.tensor(fell)
    return Episodes(values, seconds, fell, levels, types, torch.zeros_like(levels))


def test_half_difficulty_is_a_mean_over_types_without_flat_ground():
    tiles = [(0, 1), (1, 1), (1, 1), (0, 2), (2, 1), (2, 2), (0, 0)]
    crossed = [1, 1, 0, 0, 0, 1, 1]
    found = success_to_half_difficulty(episodes_on(tiles, crossed), Lanes())
    # gaps: 2 of 3 at difficulties 0 and 0.5; stairs: 0 of 1; neither level 2 nor flat ground count
    assert found["mean"] == pytest.approx((2 / 3 + 0 / 1) / 2)
    assert success_to_half_difficulty(episodes_on([(2, 1)], [1]), Lanes())["mean"] is None


def progress_of(count, terrain=None, types=1):
    env = LaneEnv([CROSSES] * count, terrain=terrain)
    env.terrain_types = torch.as_tensor(types).expand(count)
    return env.progress


def test_a_fall_undoes_a_crossing_for_a_second():
    """Crossed or not, fallen or not, and when: only who crosses and stands for a second has crossed the tile."""
    progress = progress_of(5)
    progress.crossed = torch.tensor([True, True, True, False, False])
    progress._seconds_behind = torch.tensor([0.02, 0.98, 1.0, 0.0, 0.0], dtype=torch.float64)
    found = progress.success(torch.tensor([False, True, True, True, False]))
    assert found.tolist() == [True, False, True, False, False]


def test_seconds_behind_the_line_are_counted():
    """The line is at 6 m; steps that begin and end behind it count, those of earlier episodes do not."""
    env, seconds = LaneEnv([walk(5.0, 6.5, 6.6, 6.7)]), []
    env.update_metrics()
    for _ in range(3):
        env.step(torch.zeros(1, env.num_actions))
        env.update_metrics()
        seconds.append(float(env.progress._seconds_behind))
    assert seconds == pytest.approx([0.0, DT, 2 * DT])
    env.reset_metrics(torch.tensor([0]))
    env.update_metrics()
    assert float(env.progress._seconds_behind) == 0.0


def test_time_to_fall_counts_time_outs_with_their_length():
    episodes = episodes_on([(0, 1)] * 4, [0] * 4, [True, True, False, False], [1.0, 2.0, 20.0, 20.0])
    table = types_table(episodes, vars(LeggedRobotCfg().metrics), 20.0, Lanes())
    assert table["lane_gaps"]["mean_time_to_fall"]["mean"] == pytest.approx(43.0 / 4)
    assert table["lane_gaps"]["fall_share"]["mean"] == 0.5
    assert table["lane_flat"]["success_rate"]["mean"] is None


def test_a_tile_without_a_line_is_judged_by_distance():
    terrain = Lanes()
    terrain.finish_x = terrain.finish_x.copy()
    terrain.finish_x[:, 2] = math.nan
    progress = progress_of(4, terrain, [2, 2, 2, 1])
    progress.distance = torch.tensor([5.1, 4.9, 5.1, 5.1])
    assert progress.success(torch.tensor([False, False, True, False])).tolist() == [True, False, False, False]


def test_what_counts_as_lanes():
    assert has_lanes(Lanes())
    assert not has_lanes(None)
    assert not has_lanes(SimpleNamespace(finish_x=np.full((2, 2), math.nan)))


# ---------------------------------------------------------------- the real map


@pytest.fixture(scope="module")
def gaps():
    """A map of two tiles with gaps, without roughness."""
    cfg = A1VisionCfg().terrain
    cfg.num_rows, cfg.num_cols, cfg.border_size = 2, 1, 1.0
    cfg.tile_types, cfg.roughness, cfg.difficulty_range = ["lane_gaps"], None, [1.0, 1.0]
    return Terrain(cfg, 3)


def test_feet_beside_a_real_gap(gaps):
    """The last point of solid ground before a gap is its edge, and so are the 5 cm behind it, but nothing further."""
    cell, row = gaps.horizontal_scale, gaps.heights.shape[1] // 2
    along = gaps.heights[:, row]
    edge = (np.nonzero(along < -0.5)[0][0] - 1) * cell - gaps.border_size
    y = row * cell - gaps.border_size
    xs = edge + np.array([0.0, 0.01, -0.05, -0.2, -0.5, 2.5 * cell])
    bodies = torch.zeros(1, len(xs), 13)
    bodies[0, :, 0], bodies[0, :, 1] = torch.as_tensor(xs), y
    env = SimpleNamespace(
        num_envs=1,
        dt=DT,
        device="cpu",
        terrain=gaps,
        terrain_levels=torch.zeros(1, dtype=torch.long),
        terrain_types=torch.zeros(1, dtype=torch.long),
        root_states=torch.zeros(1, 13),
        sim=SimpleNamespace(states_of=lambda indices: bodies[:, indices]),
        feet_indices=torch.arange(len(xs)),
        feet_contact=torch.ones(1, len(xs), dtype=torch.bool),
    )
    assert TileProgress(env, gaps).on_edge()[0].tolist() == [True, True, True, False, False, False]


def test_the_real_map_has_a_line_on_every_tile(gaps):
    assert has_lanes(gaps)
    origins = gaps.env_origins[..., 0]
    assert (gaps.finish_x > origins + 3.0).all()
    assert (gaps.finish_x < gaps.tile_length * np.arange(1, 3)[:, None]).all()


# ---------------------------------------------------------------- intervals


def test_the_mean_of_two_shares_by_hand():
    """Wilson's intervals of 0 of 10 and 10 of 10 are [0, 0.2775] and [0.7225, 1]."""
    shares = [intervals.share(torch.full((10,), value)) for value in (False, True)]
    found = mean_of_shares(shares)
    assert found["mean"] == 0.5
    assert found["ci95"] == pytest.approx([0.5 - 0.2775 / 2, 0.5 + 0.2775 / 2], abs=1e-4)
    assert mean_of_shares([*shares, intervals.share(torch.zeros(0, dtype=torch.bool))]) == found
    alone = mean_of_shares(shares[:1])
    assert alone["ci95"] == pytest.approx(shares[0]["ci95"])


def test_intervals_of_a_mean_of_shares_cover_the_truth_as_often_as_they_say():
    generator = torch.Generator().manual_seed(4)
    truths, hits = torch.tensor([0.95, 0.5, 0.1, 0.02]), 0
    for _ in range(400):
        draws = torch.rand(4, 40, generator=generator) < truths[:, None]
        low, high = mean_of_shares([intervals.share(row) for row in draws])["ci95"]
        hits += low <= float(truths.mean()) <= high
    assert 0.92 < hits / 400 < 0.985
