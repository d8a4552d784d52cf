"""The runner of imitation on a toy environment: phases, resuming bit for bit, checkpoints, mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from rsl_rl.models.saved_policy import build_policy
from rsl_rl.runners import DaggerRunner, InferencePolicy, OnPolicyRunner
from rsl_rl.utils.checkpoint import latest_checkpoint, load_checkpoint, save_checkpoint
from rsl_rl.utils.distributed import Distributed
from rsl_rl.utils.errors import RslRlError
from tests.rsl_rl.extensions.examples import Onlooker, table
from tests.rsl_rl.runner_helpers import assert_same, assert_same_checkpoint, metrics
from tests.rsl_rl.toy_camera_env import ToyCameraEnv

N, STEPS, LENGTH = 6, 8, 4
TEACHER = {
    "seed": 2,
    "policy": {"actor_hidden_dims": [8], "critic_hidden_dims": [8], "actor_obs_groups": ["critic"]},
    "algorithm": {"num_learning_epochs": 1, "num_mini_batches": 1},
    "runner": {"num_steps_per_env": 5, "logger": "none"},
}


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A checkpoint of a policy that sees positions and velocities without noise."""
    folder = tmp_path_factory.mktemp("teacher")
    runner = OnPolicyRunner(ToyCameraEnv(), TEACHER, str(folder))
    runner.learn(2)
    return latest_checkpoint(str(folder))


def config(teacher: str | None, **runner: Any) -> dict[str, Any]:
    return {
        "seed": 5,
        "policy": {
            "encoders": {"policy": {}, "depth": {"conv": {"channels": [2], "average_pool": None, "output_dim": 4}}},
            "rnn_type": "gru",
            "rnn_hidden_size": 6,
            "actor_hidden_dims": [8],
            "critic_hidden_dims": [8],
            "normalize_observations": True,
        },
        "algorithm": {
            "bc_initial_samples": 2 * STEPS * N,
            "num_learning_epochs": 2,
            "batch_size": 5,
            "sequence_length": LENGTH,
            "learning_rate": 1e-3,
            "schedule": "cosine",
            "max_aggregate_gb": 10e-6,  # four iterations or so
        },
        "runner": {
            "policy_class_name": "SharedActorCritic",
            "num_steps_per_env": STEPS,
            "max_iterations": 6,
            "save_interval": 2,
            "logger": "none",
            "teacher": teacher,
            **runner,
        },
    }


def make(folder: Path | None, cfg: dict[str, Any], **env: int) -> DaggerRunner:
    return DaggerRunner(ToyCameraEnv(**env), cfg, None if folder is None else str(folder))


@pytest.mark.parametrize("first", [1, 4])  # while the teacher drives, and later
def test_six_iterations_equal_some_and_the_rest_resumed(tmp_path: Path, teacher: str, first: int) -> None:
    cfg = config(teacher)
    cfg["algorithm"]["extensions"] = table(Onlooker) if first == 4 else {}
    whole = make(tmp_path / "whole", cfg)
    whole.learn(6, init_at_random_ep_len=True)
    assert whole.algorithm.storage.next_number == 12 > len(whole.algorithm.storage.blocks), "some were dropped"

    make(tmp_path / "parts", cfg).learn(first, init_at_random_ep_len=True)
    resumed = make(tmp_path / "parts", cfg, seed=99)
    torch.randn(17)
    resumed.load(latest_checkpoint(str(tmp_path / "parts")))
    resumed.learn(6 - first)
    assert metrics(tmp_path / "parts") == metrics(tmp_path / "whole")
    assert_same_checkpoint(str(tmp_path / "parts" / "model_6.pt"), str(tmp_path / "whole" / "model_6.pt"))
    names = [{path.name for path in (tmp_path / run / "aggregate").iterdir()} for run in ("whole", "parts")]
    assert names[0] == names[1] and "state_6.pt" in names[0]


