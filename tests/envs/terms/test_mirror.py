"""Mirrors of observation terms by kind, against what a mirror does to arrows, turns, legs and points."""

from __future__ import annotations

from typing import Any, List, Tuple

import pytest
import torch

from legged_gym.envs import A1FlatCfg
from legged_gym.envs.base.base_config import ObsTerm
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.terms.mirror import mirror_of_term, mirrored
from legged_gym.errors import UserError


class Robot(LeggedRobot):
    """A robot of a user with terms of every kind."""

    @mirrored("vector")
    def _obs_two_vectors(self) -> torch.Tensor:
        return self.root_states[:, 7:13]

    @mirrored("feet")
    def _obs_air(self) -> torch.Tensor:
        return self.feet_air_time

    @mirrored([1.0, -1.0])
    def _obs_signs(self) -> torch.Tensor:
        return self.root_states[:, :2]

    def _obs_own(self) -> torch.Tensor:
        return self.root_states[:, :2]

    def _mirror_own(self) -> Tuple[List[int], List[float]]:
        return [1, 0], [-1.0, -1.0]

    def _obs_untold(self) -> torch.Tensor:
        return self.root_states[:, :1]


class Derived(Robot):
    """What a more derived class says counts, whichever way it says it."""

    def _mirror_signs(self) -> Tuple[List[int], List[float]]:
        return [1, 0], [1.0, 1.0]

    @mirrored("same")
    def _obs_own(self) -> torch.Tensor:
        return self.root_states[:, :2]

    def _obs_air(self) -> torch.Tensor:
        return 2.0 * self.feet_air_time


def make_env(kind: Any = Robot, **terms: ObsTerm) -> LeggedRobot:
    cfg = A1FlatCfg()
    cfg.update({"env": {"num_envs": 1}})
    for name, entry in terms.items():
        setattr(cfg.observations.policy, name, entry)
    return kind(cfg, sim="mujoco", seed=1)


def test_kinds():
    env = make_env()
    assert mirror_of_term(env, "two_vectors", 6) == (list(range(6)), [1, -1, 1, 1, -1, 1])
    assert mirror_of_term(env, "base_ang_vel", 3) == ([0, 1, 2], [-1, 1, -1])
    # feet and legs FL, FR, RL, RR; hips turn about a forward axis
    assert mirror_of_term(env, "air", 4) == ([1, 0, 3, 2], [1] * 4)
    legs = [3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8]
    assert mirror_of_term(env, "dof_pos", 12) == (legs, [-1, 1, 1] * 4)
    assert mirror_of_term(env, "motor_strength", 12) == (legs, [1] * 12)
    assert mirror_of_term(env, "gain_factors", 2) == ([0, 1], [1, 1])
    assert mirror_of_term(env, "signs", 2) == ([0, 1], [1, -1])
    assert mirror_of_term(env, "own", 2) == ([1, 0], [-1, -1])
    assert mirror_of_term(env, "untold", 1) is None
    env.close()


def test_the_more_derived_class_has_the_word():
    env = make_env(Derived)
    assert mirror_of_term(env, "signs", 2) == ([1, 0], [1, 1])
    assert mirror_of_term(env, "own", 2) == ([0, 1], [1, 1])
    assert mirror_of_term(env, "air", 4) == ([1, 0, 3, 2], [1] * 4)  # a new method keeps the mirror of the old one
    env.close()


def test_a_term_without_a_mirror_leaves_the_robot_without_one():
    env = make_env(untold=ObsTerm())
    assert env.mirror_maps() is None
    env.close()


def test_an_unknown_kind_is_refused_where_it_is_written():
    with pytest.raises(UserError, match="@mirrored: there is no kind 'vectors'; did you mean vector"):
        mirrored("vectors")


@pytest.mark.parametrize(
    ("mirror", "message"),
    [
        (([0], [1.0]), "the observation own has 2 numbers, its mirror is one of 1"),
        (([0, 0], [1.0, 1.0]), "the observation own has 2 numbers"),
        (([1, 0], [1.0, -1.0]), "the observation own mirrored twice is not the observation itself"),
    ],
)
def test_a_mirror_that_does_not_fit_its_term_is_refused(monkeypatch, mirror, message):
    env = make_env(own=ObsTerm())
    monkeypatch.setattr(Robot, "_mirror_own", lambda self: mirror)
    with pytest.raises(UserError, match=f"algorithm.symmetry: {message}"):
        env.mirror_maps()
    env.close()
