"""Students of parkour: what their camera sees of a hurdle, and a whole life: taught, logged, exported, evaluated."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from legged_gym.envs.parkour.parkour_robot import ParkourRobot
from legged_gym.envs.registry import find
from legged_gym.errors import UserError
from legged_gym.scripts import evaluate, train
from rsl_rl.models.saved_policy import build_policy
from rsl_rl.utils.errors import RslRlError
from tests.policies.tiny_run import export

TASK = "galileo_parkour_student"
FEW = ["--headless", "--sim=mujoco", "--device=cpu", "--num_envs=3", "--num_threads=1"]
SMALL = [
    *FEW, "--max_iterations=1", "--num_steps_per_env=8", "--train.algorithm.num_learning_epochs=1",
    "--env.env.episode_length_s=0.1", "--logger=none",
]  # fmt: skip
STUDENT = [
    *SMALL, "--env.depth_camera.image_shape=[12,16]", "--train.algorithm.batch_size=3",
    "--train.algorithm.sequence_length=4", "--train.algorithm.bc_initial_samples=0",
    "--train.policy.encoders.scan.rnn_hidden_size=6",
]  # fmt: skip
# as the task's own, with networks that are made in a moment
NETWORKS = """
train:
  policy:
    encoders:
      proprioception: {}
      scan: {hidden_dims: [8], output_dim: 32}
      hurdles: {}
      nearest: {}
      explicit: {}
      latent: {hidden_dims: [8, 20]}
    actor: {hidden_dims: [8], experts: {names: [flat, jump, crawl], gate: {groups: [nearest], hidden_dims: [4]}}}
    critic: {groups: [proprioception], hidden_dims: [8]}
  algorithm:
    num_mini_batches: 1
    symmetry: none
    extensions:
      estimator: {encoder: explicit, network: {groups: [proprioception], hidden_dims: [8], output_dim: 9}}
      adaptation:
        encoder: latent
        network: {groups: [history], history_conv: {frames: 10}, hidden_dims: [20]}
      experts: {}
  runner: {policy_class_name: ActorCritic}
"""


def test_the_camera_sees_bars_where_they_are() -> None:
    """The bar of 0.2 m is in the air from 0.24 to 0.31 m, its face 0.03 m before the hurdle's place at 4 m."""
    env_cfg, _ = find(TASK).new_cfgs()
    env_cfg.update({"env": {"num_envs": 2}, "hurdles": {"layout": "competition"}, "sim": {"num_threads": 1}})
    still = {"pitch": 0.0, "pitch_jitter": 0.0, "position_jitter": 0.0, "image_shape": [58, 87]}
    env_cfg.update({"depth_camera": {**still, "noise": {"enabled": False}}})
    env = ParkourRobot(env_cfg, sim="mujoco", seed=1)
    env.reset()
    everyone, states = torch.arange(2), env.root_states.clone()
    states[:, :3] = env.env_origins + torch.tensor([2.5, 0.0, 0.45])
    states[:, 3:7] = torch.tensor([0.0, 0.0, 0.0, 1.0])
    env.sim.set_root_states(everyone, states)
    env.depth_camera.reset(everyone)
    images = (env.depth_camera.images + 0.5) * 3.0
    assert images.shape == (2, 2, 58, 87) and torch.equal(images[:, 0], images[:, 1])
    face = 4.0 - 0.03 - (2.5 + 0.45)
    # Square pixels: 98 of 106 columns, which see 87 degrees, are 87 of the image; 58 of 60 rows are as many.
    slopes = (30.0 - (np.arange(58) + 0.5)) * math.tan(math.radians(43.5)) / 53.0
    heights = 0.45 + 0.05 + slopes * face
    middle = images[0, 0, :, 43].numpy()
    bar = (heights > 0.245) & (heights < 0.305)
    assert bar.sum() >= 2
    np.testing.assert_allclose(middle[bar], face, atol=1e-4)
    above = (heights > 0.32) & (heights < 0.5)
    assert (middle[above] > face + 0.5).all()
    env.close()