def test_a_killed_run_goes_on_from_its_newest_checkpoint(tmp_path: Path, teacher: str) -> None:
    class KilledError(Exception):
        pass

    def kill(runner: DaggerRunner, iteration: int, values: dict[str, float]) -> None:
        if iteration == 5:
            raise KilledError

    cfg = config(teacher)
    make(tmp_path / "whole", cfg).learn(6)
    runner = make(tmp_path / "parts", cfg)
    runner.callbacks.append(kill)
    with pytest.raises(KilledError):
        runner.learn(6)
    resumed = make(tmp_path / "parts", cfg)
    resumed.load(latest_checkpoint(str(tmp_path / "parts")))
    assert resumed.current_learning_iteration == 4
    resumed.learn(2)
    assert_same_checkpoint(str(tmp_path / "parts" / "model_6.pt"), str(tmp_path / "whole" / "model_6.pt"))


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("block_1.pt", lambda block: block.pop("dones"), "it lacks dones"),
        (
            "block_1.pt",
            lambda block: block["observations"].update(policy=torch.zeros(1)),
            r"its observations\.policy is",
        ),
        ("state_2.pt", lambda state: state.pop("next_number"), "it lacks next_number"),
    ],
)
def test_an_aggregate_that_does_not_fit_is_found_before_anything_is_changed(
    tmp_path: Path, teacher: str, file: str, change: Any, words: str
) -> None:
    cfg = config(teacher)
    make(tmp_path, cfg).learn(2)
    path = str(tmp_path / "aggregate" / file)
    content = load_checkpoint(path)
    change(content)
    save_checkpoint(path, content)
    runner = make(None, cfg)
    before = {name: x.clone() for name, x in runner.policy.state_dict().items()}
    with pytest.raises(RslRlError, match=words) as error:
        runner.load(str(tmp_path / "model_2.pt"))
    assert path in str(error.value) and runner.current_learning_iteration == 0
    assert_same(dict(runner.policy.state_dict()), before)


@pytest.mark.parametrize("saved", [True, False])
def test_without_its_aggregate_a_run_begins_to_collect_anew(
    tmp_path: Path, teacher: str, capsys: pytest.CaptureFixture[str], saved: bool
) -> None:
    cfg = config(teacher, save_aggregate=saved)
    make(tmp_path, cfg).learn(4)
    assert (tmp_path / "aggregate").exists() == saved
    resumed = make(tmp_path, cfg)
    # With the newest checkpoint if nothing was kept, else with an older one, whose aggregate has gone.
    resumed.load(str(tmp_path / ("model_2.pt" if saved else "model_4.pt")))
    assert "note: no aggregate was kept" in capsys.readouterr().out
    assert resumed.algorithm.storage.num_samples == 0
    resumed.learn(1)
    assert resumed.algorithm.storage.num_samples == STEPS * N
    assert not resumed.algorithm.teacher_drives


def test_the_teacher_drives_first(teacher: str) -> None:
    runner = make(None, config(teacher))
    drivers, expected = [], build_policy(teacher, runner.env.observation_dims, 2)[0]
    step = runner.env.step

    def watched_step(actions: torch.Tensor) -> Any:
        assert runner._observations is not None
        obs = runner.env.obs_before
        drivers.append(torch.equal(actions, expected.act_inference(obs)[0]))
        result = step(actions)
        runner.env.obs_before = {name: x.clone() for name, x in result[0].items()}
        return result

    runner.learn(0)
    runner.env.obs_before = {name: x.clone() for name, x in runner._observations.items()}
    runner.env.step = watched_step
    runner.learn(3)
    assert drivers == 2 * STEPS * [True] + STEPS * [False]


def test_files_and_tags_of_a_run(tmp_path: Path, teacher: str, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path, config(teacher)).learn(3)
    assert {path.name for path in tmp_path.iterdir()} == {
        "metrics.jsonl", "aggregate", "model_0.pt", "model_2.pt", "model_3.pt"
    }  # fmt: skip
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert {
        "Episode/difficulty", "Loss/imitation", "Loss/action_error", "Loss/grad_norm", "Loss/learning_rate",
        "Loss/skipped_updates", "Aggregate/samples", "Aggregate/gigabytes", "Aggregate/teacher_drives",
        "Train/mean_reward", "Train/total_timesteps", "Perf/total_fps",
    } <= rows[-1].keys()  # fmt: skip
    assert [row["Aggregate/teacher_drives"] for row in rows] == [1, 1, 0]
    assert [row["Aggregate/samples"] for row in rows[:2]] == [STEPS * N, 2 * STEPS * N]
    out = capsys.readouterr().out
    assert f"teacher    {teacher}: copied " in out
    assert "aggregate  at most 1e-05 GB for 288 samples of up to " in out


