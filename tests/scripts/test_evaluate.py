"""evaluate.py from the outside: a policy trained for a moment, its result as a table and as JSON."""

from __future__ import annotations

import json
import os

import pytest

from benchmarks import learning_curve
from legged_gym.errors import UserError
from legged_gym.evaluation import grid as evaluation_grid
from legged_gym.scripts import evaluate, train
from legged_gym.utils import run_folder
from tests.policies.tiny_run import make_run

TINY = [
    "--task=a1_flat",
    "--sim=mujoco",
    "--rl_device=cpu",
    "--env.env.episode_length_s=0.2",
]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder with logs of one iteration of a1_flat."""
    folder = tmp_path_factory.mktemp("runs")
    patch = pytest.MonkeyPatch()
    patch.setenv("LEGGED_GYM_LOGS", str(folder / "logs"))
    hidden = [f"--train.policy.{network}_hidden_dims=[8]" for network in ("actor", "critic")]
    train.main([*TINY, "--num_envs=4", "--max_iterations=1", "--logger=none", "--headless", *hidden])
    yield folder
    patch.undo()


def run(root, *flags):
    path = root / "results" / "result.json"
    evaluate.main([*TINY, "--no_grid", f"--json={path}", *flags])
    return json.loads(path.read_text())


def test_the_result_says_what_was_measured_on_what(root, capsys):
    result = run(root, "--num_envs=3", "--num_episodes=7", "--seed=5")
    # rounded up, so that everyone has the same number
    assert (result["num_envs"], result["num_episodes"], result["episode_length_s"]) == (3, 9, 0.2)
    assert (result["kind"], result["task"], result["seed"], result["sim"]) == ("evaluation", "a1_flat", 5, "mujoco")
    assert result["policy"].endswith("model_1.pt")
    assert result["command"].startswith("python legged_gym/scripts/evaluate.py --task=a1_flat")
    assert {"created", "commit", "uncommitted_changes", "machine", "versions", "intervals"} <= set(result)
    assert {"cpu", "cores", "memory_gib", "gpu", "load_average"} == set(result["machine"])
    names = [
        "lin_vel_xy_error",
        "ang_vel_error",
        "fall_rate",
        "mean_episode_length_s",
        "cost_of_transport",
        "mean_speed",
    ]
    assert list(result["metrics"]) == names
    for name in names:
        mean, (low, high) = result["metrics"][name]["mean"], result["metrics"][name]["ci95"]
        assert low <= mean <= high
    # nobody falls over within 0.2 s, and an episode is cut off in the step after its last
    assert result["metrics"]["fall_rate"]["mean"] == 0.0
    assert result["metrics"]["mean_episode_length_s"]["mean"] == pytest.approx(0.22)
    out = capsys.readouterr().out
    for name in names:
        assert f"\n{name} " in out


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(root):
    flags = ("--num_envs=2", "--num_episodes=2")
    first = run(root, *flags)["metrics"]
    assert run(root, *flags)["metrics"] == first
    assert run(root, *flags, "--seed=3")["metrics"] != first


def test_a_learning_curve_has_a_point_for_every_checkpoint(root):
    path = root / "curve.json"
    (run_dir,) = run_folder.list_runs(str(root / "logs" / "flat_a1"))
    learning_curve.main([*TINY, "--num_envs=2", "--num_episodes=2", f"--runs={run_dir}", f"--json={path}"])
    curve = json.loads(path.read_text())
    assert (curve["kind"], curve["task"]) == ("learning_curve", "a1_flat")
    (run_curve,) = curve["runs"]
    assert [point["iteration"] for point in run_curve["points"]] == [0, 1]
    assert [point["samples"] for point in run_curve["points"]] == [0, 4 * 24]
    # the last point is what evaluate.py measures for that checkpoint, to the digit
    metrics = run(root, "--num_envs=2", "--num_episodes=2")["metrics"]
    last = run_curve["points"][-1]["metrics"]
    assert last == {name: metrics[name] for name in last}


def test_policies_side_by_side(root, capsys):
    """The same policy by the name of its run and by its path: what evaluate.py measures for it, twice."""
    (folder,) = run_folder.list_runs(str(root / "logs" / "flat_a1"))
    path, small = root / "comparison.json", ("--num_envs=2", "--num_episodes=4")
    evaluate.main([*TINY[1:], "--no_grid", f"--json={path}", *small, "--compare", os.path.basename(folder), folder])
    out = capsys.readouterr().out
    comparison = json.loads(path.read_text())
    assert (comparison["kind"], comparison["seed"], comparison["num_episodes"]) == ("comparison", 1000, 4)
    assert {"created", "command", "machine", "versions"} <= set(comparison)
    alone = run(root, *small)
    for policy in comparison["policies"]:
        assert policy["name"] == f"{os.path.basename(folder)}/model_1"
        assert {key: policy[key] for key in policy if key != "name"} == {
            key: alone[key] for key in policy if key != "name"
        }
    mean = f"{alone['metrics']['lin_vel_xy_error']['mean']:.3f} ("
    (line,) = (line for line in out.splitlines() if line.startswith("lin_vel_xy_error"))
    assert line.count(mean) == 2
    assert f"\nA  a1_flat: {os.path.basename(folder)}/model_1\nB  a1_flat: " in out


def test_a_policy_on_lanes(tmp_path):
    """A moment is enough to see what is written down; what it means is tested elsewhere."""
    types = "--env.terrain.tile_types=[lane_flat,lane_gaps]"
    folder = make_run(tmp_path, "a1_vision", types, "--env.terrain.num_rows=2", "--env.terrain.num_cols=2")
    path = tmp_path / "result.json"
    flags = [f"--policy={folder}", "--sim=mujoco", "--num_envs=2", "--num_episodes=4", "--env.env.episode_length_s=0.1"]
    flags.append("--no_grid")
    evaluate.main([*flags, f"--json={path}"])
    result = json.loads(path.read_text())
    assert list(result["metrics"])[-5:] == [
        "success_rate",
        "success_to_half_difficulty",
        "x_displacement",
        "mean_time_to_fall",
        "foot_edge_violations",
    ]
    assert result["metrics"]["success_rate"]["mean"] == 0.0
    assert [entry["difficulty"] for entry in result["terrain"]["lane_gaps"]] == [0.0, 1.0]
    assert list(result["terrain_types"]) == ["lane_flat", "lane_gaps"]
    assert sum(entry["episodes"] for entry in result["terrain_types"].values()) == result["num_episodes"] == 4
    with pytest.raises(UserError, match=r"--seed=1: .* was trained with this seed, so it knows the terrain"):
        evaluate.main([*flags, "--seed=1"])


def test_pure_commands_and_standing(root, capsys, monkeypatch):
    """A moment of each, with the settings of the command line but its episodes and its number of robots."""
    for name, value in (("EPISODE_S", 0.2), ("SETTLE_S", 0.04), ("WALK_S", 0.1)):
        monkeypatch.setattr(evaluation_grid, name, value)
    path, ranges = root / "grid.json", "--env.commands.ranges.lin_vel_x=[0,0.5]"
    evaluate.main([*TINY, "--num_envs=20", "--num_episodes=20", ranges, f"--json={path}"])
    result, out = json.loads(path.read_text()), capsys.readouterr().out
    cells = result["pure_commands"]["cells"]
    assert [cell["start"] for cell in cells] == ["nominal"] * 15 + ["randomised"] * 15
    assert [cell["command"] for cell in cells[:4]] == [[0.2, 0, 0], [0.3, 0, 0], [0.5, 0, 0], [0, 0.25, 0]]
    assert [cell["episodes"] for cell in cells[14:16]] == [1, 2]
    # nobody falls or gets going within 0.2 s
    assert result["pure_commands"]["worst"]["falls"]["mean"] == 0.0
    assert result["pure_commands"]["worst"]["lin_vel_xy_error"]["cell"].startswith(("left, fast", "right, fast"))
    counts = {start: [part["episodes"] for part in parts.values()] for start, parts in result["stand_still"].items()}
    assert counts == {"nominal": [1, 5], "randomised": [1, 5]}
    (line,) = (line for line in out.splitlines() if line.startswith("left       middle   0.60"))
    assert line.split()[3] == line.split()[7] == "0.000"
    assert "randomised, from walking" in out


def test_rough_terrain_is_told_by_type_and_level(capsys):
    entry = {"level": 1, "difficulty": 0.1, "episodes": 2, "success_rate": {"mean": 0.5}, "fall_share": {"mean": 0.5}}
    empty = {**entry, "level": 0, "success_rate": {"mean": None}}
    result = {"num_episodes": 2, "metrics": {}, "terrain": {"stairs_up": [empty, entry], "gap": [entry]}}
    lines = evaluate.format_result(result).splitlines()[-3:]
    assert [line.split()[-2:] for line in lines] == [["0", "1"], ["-", "50"], ["-", "50"]]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--compare", "a1_flt"], "'a1_flt' is no file or folder, run, shipped policy or task; did you mean a1_flat"),
        (["--compare", "a1_flat", "--task=a1_flat"], "--task does not go with --compare"),
        (["--compare"], "expected at least one argument"),
        (["--task=a1_flt"], "unknown task 'a1_flt'; did you mean a1_flat"),
        (["--task=a1_flat", "--num_episodes=0"], "--num_episodes: expected a whole number of at least 1, got '0'"),
        (["--task=a1_flat", "--episodes=3"], "did you mean --num_episodes"),
        (["--task=a1_flat", "--json=/proc/nowhere/result.json"], "--json=/proc/nowhere/result.json: cannot write to"),
        (["--task=a1_flat", "--experiment_name=never_trained"], "no run with a checkpoint"),
    ],
)
def test_mistakes_are_told_before_anything_is_measured(flags, message):
    with pytest.raises(UserError) as caught:
        evaluate.main(flags)
    assert message in str(caught.value)