def test_first_stages_are_drawn() -> None:
    env_cfg, _ = find(TASK).new_cfgs()
    env_cfg.update({"env": {"num_envs": 64}, "hurdles": {"start_stages": [3, 5]}, "sim": {"num_threads": 1}})
    env_cfg.update({"depth_camera": {"image_shape": [2, 2]}})
    env = ParkourRobot(env_cfg, sim="mujoco", seed=1)
    assert set(env.hurdles.stages.tolist()) == {3, 4, 5}
    env.close()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A teacher and a student that have learned for a moment."""
    root = tmp_path_factory.mktemp("runs")
    (root / "networks.yaml").write_text(NETWORKS)
    teacher, student = root / "teacher", root / "student"
    train.main(["--task=galileo_parkour", *SMALL, f"--cfg={root}/networks.yaml", f"--run_folder={teacher}"])
    train.main([f"--task={TASK}", *STUDENT, f"--teacher={teacher}", f"--run_folder={student}"])
    return teacher, student


def test_what_is_logged(runs: tuple[Path, Path]) -> None:
    _, student = runs
    logged = json.loads((student / "metrics.jsonl").read_text().splitlines()[0])
    names = ["depth_actor", "yaw", "total", "delta_yaw_ok_percent"]
    expected = {*(f"Loss_depth/{name}" for name in names), "Loss/hurdles", "Loss/nearest", "Loss/learning_rate"}
    expected |= {"Perf/total_fps", "Perf/collection time", "Perf/learning_time", "Train/mean_reward"}
    expected |= {
        "Episode_Reward/reward_tracking_yaw",
        "Metrics/base_parkour/current_goal_idx",
        "Train/mean_episode_length",
    }
    assert expected <= set(logged)
    assert logged["Loss_depth/delta_yaw_ok_percent"] == 100.0, "goals are straight ahead at the start"
    parts = sum(logged[f"Loss{name}"] for name in ("_depth/depth_actor", "_depth/yaw", "/nearest"))
    assert logged["Loss_depth/total"] == pytest.approx(parts + 0.2 * logged["Loss/hurdles"], rel=1e-4)


def test_a_student_acts_on_what_a_robot_has(runs: tuple[Path, Path]) -> None:
    teacher, student = runs
    taught, _ = build_policy(str(teacher / "model_1.pt"))
    policy, _ = build_policy(str(student / "model_1.pt"))
    assert set(policy.actor.groups) == {"depth", "proprioception", "history"}
    for name in ("encoders.explicit", "encoders.latent"):  # frozen
        for own, theirs in zip(
            policy.actor.get_submodule(name).parameters(), taught.actor.get_submodule(name).parameters()
        ):
            assert torch.equal(own, theirs)
    obs = {
        "proprioception": torch.randn(2, 53),
        "history": torch.randn(2, 530),
        "depth": torch.rand(2, 2, 12, 16) - 0.5,
    }
    turned = {**obs, "proprioception": obs["proprioception"].clone()}
    turned["proprioception"][:, 6:8] += 1.0
    assert torch.equal(policy.act_inference(obs)[0], policy.act_inference(turned)[0])


def test_export_keeps_the_memory_outside(runs: tuple[Path, Path], tmp_path: Path) -> None:
    """Both files follow the network for 200 steps, or nothing is written."""
    _, description = export(runs[1], tmp_path)
    assert (tmp_path / "policy.onnx").exists() and (tmp_path / "policy.pt").exists()
    assert [entry["name"] for entry in description["inputs"]] == ["proprioception", "depth", "history", "scan.h_in"]
    assert description["inputs"][1]["shape"] == ["batch", 2, 12, 16]
    assert description["memory"][0]["shape"] == [1, "batch", 6]
    (predicted,) = description["predicted"]["columns"]
    assert predicted == {"observation": "proprioception", "columns": [6, 8], "name": "yaw"}


def test_teacher_and_student_in_one_table(runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--sim=mujoco", "--device=cpu", "--num_threads=1", "--num_episodes=2", "--env.env.episode_length_s=0.1"]
    evaluate.main([*few, "--no_grid", "--compare", *map(str, runs)])
    table = capsys.readouterr().out
    assert "teacher/model_1" in table and "student/model_1" in table
    rows = {line.split()[0]: line.split()[1:] for line in table.splitlines() if line.strip()}
    assert "success" in rows
    # Before it has learned the camera tells little: the turns are about as large as what it is wrong by.
    assert rows["predicted_yaw_1_error"][0] == "-", "a teacher predicts nothing"
    assert 0.0 < float(rows["predicted_yaw_1_error"][1]) < 1.5


def test_mistakes(runs: tuple[Path, Path], tmp_path: Path) -> None:
    teacher, _ = runs
    plain = yaml.safe_load(NETWORKS)
    plain["train"]["algorithm"]["extensions"] = {"estimator": None, "adaptation": None}
    (tmp_path / "plain.yaml").write_text(yaml.safe_dump(plain))
    bare = tmp_path / "bare"
    train.main(["--task=galileo_parkour", *SMALL, f"--cfg={tmp_path}/plain.yaml", f"--run_folder={bare}"])
    lines = {
        "is a policy of task 'galileo_parkour', not 'galileo_parkour_student'": [f"--policy={teacher}", "evaluate"],
        "there is no run, checkpoint or shipped policy 'nobody'": ["--teacher=nobody"],
        "the student would read 'explicit'": [f"--teacher={bare}"],
    }
    for words, flags in lines.items():
        with pytest.raises((UserError, RslRlError)) as caught:
            if flags[-1] == "evaluate":
                evaluate.main([f"--task={TASK}", flags[0], "--num_episodes=1"])
            else:
                train.main([f"--task={TASK}", *STUDENT, *flags, f"--run_folder={tmp_path}/none"])
        assert words in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "none").exists(), "nothing is written"