def test_a_student_is_saved_like_any_policy(tmp_path: Path, teacher: str) -> None:
    """Its checkpoint makes a policy, also without what only training needs, and may itself be a teacher."""
    runner = make(tmp_path, config(teacher))
    runner.learn(1)
    content = load_checkpoint(str(tmp_path / "model_1.pt"))
    assert {"model_state_dict", "optimizer_state_dict", "meta", "iter", "runner", "rng", "env"} <= content.keys()
    state = {name: x for name, x in content["model_state_dict"].items() if not name.startswith("critic.")}
    save_checkpoint(str(tmp_path / "small.pt"), {"model_state_dict": state, "meta": content["meta"], "iter": 1})
    loaded = build_policy(str(tmp_path / "small.pt"), runner.env.observation_dims, runner.env.num_actions)[0]
    assert not loaded.training
    first, second = runner.get_inference_policy(), InferencePolicy(loaded)
    obs = {name: torch.rand(N, *shape) - 0.5 for name, shape in runner.env.observation_dims.items()}
    for _ in range(3):
        torch.testing.assert_close(first(obs), second(obs))


def test_the_networks_alone_load_into_another_environment(tmp_path: Path, teacher: str) -> None:
    make(tmp_path, config(teacher)).learn(2)
    player = make(None, config(teacher), num_envs=2)
    player.load(str(tmp_path / "model_2.pt"), load_optimizer=False, load_env=False)
    saved = load_checkpoint(str(tmp_path / "model_2.pt"))["model_state_dict"]
    assert_same(dict(player.policy.state_dict()), dict(saved))


def test_imitation_gets_closer(teacher: str) -> None:
    cfg = config(teacher, max_iterations=12)
    cfg["algorithm"].update(learning_rate=1e-2, num_learning_epochs=4, batch_size=32, max_aggregate_gb=1.0)
    errors: list[float] = []
    runner = DaggerRunner(
        ToyCameraEnv(num_envs=32), cfg, callbacks=[lambda _, __, m: errors.append(m["Loss/action_error"])]
    )
    runner.learn(12)
    assert sum(errors[-3:]) / 3 < 0.3 * errors[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"runner": {"teacher": None}}, "runner.teacher is not set: give the path of the teacher's checkpoint"),
        ({"runner": {"teacher": "/no/such/file.pt"}}, "there is no checkpoint '/no/such/file.pt'"),
        ({"runner": {"teachr": "x"}}, "unknown key runner.teachr: did you mean teacher"),
        ({"runner": {"algorithm_class_name": "PPO"}}, "algorithm_class_name is 'PPO'; known: DAgger"),
        ({"algorithm": {"gamma": 0.9}}, "unknown key algorithm.gamma: "),
        ({"algorithm": {"max_aggregate_gb": 1e-9}}, "max_aggregate_gb is 1e-09"),
        ({"algorithm": {"max_aggregate_gb": 1e9}}, None),
    ],
)
def test_mistakes_in_the_config_are_named(teacher: str, change: dict[str, Any], words: str | None) -> None:
    cfg = config(teacher)
    for section, entries in change.items():
        cfg[section].update(entries)
    if words is None:  # a bound that is never reached needs no memory
        make(None, cfg)
        return
    with pytest.raises(RslRlError, match=words) as error:
        make(None, cfg)
    assert "\n" not in str(error.value)


def test_a_teacher_that_does_not_fit_is_refused(tmp_path: Path, teacher: str) -> None:
    with pytest.raises(RslRlError, match=r"reads observations 'critic' of shape \[5\], the environment gives \[7\]"):
        build_policy(teacher, {"critic": (7,)}, 2)
    with pytest.raises(RslRlError, match="has 2 actions, the environment 3"):
        build_policy(teacher, {"critic": (5,)}, 3)
    with pytest.raises(RslRlError, match="gives none; did you mean critics"):
        build_policy(teacher, {"critics": (5,)}, 2)
    save_checkpoint(str(tmp_path / "other.pt"), {"weights": 1})
    with pytest.raises(RslRlError, match="holds no policy"):
        build_policy(str(tmp_path / "other.pt"), {}, 2)
    content = load_checkpoint(teacher)
    content["meta"]["policy_class_name"] = "Oracle"
    save_checkpoint(str(tmp_path / "oracle.pt"), content)
    with pytest.raises(RslRlError, match="is 'Oracle'; known: ActorCritic"):
        build_policy(str(tmp_path / "oracle.pt"), {"critic": (5,)}, 2)


def test_several_processes_are_refused(teacher: str) -> None:
    with pytest.raises(RslRlError, match="trains in one process; start it without torchrun"):
        DaggerRunner(ToyCameraEnv(), config(teacher), distributed=Distributed(world_size=2))
