"""Metrics against sums by hand, intervals against tables and coverage, and episodes that are counted without bias."""

from __future__ import annotations

import math

import pytest
import torch

from legged_gym.envs.base.base_config import Metric
from legged_gym.envs.go2.go2 import Go2
from legged_gym.errors import UserError
from legged_gym.evaluation import intervals
from legged_gym.evaluation.episodes import EpisodeRecorder, Episodes, estimates
from legged_gym.evaluation.evaluate import evaluate, run_episodes
from legged_gym.evaluation.lanes import terrain_table
from tests.evaluation.scripted_env import DT, GRAVITY, MASS, CountingPolicy, ScriptedEnv, never

# ---------------------------------------------------------------- metrics


def test_metrics_against_sums_by_hand():
    """Env 0 runs its 4 steps out; env 1 falls at its second step.

    Samples are the ages at which the policy acts: 0 1 2 3 and 0 1.
    |1 - v|: 1 0 1 2 and 1 0, so 5 over 6 samples. |0.5 - 0| everywhere.
    Power |-2 * 1| for 4 and |-2 * 2| for 2 samples: 2*4 + 4*2 = 16 W samples. Weight * speed: 10 g * (0+1+2+3) and
    11 g * (0+1): 71 g.
    """
    env = ScriptedEnv(lambda n, episode: 2 if n == 1 else 10**6)
    result = evaluate(env, CountingPolicy(), num_episodes=2)
    means = {name: metric["mean"] for name, metric in result["metrics"].items()}
    assert means == pytest.approx(
        {
            "lin_vel_xy_error": 5 / 6,
            "ang_vel_error": 0.5,
            "fall_rate": 1 - 0.5 ** (20 / (4 * DT)),
            "mean_episode_length_s": 3 * DT,
            "cost_of_transport": 16 / (71 * GRAVITY),
            "mean_speed": 7 / 6,
        }
    )
    assert (result["num_episodes"], result["num_envs"], result["episode_length_s"]) == (2, 2, 2.0)
    assert "terrain" not in result


def test_both_components_of_the_velocity_count_and_the_heading_does_not():
    env = ScriptedEnv(never, num_envs=1, max_episode_length=1)
    env.commands = torch.tensor([[3.0, -4.0, -0.25, 2.0]])
    env.base_ang_vel = torch.tensor([[9.0, 9.0, 0.5]])
    metrics = evaluate(env, CountingPolicy(), 1)["metrics"]
    assert metrics["lin_vel_xy_error"]["mean"] == pytest.approx(5.0)
    assert metrics["ang_vel_error"]["mean"] == pytest.approx(0.75)


def test_height_counts_where_it_is_commanded():
    """Samples at the ages 0 1 2 3: errors of 0, -1, -2 and -3 cm."""
    env = ScriptedEnv(never, num_envs=1)
    env.metrics["height_error"] = Metric(), lambda: Go2._metric_height_error(env)
    env.height_errors = lambda: -0.01 * env._age
    assert evaluate(env, CountingPolicy(), 1)["metrics"]["height_error"]["mean"] == pytest.approx(0.015)


def test_weight_counts_the_robot_and_what_was_added_to_it():
    env = ScriptedEnv(never)
    env._age += 3.0  # the speed, m/s
    expected = [3.0 * DT * MASS * GRAVITY, 3.0 * DT * (MASS + 1) * GRAVITY]
    assert env._metric_weight_path().tolist() == pytest.approx(expected)


def test_a_robot_drawn_anew_for_each_episode_has_another_weight():
    class Redrawn(ScriptedEnv):
        def step(self, actions):
            result = super().step(actions)
            self.added_masses = 5.0 * self._episode.float()
            return result

    env = Redrawn(never, num_envs=1, max_episode_length=3)
    episodes = run_episodes(env, CountingPolicy(), 2)
    # path of an episode: speeds 0, 1, 2 m/s for DT each
    assert episodes.values["per weight_path"].tolist() == pytest.approx(
        [3 * DT * m * GRAVITY for m in (MASS, MASS + 5.0)]
    )


def test_a_robot_that_does_not_move_has_no_cost_of_transport():
    env = ScriptedEnv(never, num_envs=2, max_episode_length=1)
    assert evaluate(env, CountingPolicy(), 2)["metrics"]["cost_of_transport"] == {"mean": None, "ci95": [None, None]}


def episodes_of(**values):
    """Episodes of a second each."""
    count = len(next(iter(values.values())))
    none = torch.zeros(count, dtype=torch.long)
    return Episodes(values, torch.ones(count), none.bool(), none, none, none)


