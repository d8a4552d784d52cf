"""The measurement of collecting demonstrations, on a few robots: what it says, not how fast they are."""

from __future__ import annotations

import json

import pytest

from benchmarks import collect
from legged_gym.errors import UserError
from tests.demonstrations.demonstration_runs import A1


def test_the_result_says_what_was_measured(tmp_path, capsys):
    path = tmp_path / "result.json"
    collect.main([*A1, "--num_envs=64", "--max_steps=10", "--blocks=2", "--cpu_time", f"--json={path}"])
    result = json.loads(path.read_text())
    assert (result["kind"], result["task"], result["num_envs"]) == ("collection_benchmark", "a1_flat", 64)
    assert (result["clock"], result["max_steps"], result["blocks"]) == ("CPU time", 10, 2)
    # 796 bytes a step, hardly compressed, and the model
    assert 64 * 10 * 650 < 1e6 * result["megabytes_per_block"] < 64 * 10 * 796 + 200_000
    ratio = result["ratios"]["collect_over_raw"]
    assert 0.0 < ratio < 1.0
    assert ratio == pytest.approx(result["collect_steps_per_s"] / result["raw_engine_steps_per_s"], rel=0.5)
    assert "collect_over_raw" in capsys.readouterr().out


def test_cpu_time_is_of_one_thread():
    with pytest.raises(UserError, match="give --num_threads=1"):
        collect.main(["--policy=a1_flat", "--cpu_time"])
