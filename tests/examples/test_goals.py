"""A task of new files alone, and of one line that registers it: trained, resumed, evaluated and exported."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import onnxruntime
import pytest
import torch

from examples.goals.config import GoalsCfg, GoalsCfgPPO
from examples.goals.course import GOALS
from examples.goals.robot import GoalRobot
from legged_gym.envs import registry
from legged_gym.scripts import evaluate, export, train

SMALL = [
    "--task=a1_goals", "--sim=mujoco", "--rl_device=cpu", "--env.env.episode_length_s=1",
    "--env.terrain.num_rows=2", "--env.terrain.num_cols=2",
]  # fmt: skip
TRAIN = [
    "--num_envs=4", "--logger=none", "--headless", "--train.policy.actor_hidden_dims=[8]",
    "--train.policy.critic_hidden_dims=[8]", "--train.runner.save_interval=2",
    "--train.runner.num_steps_per_env=8",
]  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("goals")
    patch = pytest.MonkeyPatch()
    patch.setattr(registry, "TASKS", dict(registry.TASKS))
    patch.setenv("LEGGED_GYM_LOGS", str(folder / "logs"))
    registry.register("a1_goals", "examples.goals.robot:GoalRobot", GoalsCfg, GoalsCfgPPO)  # the one line
    train.main([*SMALL, *TRAIN, "--max_iterations=4"])
    (run,) = (folder / "logs" / "goals_a1").iterdir()
    yield run
    patch.undo()


def test_a_resumed_training_is_the_one_that_was_never_stopped(run):
    resumed = run.with_name("resumed")
    shutil.copytree(run, resumed)
    os.remove(resumed / "model_4.pt")
    train.main([*SMALL, *TRAIN, "--resume", f"--load_run={resumed}", "--max_iterations=4"])
    expected, found = (
        torch.load(folder / "model_4.pt", weights_only=True)["model_state_dict"] for folder in (run, resumed)
    )
    assert expected.keys() == found.keys() and all(torch.equal(expected[name], found[name]) for name in expected)


def test_the_further_loss_is_logged(run):
    with open(run / "metrics.jsonl", encoding="utf-8") as file:
        last = json.loads(file.readlines()[-1])
    assert any("action_bounds" in name for name in last)


def test_an_evaluation_tells_the_metric(run, tmp_path):
    path = tmp_path / "result.json"
    evaluate.main([*SMALL, f"--load_run={run}", "--num_envs=4", "--num_episodes=4", f"--json={path}"])
    metrics = json.loads(path.read_text())["metrics"]
    assert 0.0 <= metrics["goals_reached"]["mean"] <= GOALS and "lin_vel_xy_error" in metrics


def test_the_exported_policy_says_what_it_remembers(run, tmp_path):
    export.main([*SMALL, f"--load_run={run}", f"--output={tmp_path}"])
    description = json.loads((tmp_path / "policy.json").read_text())
    terms = {term["name"]: term for term in description["observations"]["policy"]["terms"]}
    assert (terms["dof_pos"]["size"], terms["dof_pos"]["history"]) == (36, 3)
    assert (terms["goal"]["hold"], terms["goal"]["meaning"][:11]) == (5, "Where the n")
    session = onnxruntime.InferenceSession(str(tmp_path / "policy.onnx"))
    inputs = {"policy": np.zeros((1, 48 + 24 + 2), np.float32)}
    assert session.run(None, inputs)[0].shape == (1, 12)


def test_goals_by_hand():
    """At difficulty 0 the first goal is 1.5 m before the start and 0.2 m to its left; robots look along x."""
    cfg = GoalsCfg()
    cfg.update({"env": {"num_envs": 1}, "noise": {"add_noise": False}, "domain_rand": {"push_robots": False}})
    cfg.update({"terrain": {"num_rows": 1, "num_cols": 1, "max_init_terrain_level": 0}})
    env = GoalRobot(cfg, sim="mujoco", seed=1)
    env.reset()
    states = env.root_states.clone()
    states[0, :2], states[0, 3:7] = env.env_origins[0, :2], torch.tensor([0.0, 0.0, 0.0, 1.0])
    states[0, 7:9] = torch.tensor([0.5, 0.0])
    env.sim.set_root_states(torch.arange(1), states)
    assert env._obs_goal()[0].tolist() == pytest.approx([1.5, 0.2], abs=1e-5)
    assert float(env._reward_goal_progress()) == pytest.approx(0.5 * 1.5 / (1.5**2 + 0.2**2) ** 0.5)
    states[0, :2] += torch.tensor([1.5, 0.2])
    env.sim.set_root_states(torch.arange(1), states)
    env.step(torch.zeros(1, 12))
    assert float(env._metric_goals_reached()) == 1.0 and not env._termination_arrived()
    assert env._obs_goal()[0, 1] < -0.1  # the next one is on the other side
    env.close()