def test_fall_rates_are_stated_for_20_seconds():
    fell = torch.tensor([True] * 19 + [False] * 81)

    def rate(length):
        return estimates(episodes_of(fall_rate=fell), {"fall_rate": Metric("last", period_s=20.0)}, length)["fall_rate"]

    assert rate(20.0) == intervals.share(fell)
    ten = rate(10.0)  # two episodes of 10 s in a row: 1 - 0.81^2
    assert ten["mean"] == pytest.approx(0.3439)
    low, high = intervals.share(fell)["ci95"]
    assert ten["ci95"] == pytest.approx([1 - (1 - low) ** 2, 1 - (1 - high) ** 2])


def test_the_policy_forgets_at_the_start_and_where_episodes_end():
    policy = CountingPolicy()
    run_episodes(ScriptedEnv(lambda n, episode: 2 if n == 1 else 10**6), policy, 1)
    assert policy.resets[0].tolist() == [True, True]
    assert [dones.tolist() for dones in policy.resets[1:]] == [
        [False, False],
        [False, True],
        [False, False],
        [True, True],
    ]


# ---------------------------------------------------------------- sampling


def test_short_episodes_are_not_over_represented():
    """A third of the episodes falls at once, the others last 20 steps.

    Of the episodes that finish while the slowest robot makes its two, far more than a third are falls.
    """
    probability, num_envs = 1 / 3, 1000
    generator = torch.Generator().manual_seed(5)
    falls = torch.rand(num_envs, 200, generator=generator) < probability
    script = falls.tolist()
    env = ScriptedEnv(lambda n, e: 1 if script[n][e] else 10**6, num_envs=num_envs, max_episode_length=20)
    episodes = run_episodes(env, CountingPolicy(), 2)
    assert len(episodes.fell) == 2 * num_envs
    sigma = math.sqrt(probability * (1 - probability) / (2 * num_envs))
    assert abs(float(episodes.fell.float().mean()) - probability) < 3 * sigma
    # exactly the first two episodes of everybody, first those of the first round
    assert torch.equal(episodes.fell, falls[:, :2].T.flatten())
    lengths = episodes.seconds / DT
    assert torch.equal(lengths, torch.where(episodes.fell, 1.0, 20.0).double())
    # the bias that this avoids: all that finished in the same time
    all_finished = torch.bincount(torch.tensor(env.finished), minlength=num_envs)
    seen = [falls[n, :count] for n, count in enumerate(all_finished.tolist())]
    assert float(torch.cat(seen).float().mean()) > probability + 3 * sigma


def test_distance_is_the_furthest_from_where_each_episode_began():
    env = ScriptedEnv(never, num_envs=1, max_episode_length=3, terrain=TwoByThree())
    env.metrics["distance"] = Metric("max"), lambda: env.progress.distance
    episodes = run_episodes(env, CountingPolicy(), 2)
    # at ages 0, 1, 2 the robot is at offset + 0, + 0.5, + 1.5, and the offset grows by 3 a step
    assert episodes.values["distance"].tolist() == pytest.approx([7.5, 7.5])


@pytest.mark.parametrize(
    ("reduce", "expected"),
    # ages 0 1 2 3, and 4 at the end, then 0 1 and 2; the mean is over time, not over episodes
    [("mean", 7 / 6), ("sum", (6 + 1) / 2), ("max", (3 + 1) / 2), ("last", (4 + 2) / 2)],
)
def test_four_ways_to_reduce_a_metric(reduce, expected):
    env = ScriptedEnv(lambda n, episode: 2 if n == 1 else 10**6)
    env.metrics = {"age": (Metric(reduce), lambda: env._age.clone())}
    assert evaluate(env, CountingPolicy(), 2)["metrics"]["age"]["mean"] == pytest.approx(expected)


def test_a_metric_that_others_are_divided_by_is_itself_what_it_was():
    env = ScriptedEnv(lambda n, episode: 2 if n == 1 else 10**6)
    env.metrics["ratio"] = Metric("sum", per="mean_speed"), lambda: env._age.clone()
    metrics = evaluate(env, CountingPolicy(), 2)["metrics"]
    # ages 0 1 2 3 and 0 1, which are the speeds, m/s
    assert (metrics["ratio"]["mean"], metrics["mean_speed"]["mean"]) == (pytest.approx(1.0), pytest.approx(7 / 6))


