"""Episode statistics against numbers added up by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from rsl_rl.runners.episode_statistics import WINDOW, EpisodeStatistics
from rsl_rl.utils.distributed import Distributed


def feed(statistics: EpisodeStatistics, rewards: list[float], dones: list[bool], log: dict | None = None) -> None:
    statistics.step(torch.tensor(rewards), torch.tensor(dones), log)


def test_returns_and_lengths_by_hand() -> None:
    statistics = EpisodeStatistics(3, "cpu")
    feed(statistics, [1.0, 10.0, 100.0], [False, True, False])  # env 1 ends: return 10, length 1
    feed(statistics, [2.0, 20.0, 200.0], [True, False, False])  # env 0 ends: return 1 + 2 = 3, length 2
    assert statistics.mean_reward is None and statistics.mean_length is None, "only whole rollouts are looked at"
    statistics.end_rollout()
    assert statistics.mean_reward == (10 + 3) / 2 and statistics.mean_length == (1 + 2) / 2
    feed(statistics, [4.0, 40.0, 400.0], [False, True, True])  # 20 + 40 = 60 in 2 steps, 100 + 200 + 400 = 700 in 3
    statistics.end_rollout()
    assert statistics.mean_reward == (10 + 3 + 60 + 700) / 4 and statistics.mean_length == (1 + 2 + 2 + 3) / 4


def test_window_keeps_the_newest_episodes_in_order_of_time() -> None:
    statistics = EpisodeStatistics(2, "cpu")
    for step in range(WINDOW):  # 2 * WINDOW episodes of one step with returns 0, 1, 2, ...
        feed(statistics, [2.0 * step, 2.0 * step + 1], [True, True])
    statistics.end_rollout()
    newest = range(WINDOW, 2 * WINDOW)
    assert statistics.mean_reward == sum(newest) / WINDOW


def test_log_is_averaged_over_the_steps_that_have_it() -> None:
    statistics = EpisodeStatistics(1, "cpu")
    buffer = torch.tensor(3.0)
    feed(statistics, [0.0], [True], {"a": 1.0, "b": buffer})
    buffer.fill_(99.0)  # an environment may use its tensor again
    feed(statistics, [0.0], [False], None)
    feed(statistics, [0.0], [True], {"a": torch.tensor(4.0)})
    assert statistics.end_rollout() == {"a": 2.5, "b": 3.0}
    assert statistics.end_rollout() == {}


def test_counts_are_totals_of_a_rollout_and_there_without_an_episode_that_ends() -> None:
    statistics = EpisodeStatistics(1, "cpu")
    for count in (0, 2, torch.tensor(3)):
        statistics.step(torch.tensor([0.0]), torch.tensor([False]), None, {"failed": count})
    assert statistics.end_rollout() == {"failed": 5.0}
    statistics.step(torch.tensor([0.0]), torch.tensor([False]), None, {"failed": 0})
    assert statistics.end_rollout() == {"failed": 0.0}


def test_what_is_logged_is_of_all_processes() -> None:
    """By hand: returns 1, 2 in one process and 9 in the other; one of them logs what the other does not."""
    first, second = EpisodeStatistics(2, "cpu"), EpisodeStatistics(2, "cpu")
    first.step(torch.tensor([1.0, 2.0]), torch.tensor([True, True]), {"a": 4.0, "b": 1.0}, {"failed": 1})
    second.step(torch.tensor([9.0, 0.0]), torch.tensor([True, False]), {"a": 8.0}, {"failed": 2})
    second.step(torch.tensor([0.0, 0.0]), torch.tensor([False, False]), {"a": 9.0}, {"failed": 0})
    told: list[Any] = []

    class Group(Distributed):
        def gather_objects(self, value: Any) -> list[Any]:
            told.append(value)
            return told

    second.end_rollout(Group())
    assert first.end_rollout(Group()) == {"a": (4 + 8 + 9) / 3, "b": 1.0, "failed": 3.0}
    assert first.mean_reward == (1 + 2 + 9) / 3 and first.mean_length == 1.0


def test_dones_and_rewards_of_the_environment_may_be_used_again() -> None:
    statistics = EpisodeStatistics(2, "cpu")
    rewards, dones = torch.tensor([1.0, 2.0]), torch.tensor([True, False])
    statistics.step(rewards, dones, None)
    rewards.fill_(50.0)
    dones.fill_(True)
    statistics.end_rollout()
    assert statistics.mean_reward == 1.0


def test_state_goes_on_in_the_middle_of_episodes() -> None:
    first, second = EpisodeStatistics(2, "cpu"), EpisodeStatistics(2, "cpu")
    feed(first, [1.0, 2.0], [True, False])
    first.end_rollout()
    second.load_state_dict(first.state_dict())
    for statistics in (first, second):
        feed(statistics, [5.0, 6.0], [False, True])
        statistics.end_rollout()
        assert statistics.mean_reward == (1.0 + 8.0) / 2 and statistics.mean_length == 1.5


def test_small_rewards_after_large_ones_are_not_lost() -> None:
    statistics = EpisodeStatistics(1, "cpu")
    feed(statistics, [2.0**24], [False])
    for _ in range(3):
        feed(statistics, [1.0], [False])  # float32 would drop each: 2**24 + 1 == 2**24
    feed(statistics, [0.0], [True])
    statistics.end_rollout()
    assert statistics.mean_reward == pytest.approx(2.0**24 + 3, rel=0, abs=0)
