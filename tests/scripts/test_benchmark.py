"""benchmark.py at its smallest: what the result holds, and that engine and environment do the same physics."""

from __future__ import annotations

import json
import statistics

import pytest
import torch

from legged_gym.errors import UserError
from legged_gym.inspection import benchmarking
from legged_gym.scripts import benchmark
from legged_gym.utils import training
from legged_gym.utils.cli import get_args
from legged_gym.utils.options import CommandLine
from legged_gym.utils.task_registry import task_registry

TINY = [
    "--task=a1_flat",
    "--sim=mujoco",
    "--rl_device=cpu",
    "--num_envs=4",
    "--train.runner.num_steps_per_env=2",
    "--train.policy.actor_hidden_dims=[8]",
    "--train.policy.critic_hidden_dims=[8]",
]
SPEEDS = [
    "raw_engine_steps_per_s",
    "env_steps_per_s",
    "policy_env_steps_per_s",
    "train_samples_per_s",
    "train_samples_per_s_bfloat16",
]
RATIOS = ["env_over_raw", "policy_env_over_raw", "train_over_raw", "train_bfloat16_over_raw"]


def test_the_result_holds_speeds_ratios_and_the_machine(tmp_path, capsys):
    path = tmp_path / "result.json"
    benchmark.main([*TINY, "--blocks=2", f"--json={path}"])
    result = json.loads(path.read_text())
    assert all(result[name] > 0 for name in SPEEDS)
    assert list(result["ratios"]) == RATIOS
    assert set(result["quartiles"]) == {*SPEEDS, *RATIOS}
    for name, (low, high) in result["quartiles"].items():
        assert low <= result.get(name, result["ratios"].get(name)) <= high
    assert (result["kind"], result["task"], result["num_envs"]) == ("benchmark", "a1_flat", 4)
    assert (result["blocks"], result["steps_per_block"], result["decimation"]) == (2, 2, 4)
    assert {"machine", "versions", "commit", "command", "torch_threads", "train"} <= set(result)
    out = capsys.readouterr().out
    assert "iteration" not in out  # what training prints stays inside
    for name in SPEEDS + RATIOS:
        assert f"\n{name} " in out


def test_training_can_be_left_out(tmp_path):
    path = tmp_path / "result.json"
    benchmark.main([*TINY, "--blocks=1", "--no_train", f"--json={path}"])
    assert list(json.loads(path.read_text())["ratios"]) == RATIOS[:2]


def test_a_student_is_measured_in_both_precisions(tmp_path):
    path = tmp_path / "result.json"
    small = ["--env.terrain.num_rows=1", "--env.terrain.num_cols=1", "--env.terrain.tile_types=[lane_flat]",
             "--env.terrain.max_init_terrain_level=0", "--train.algorithm.sequence_length=2",
             "--train.runner.num_steps_per_env=2", "--train.runner.teacher=a1_vision"]  # fmt: skip
    flags = ["--task=a1_vision_student", "--sim=mujoco", "--rl_device=cpu", "--num_envs=2", "--blocks=1"]
    benchmark.main([*flags, *small, f"--json={path}"])
    assert list(json.loads(path.read_text())["ratios"]) == RATIOS


@pytest.mark.parametrize("sim", ["mujoco", "mujoco_warp"])
def test_a_profile_says_where_the_time_goes(sim, tmp_path, capsys):
    if sim == "mujoco_warp":
        pytest.importorskip("mujoco_warp")
    path = tmp_path / "result.json"
    benchmark.main([*TINY, f"--sim={sim}", "--sim_device=cpu", "--profile", "--blocks=1", f"--json={path}"])
    result, out = json.loads(path.read_text()), capsys.readouterr().out
    assert (result["kind"], result["sim"], result["iterations"], result["substeps"]) == ("profile", sim, 1, 8)
    parts = ["policy", "physics", "rest of the environment", "returns", "learning", "rest"]
    assert list(result["parts_ms"]) == parts
    stages = ["collision", "constraints", "solver", "contact forces of bodies", "rest", "whole"]
    assert list(result["stages_ms"]) == (stages if sim == "mujoco_warp" else [])
    assert all(value > 0 for value in [*result["parts_ms"].values(), *list(result["stages_ms"].values())[:4]])
    # that every step waits twice is held by test_device_waits.py; the learner in it adds nothing
    assert result["waits"]["per_step"] == 2.0
    assert sum(result["waits"]["places"].values()) <= result["waits"]["per_iteration"]
    assert "| physics |" in out and f"waits for the device: {result['waits']['per_iteration']}" in out


def test_a_profile_is_of_training():
    with pytest.raises(UserError, match="--profile is of training: leave out --no_train"):
        benchmark.main([*TINY, "--profile", "--no_train"])


def test_no_blocks_are_a_mistake():
    with pytest.raises(UserError, match="--blocks: expected a whole number of at least 1, got '0'"):
        benchmark.main([*TINY, "--blocks=0"])


def test_both_precisions_are_measured_whatever_the_config_says():
    command = CommandLine.read(get_args([*TINY, "--train.algorithm.precision=bfloat16"]))
    plan = training.plan_training(command).settled()
    env = training.make_env(plan)
    for precision in benchmark.PRECISIONS:
        assert benchmark.make_runner(plan, env, precision).algorithm.settings.precision == precision
    env.close()


def test_the_engine_repeats_the_physics_of_the_environment_bit_for_bit():
    """Robots of different mass and friction, pushed about by random actions, none of them reset meanwhile."""
    env, _ = task_registry.make_env("a1_flat", get_args([*TINY, "--env.terminations.base_contact=null"]))
    env.reset()
    replay = benchmarking.BatchReplay(env)
    work = benchmarking.env_work(env, 5)
    blocks = benchmarking.measure_blocks(env, replay, {"env_steps_per_s": work}, num_blocks=1)
    assert len(blocks["env_steps_per_s"]) == 1
    ours, theirs = env.sim.batch.bind("qpos"), replay._batch.bind("qpos")
    assert (ours == theirs).all()
    assert env.added_masses.unique().numel() == 4
    # watching is over, and the environment goes on from where it was
    assert "step" not in vars(env.sim)
    before = ours.copy()
    replay.replay()
    assert (ours == before).all()
    env.close()


def test_ratios_are_medians_of_ratios_of_neighbours():
    """The second block met a machine of half the speed: both of its halves took twice as long."""
    block = benchmarking.Block
    blocks = {
        "env_steps_per_s": [block(2.0, 1.0), block(4.0, 2.0), block(1.0, 0.9)],
        "train_samples_per_s": [block(10.0, 1.0), block(20.0, 3.0), block(10.0, 5.0)],
    }
    result = benchmarking.summarize(blocks, steps_per_block=100)
    assert result["env_steps_per_s"] == 50.0
    assert result["raw_engine_steps_per_s"] == 100.0
    assert result["ratios"] == {"env_over_raw": 0.5, "train_over_raw": statistics.median([0.1, 0.15, 0.5])}
    assert result["quartiles"]["env_over_raw"] == pytest.approx((0.5, 0.7))


def test_ages_are_mixed():
    env, _ = task_registry.make_env("a1_flat", get_args([*TINY, "--num_envs=64"]))
    benchmarking.mix_ages(env)
    ages = env.episode_length_buf
    assert ages.min() >= 0 and ages.max() < env.max_episode_length
    assert torch.unique(ages).numel() > 32
    env.close()