def test_a_yes_or_no_is_the_share_of_episodes():
    env = ScriptedEnv(lambda n, episode: 2 if n == 1 else 10**6)
    env.metrics = {"old": (Metric("max"), lambda: env._age > 2.0)}
    assert evaluate(env, CountingPolicy(), 2)["metrics"]["old"] == intervals.share(torch.tensor([True, False]))


def test_a_metric_of_the_wrong_shape_is_named():
    env = ScriptedEnv(never)
    env.metrics = {"age": (Metric(), lambda: env._age[:, None])}
    with pytest.raises(UserError, match=r"metrics\.age: .* returns \(2, 1\) float32, expected \(2,\)"):
        run_episodes(env, CountingPolicy(), 1)


def test_episodes_that_never_end_are_a_mistake_in_the_config():
    env = ScriptedEnv(never, num_envs=1)
    env.step = lambda actions: ({"policy": env._age[:, None]}, None, torch.tensor([False]), {})
    with pytest.raises(UserError, match="needs a time-out"):
        run_episodes(env, CountingPolicy(), 1)
    assert env.parts == {}


def test_a_recorder_ignores_what_comes_after_the_last_episode():
    env = ScriptedEnv(never)
    recorder = EpisodeRecorder(env, 1)
    for dones in ([True, False], [True, False], [False, True]):
        assert not recorder.complete
        recorder.sample()
        recorder.prepare(torch.nonzero(torch.tensor(dones)).flatten())
    assert recorder.complete
    assert (recorder.episodes().seconds / DT).tolist() == [1.0, 3.0]


def test_a_robot_that_is_reset_twice_in_a_step_has_ended_one_episode():
    env = ScriptedEnv(never)
    recorder = EpisodeRecorder(env, 2)
    for _ in range(2):
        recorder.sample()
        for _ in range(2):
            recorder.prepare(torch.tensor([0, 1]))
    assert (recorder.episodes().seconds / DT).tolist() == [1.0] * 4


# ---------------------------------------------------------------- terrain


class TwoByThree:
    """Two levels of three columns; the first two columns are of one type."""

    num_rows, num_cols, tile_length, tile_width = 2, 3, 10.0, 10.0
    env_origins = torch.arange(18.0).view(2, 3, 3).numpy()
    tile_types = [["stairs", "stairs", "gap"], ["stairs", "stairs", "gap"]]
    difficulties = torch.tensor([[0.0, 0.0, math.nan], [0.5, 0.5, math.nan]]).numpy()
    finish_x = torch.full((2, 3), math.nan).numpy()


def test_tiles_are_visited_equally_often_by_few_robots_too():
    env = ScriptedEnv(never, num_envs=4, max_episode_length=1, terrain=TwoByThree())
    episodes = run_episodes(env, CountingPolicy(), 3)
    visits = torch.bincount(episodes.levels * 3 + episodes.types, minlength=6)
    assert visits.tolist() == [2] * 6
    where = [TwoByThree.env_origins[level, kind].tolist() for level, kind in zip(env.terrain_levels, env.terrain_types)]
    assert env.env_origins.tolist() == where


class TwoKinds(ScriptedEnv):
    """Environment 0 does one thing first and another one then, environment 1 the latter always."""

    def episode_kinds(self):
        return ["walk", "dance"], torch.stack((self._episode.clamp_max(1), torch.ones_like(self._episode)), 1).diag()


def test_kinds_of_episodes_are_told_apart():
    """Lengths of 2, and of 3, 4 and 4 s."""
    lengths = {(0, 0): 2, (0, 1): 3}
    env = TwoKinds(lambda n, episode: lengths.get((n, episode), 4), max_episode_length=4)
    env.metrics["age"] = (Metric("max"), lambda: env._age)
    found = evaluate(env, CountingPolicy(), 4)["episode_kinds"]
    assert {name: (entry["episodes"], entry["age"]["mean"]) for name, entry in found.items()} == {
        "walk": (1, pytest.approx(1.0)),
        "dance": (3, pytest.approx((2.0 + 3.0 + 3.0) / 3)),
    }


def test_kinds_of_episodes_choose_their_tiles_themselves():
    env = TwoKinds(never, max_episode_length=1, terrain=TwoByThree())
    env.metrics = {"age": (Metric(), lambda: env._age)}
    result = evaluate(env, CountingPolicy(), 4)
    assert "terrain" not in result and not env.terrain_levels.any() and not env.terrain_types.any()
    assert "episode_kinds" not in evaluate(ScriptedEnv(never, max_episode_length=1), CountingPolicy(), 2)


