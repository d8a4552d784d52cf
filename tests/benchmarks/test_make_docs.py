"""The pages say what the JSON files say."""

from __future__ import annotations

import json

import pytest

from benchmarks import make_docs
from benchmarks.learning_curve import chosen, read_times
from legged_gym.errors import UserError

ORIGIN = {
    "created": "2026-01-31 12:00:00 +0000",
    "command": "python some/script.py --flag",
    "commit": "0123456789abcdef",
    "uncommitted_changes": False,
    "machine": {"cpu": "Fast CPU", "cores": 2, "memory_gib": 8.0, "gpu": "Fast GPU", "load_average": 0.1},
    "versions": {"mujoco": "4.0.0", "torch": "2.13.0"},
}
BENCHMARK = {
    "kind": "benchmark",
    "task": "a1_flat",
    "num_envs": 512,
    "sim": "mujoco",
    "sim_device": "cpu",
    "raw_engine_steps_per_s": 36789.4,
    "env_steps_per_s": 32000.0,
    "ratios": {"env_over_raw": 0.87},
    "quartiles": {"env_over_raw": [0.86, 0.88]},
    **ORIGIN,
}


def estimate(mean):
    return {"mean": mean, "ci95": [mean - 0.01, mean + 0.01]}


def curve_point(iteration, error):
    metrics = {"lin_vel_xy_error": estimate(error), "fall_rate": {"mean": 0.5, "ci95": [None, None]}}
    return {"iteration": iteration, "seconds": 60.0 * iteration, "samples": 24576 * iteration, "metrics": metrics}


