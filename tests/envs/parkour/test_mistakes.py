"""Mistakes with courses: one line each, before anything is made."""

from __future__ import annotations

from typing import Any

import pytest

from legged_gym.envs.parkour.galileo_config import GalileoParkourCfg
from legged_gym.envs.parkour.go2_config import Go2ParkourCfg
from legged_gym.errors import UserError
from legged_gym.policies.policy_io import find_policy
from legged_gym.terrain import Terrain
from tests.policies.tiny_run import flags


@pytest.mark.parametrize(
    ("path", "text", "problem"),
    [
        ("hurdles.mode", "swim", r"env\.hurdles\.mode: expected mixed, jump or crawl, got 'swim'"),
        ("hurdles.layout", "auto", r"env\.hurdles\.layout: expected stages or competition, got 'auto'"),
        ("hurdles.competition", "[0.2,3.0]", r"competition\[1\]: expected a number from 0\.05 to 1 \(m\), got 3\.0"),
        ("hurdles.competition", "[0.0]", r"competition\[0\]: expected a number from 0\.05 to 1 \(m\), got 0\.0"),
        ("hurdles.competition", "[]", r"env\.hurdles\.competition: expected a list of at least 1 numbers, got \[\]"),
        ("hurdles.crawl_above", "-1", r"env\.hurdles\.crawl_above: expected a number above 0"),
    ],
)
def test_hurdles_that_cannot_be(path: str, text: str, problem: str):
    with pytest.raises(UserError, match=problem) as caught:
        cfg: Any = GalileoParkourCfg()
        cfg.set(path, text, "env.")
        cfg.check()
    assert "\n" not in str(caught.value)


def test_tiles_that_are_not_there():
    cfg: Any = Go2ParkourCfg()
    cfg.terrain.tile_types = ["parkour_hurdles"]
    with pytest.raises(UserError, match=r"terrain.tile_types: 'parkour_hurdles' is unknown; did you mean .*hurdle"):
        Terrain(cfg.terrain, 1)


def test_a_policy_of_a_teacher_is_none_of_its_student(tmp_path):
    """Nor does a student begin without a teacher; see test_start_points.py."""
    (tmp_path / "model_1.pt").write_bytes(b"")
    (tmp_path / "config.yaml").write_text("task: go2_parkour\nenv: {}\ntrain: {}\n")
    argv = ["--task=Isaac-Go2-Parkour-Student-Play-v0", f"--checkpoint={tmp_path}/model_1.pt"]
    with pytest.raises(UserError, match=r"is a policy of task 'go2_parkour', not 'Isaac-Go2-Parkour-Student-Play-v0'$"):
        find_policy(flags(*argv))