def test_success_by_type_and_level():
    """Levels 0 and 1 of column 0 to 2; three of five succeed."""
    episodes = Episodes(
        values={"success_rate": torch.tensor([True, False, False, True, False])},
        seconds=torch.ones(5),
        fell=torch.tensor([False, False, True, False, False]),
        levels=torch.tensor([0, 0, 0, 1, 1]),
        types=torch.tensor([0, 1, 1, 2, 2]),
        kinds=torch.zeros(5, dtype=torch.long),
    )
    entries = {"success_rate": Metric("last", ground="tiles"), "age": Metric()}
    table = terrain_table(episodes, entries, 20.0, TwoByThree())
    assert set(table) == {"stairs", "gap"}
    easy, hard = table["stairs"]
    assert (easy["level"], easy["difficulty"], easy["episodes"]) == (0, 0.0, 3)
    assert easy["success_rate"]["mean"] == pytest.approx(1 / 3)
    assert easy["fall_share"]["mean"] == pytest.approx(1 / 3)
    assert (hard["episodes"], hard["success_rate"]["mean"]) == (0, None)
    assert table["gap"][1]["success_rate"]["mean"] == 0.5
    assert table["gap"][1]["difficulty"] is None
    assert "age" not in easy


def test_success_is_no_fall_and_further_than_half_a_tile():
    """Robots come 7.5 m far, half a tile is 5 m; who falls has not succeeded."""
    env = ScriptedEnv(lambda n, episode: 2 if n == 1 else 10**6, max_episode_length=3, terrain=TwoByThree())
    metrics = evaluate(env, CountingPolicy(), 2)["metrics"]
    assert metrics["success_rate"] == intervals.share(torch.tensor([True, False]))
    env.terrain.tile_length = 16.0
    assert evaluate(env, CountingPolicy(), 2)["metrics"]["success_rate"]["mean"] == 0.0
    assert "success_rate" not in ScriptedEnv(never).metrics and "x_displacement" not in env.metrics


# ---------------------------------------------------------------- intervals


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    # Wilson's formula worked out with z = 1.96: 0 of 10 gives z^2 / (10 + z^2) above
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (1, 1000, 0.00018, 0.00565)],
)
def test_wilson_intervals(hits, count, low, high):
    result = intervals.share(torch.arange(count) < hits)
    assert result["mean"] == hits / count
    assert result["ci95"] == pytest.approx([low, high], abs=1e-4)


@pytest.mark.parametrize(
    ("dof", "quantile"), [(1, 12.706), (2, 4.303), (3, 3.182), (9, 2.262), (30, 2.042), (999, 1.962)]
)
def test_student_t_against_the_printed_table(dof, quantile):
    assert intervals.student_t(dof) == pytest.approx(quantile, rel=2e-3)


def test_with_equal_denominators_the_interval_is_that_of_a_mean():
    # 1 2 3 4: standard deviation sqrt(5/3), standard error 0.6455, t(3) = 3.182
    result = intervals.ratio_of_sums(torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.ones(4))
    assert result["mean"] == 2.5
    assert result["ci95"] == pytest.approx([2.5 - 2.054, 2.5 + 2.054], abs=4e-3)


def test_ratios_weigh_by_the_denominator():
    assert intervals.ratio_of_sums(torch.tensor([10.0, 0.0]), torch.tensor([1.0, 9.0]))["mean"] == 1.0


def test_ratio_intervals_cover_the_truth_as_often_as_they_say():
    generator = torch.Generator().manual_seed(2)
    hits = 0
    for _ in range(500):
        lengths = torch.where(torch.rand(60, generator=generator) < 0.3, 1.0, 20.0)
        # short episodes are bad ones: 2 a second instead of 1
        rates = torch.where(lengths == 1.0, 2.0, 1.0) + 0.3 * torch.randn(60, generator=generator)
        low, high = intervals.ratio_of_sums(rates * lengths, lengths)["ci95"]
        truth = (0.3 * 2.0 * 1.0 + 0.7 * 1.0 * 20.0) / (0.3 * 1.0 + 0.7 * 20.0)
        hits += low <= truth <= high
    assert 0.92 < hits / 500 < 0.98


def test_too_little_to_tell_is_none():
    assert intervals.ratio_of_sums(torch.ones(1), torch.ones(1)) == {"mean": 1.0, "ci95": [None, None]}
    assert intervals.ratio_of_sums(torch.zeros(0), torch.zeros(0))["mean"] is None
    assert intervals.share(torch.zeros(0, dtype=torch.bool))["ci95"] == [None, None]