@pytest.fixture
def root(tmp_path):
    for folder in ("benchmarks/results", "docs/results"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def put(root, path, content):
    (root / path).write_text(json.dumps(content))


def pages(root):
    make_docs.main(str(root))
    return (root / "docs" / "benchmarks.md").read_text(), (root / "docs" / "results.md").read_text()


def test_without_measurements_the_pages_say_so(root):
    for page in pages(root):
        assert "Nothing has been measured yet." in page
        assert page.startswith("# ")


def test_speeds_and_ratios(root):
    put(root, "benchmarks/results/a1_flat_512.json", BENCHMARK)
    speeds, _ = pages(root)
    assert "| measurement | robots | physics | machine | engine alone | environment |" in speeds
    assert "| a1_flat_512 | 512 | mujoco | Fast CPU, 2 cores | 36,789 | 32,000 |" in speeds
    assert "| a1_flat_512 | 512 | mujoco | **0.87** (0.86–0.88) |  |" in speeds
    assert "- `python some/script.py --flag` — Fast CPU, 2 cores; mujoco 4.0.0" in speeds
    assert "commit 0123456789, 2026-01-31" in speeds


def test_collecting_demonstrations(root):
    measured = {"kind": "collection_benchmark", "collect_steps_per_s": 15000.4}
    ratios = {"ratios": {"collect_over_raw": 0.751}, "quartiles": {"collect_over_raw": [0.74, 0.76]}}
    put(root, "benchmarks/results/collect.json", {**BENCHMARK, **measured, **ratios})
    row = "| a1_flat | 512 | Fast CPU, 2 cores | 36,789 | 15,000 | **0.75** (0.74–0.76) |"
    assert row in pages(root)[0]


def test_the_first_iteration_adds_up_its_steps(root):
    steps = {"environment": [2.0, 1.0], "install": [30.0, 4.0], "train": [8.0, 12.4]}
    found = {
        "kind": "first_iteration",
        "torch": "torch==2.13.0",
        "installer": "pip",
        "command": "measure it",
        "commit": "abc",
        "created": "",
    }
    machine = {"cpu": "Fast CPU", "cores": 2, "load_average": 0.4}
    for python in ("3.9.1", "3.11.7"):
        result = {
            **found,
            "python": python,
            "machine": machine,
            "clone": {"clone": [1.0, 0.2], **steps},
            "wheel": steps,
        }
        put(root, f"benchmarks/results/first_iteration_{python}.json", result)
    lines = [line for line in pages(root)[0].splitlines() if line.startswith("| 3.")]
    assert lines[0] == "| 3.9.1 | clone | torch==2.13.0, pip | 41 | 0 | 18 | 4 | 12 |"
    assert lines[3] == "| 3.11.7 | wheel | torch==2.13.0, pip | 40 | 0 | 17 | 4 | 12 |"


def test_the_gpu_is_named_where_it_did_the_work(root):
    put(root, "benchmarks/results/a1_flat_gpu.json", {**BENCHMARK, "sim_device": "cuda:0"})
    assert "| Fast GPU |" in pages(root)[0]


def test_learners(root):
    times = {"act": 0.1, "returns": 0.01, "update": 1.0, "total": 1.11}
    result = {
        "torch": "2.13.0",
        "rsl_rl_lib": "5.5",
        "threads": 2,
        "rounds": 7,
        "seconds": {"ours_bfloat16": times, "reference_float32": times},
        "speed_relative_to_reference_float32": {
            "ours_bfloat16": {"update": 1.9, "total": 1.7},
            "reference_float32": {"update": 1.0, "total": 1.0},
        },
    }
    put(root, "benchmarks/results/ppo_update.json", result)
    speeds, _ = pages(root)
    assert "| this project | bfloat16 | 100 | 10 | 1,000 | 1,110 | 1.90 | 1.70 |" in speeds
    assert "| rsl-rl-lib 5.5 | float32 |" in speeds


def test_policies_and_terrain(root):
    cell = {"level": 0, "difficulty": 0.0, "episodes": 9, "success_rate": {"mean": 0.78}, "fall_share": {"mean": 0.1}}
    result = {
        "kind": "evaluation",
        "task": "a1",
        "policy": "resources/policies/a1/model.pt",
        "num_episodes": 1000,
        "metrics": {"lin_vel_xy_error": estimate(0.15), "cost_of_transport": {"mean": None, "ci95": [None, None]}},
        "terrain": {"stairs_up": [cell, {**cell, "level": 1, "success_rate": {"mean": None}}]},
        **ORIGIN,
    }
    put(root, "docs/results/a1.json", result)
    _, results = pages(root)
    assert "| a1 | `resources/policies/a1/model.pt` | 1000 | **0.150** (0.140–0.160) |  |" in results
    assert "| success in % at level | 0 | 1 |" in results
    assert "| stairs up | 78 |  |" in results
    assert "At least 9 episodes" in results


def test_the_worst_of_pure_commands(root):
    """And of standing; where nothing was measured there is no row."""

    def policy(name, still):
        worst = {"falls": {**estimate(0.5), "cell": "left, slow, nominal"}, "lin_vel_xy_error": estimate(0.3)}
        parts = {"rest": {"stand_still": estimate(0.9)}, "walking": {"stand_still": estimate(still)}}
        grid = {"pure_commands": {"cells": [], "worst": worst}, "stand_still": {"nominal": parts}}
        return {"task": "go2", "policy": name, "num_episodes": 9, "metrics": {}, **grid}

    for name in ("old", "new"):
        result = {"kind": "evaluation", **policy(name, 0.25), **ORIGIN}
        if name == "old":
            del result["pure_commands"]
        put(root, f"docs/results/{name}.json", result)
    _, results = pages(root)
    (row,) = [line for line in results.splitlines() if "left, slow" in line]
    columns = ["go2", "`new`", "**0.500** (0.490–0.510), left, slow, nominal", "**0.300** (0.290–0.310)", ""]
    assert row == f"| {' | '.join(columns)} | **0.250** (0.240–0.260) |"


def test_curves_are_drawn_and_their_ends_told(root):
    runs = [{"run": "some_run", "seed": seed, "points": [curve_point(0, 0.9), curve_point(3, 0.2)]} for seed in (1, 2)]
    curve = {"kind": "learning_curve", "task": "a1_flat", "sim": "mujoco", "runs": runs, **ORIGIN}
    put(root, "docs/results/a1_flat_curve.json", curve)
    _, results = pages(root)
    assert "(images/a1_flat_curve.png)" in results
    assert "| some_run | 2 | 3 | 0.1 | 3.0 | **0.200** (0.190–0.210) | 0.200 at 3.0 min |" in results
    image = root / "docs" / "images" / "a1_flat_curve.png"
    first = image.read_bytes()
    assert first.startswith(b"\x89PNG")
    make_docs.main(str(root))
    assert image.read_bytes() == first


def test_wall_clock_and_samples_come_from_the_metrics_of_the_run(tmp_path):
    rows = [{"iteration": n, "Train/time": 1.5 * n, "Train/total_timesteps": 24 * n} for n in (1, 2)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert read_times(str(tmp_path)) == {
        0: {"seconds": 0.0, "samples": 0},
        1: {"seconds": 1.5, "samples": 24},
        2: {"seconds": 3.0, "samples": 48},
    }
    with pytest.raises(UserError, match=r"cannot read .*nowhere"):
        read_times(str(tmp_path / "nowhere"))


def lane_policy(task, success):
    level = {"level": 0, "difficulty": 0.0, "episodes": 50, "success_rate": estimate(success)}
    return {
        "task": task,
        "metrics": {"success_to_half_difficulty": estimate(success)},
        "terrain_types": {"lane_gaps": {"episodes": 50, "success_rate": estimate(success)}},
        "terrain": {"lane_gaps": [level]},
    }


def test_policies_side_by_side(root):
    policies = [lane_policy("a1_vision", 0.9), lane_policy("a1_vision_blind", 0.25)]
    put(root, "docs/results/c.json", {"kind": "comparison", "num_episodes": 200, "policies": policies, **ORIGIN})
    _, results = pages(root)
    assert "|  | a1_vision | a1_vision_blind |" in results
    assert "| success up to difficulty 0.5 | **0.900** (0.890–0.910) | **0.250** (0.240–0.260) |" in results
    assert "| success, lane gaps | **0.900** (0.890–0.910) | **0.250** (0.240–0.260) |" in results
    assert "### Success on terrain: a1_vision_blind" in results
    assert "| lane gaps | 25 |" in results


def test_curves_of_lanes_are_judged_by_success(root):
    points = [curve_point(iteration, 0.1) for iteration in (0, 10, 20)]
    for point, success in zip(points, (0.0, 0.8, 0.7)):
        point["metrics"]["success_to_half_difficulty"] = estimate(success)
    curve = {"kind": "learning_curve", "task": "a1_vision", "runs": [{"run": "r", "seed": 1, "points": points}]}
    put(root, "docs/results/v.json", {**curve, **ORIGIN})
    _, results = pages(root)
    assert "**0.700** (0.690–0.710) | 0.800 at 10.0 min |" in results


def test_every_nth_checkpoint_and_the_last():
    checkpoints = [(iteration, f"model_{iteration}.pt") for iteration in range(0, 60, 10)]
    assert [iteration for iteration, _ in chosen(checkpoints, 2)] == [0, 20, 40, 50]
    assert chosen(checkpoints, 1) == checkpoints
