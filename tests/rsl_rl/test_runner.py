"""The runner on a toy environment: resuming bit for bit, stopping, saving, logging."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path
from typing import Any, Iterator

import pytest
import torch

from rsl_rl.runners import OnPolicyRunner
from rsl_rl.utils.checkpoint import latest_checkpoint, load_checkpoint
from rsl_rl.utils.distributed import LostProcessError
from rsl_rl.utils.errors import RslRlError
from rsl_rl.utils.stop_signals import STOP_SIGNALS, StopRequest
from tests.rsl_rl.processes import torchrun
from tests.rsl_rl.runner_helpers import assert_same_checkpoint, config, make, metrics
from tests.rsl_rl.toy_vec_env import ToyVecEnv


class Lopsided(ToyVecEnv):
    def mirror_maps(self) -> None:
        raise RslRlError("joints without partner")


def test_a_mirror_is_asked_for_where_it_is_needed() -> None:
    cfg = config()
    OnPolicyRunner(Lopsided(), cfg, None)
    cfg["algorithm"]["symmetry"] = "augment"
    with pytest.raises(RslRlError, match="joints without partner"):
        OnPolicyRunner(Lopsided(), cfg, None)


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("schedule", ["adaptive", "cosine"])
def test_eight_iterations_equal_four_and_four_resumed(tmp_path: Path, recurrent: bool, schedule: str) -> None:
    cfg = config(recurrent)
    cfg["algorithm"]["schedule"] = schedule
    make(tmp_path / "whole", cfg).learn(8, init_at_random_ep_len=True)

    make(tmp_path / "parts", cfg).learn(4, init_at_random_ep_len=True)
    resumed = make(tmp_path / "parts", cfg, seed=99)  # whatever the new environment draws must not matter
    torch.randn(17)
    resumed.load(latest_checkpoint(str(tmp_path / "parts")))
    assert resumed.current_learning_iteration == 4
    resumed.learn(4, init_at_random_ep_len=True)  # must leave the episodes that are under way alone

    assert metrics(tmp_path / "parts") == metrics(tmp_path / "whole")
    assert_same_checkpoint(str(tmp_path / "parts" / "model_8.pt"), str(tmp_path / "whole" / "model_8.pt"))


def test_killed_run_goes_on_from_its_newest_checkpoint(tmp_path: Path) -> None:
    make(tmp_path / "whole").learn(8)

    class KilledError(Exception):
        pass

    def kill(runner: OnPolicyRunner, iteration: int, values: dict[str, float]) -> None:
        if iteration == 6:
            raise KilledError

    runner = make(tmp_path / "parts")
    runner.callbacks.append(kill)
    with pytest.raises(KilledError):
        runner.learn(8)
    assert [row["iteration"] for row in metrics(tmp_path / "parts")] == [1, 2, 3, 4, 5]
    resumed = make(tmp_path / "parts")
    resumed.load(latest_checkpoint(str(tmp_path / "parts")))
    assert resumed.current_learning_iteration == 3, "save_interval is 3"
    resumed.learn(5)
    assert metrics(tmp_path / "parts") == metrics(tmp_path / "whole")
    assert_same_checkpoint(str(tmp_path / "parts" / "model_8.pt"), str(tmp_path / "whole" / "model_8.pt"))


def test_networks_that_are_lost_end_the_run_before_they_are_saved(tmp_path: Path) -> None:
    cfg = config(save_interval=1)
    make(tmp_path, cfg).learn(1)
    cfg["algorithm"].update(learning_rate=float("inf"), schedule="fixed")
    runner = make(tmp_path, cfg)
    runner.load(str(tmp_path / "model_1.pt"))
    runner.algorithm.learning_rate = float("inf")
    with pytest.raises(
        RslRlError,
        match=r"^iteration 2 .*weights of the networks are not finite.* is model_1\.pt$",
    ):
        runner.learn(3)
    assert sorted(path.name for path in tmp_path.glob("*.pt")) == ["model_0.pt", "model_1.pt"]


def test_an_iteration_that_nothing_is_learned_from_ends_the_run(tmp_path: Path) -> None:
    runner = make(tmp_path, config(save_interval=1))
    step = runner.env.step

    def spoiled_step(actions: torch.Tensor) -> Any:
        obs, rewards, dones, extras = step(actions)
        return obs, rewards * (float("nan") if runner.current_learning_iteration == 2 else 1.0), dones, extras

    runner.env.step = spoiled_step  # type: ignore[method-assign]
    words = r"^iteration 3 .* a loss or gradient is not finite in all 4 batches: .* checkpoint is model_2\.pt$"
    with pytest.raises(RslRlError, match=words):
        runner.learn(8)
    assert load_checkpoint(latest_checkpoint(str(tmp_path)))["iter"] == 2


def test_a_process_that_is_gone_leaves_a_line_that_names_the_last_checkpoint(tmp_path: Path) -> None:
    runner = make(tmp_path)

    def lose(runner: OnPolicyRunner, iteration: int, values: dict[str, float]) -> None:
        if iteration == 5:
            raise LostProcessError("process 1 of the training has ended")

    runner.callbacks.append(lose)
    with pytest.raises(RslRlError, match=r"^process 1 of the training has ended; the last checkpoint is model_3\.pt$"):
        runner.learn(8)


def test_another_seed_is_another_run(tmp_path: Path) -> None:
    make(tmp_path / "a").learn(1)
    make(tmp_path / "b", {**config(), "seed": 4}).learn(1)
    assert metrics(tmp_path / "a") != metrics(tmp_path / "b")


def test_files_and_tags_of_a_run(tmp_path: Path) -> None:
    runner = make(tmp_path)
    runner.learn(4)
    names = {"metrics.jsonl", "model_0.pt", "model_3.pt", "model_4.pt"}
    assert {path.name for path in tmp_path.iterdir()} == names
    (*_, row) = (json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines())
    assert {
        "Episode/difficulty", "Loss/value_function", "Loss/surrogate", "Loss/learning_rate", "Policy/mean_noise_std",
        "Perf/total_fps", "Perf/collection time", "Perf/learning_time", "Train/mean_reward",
        "Train/mean_episode_length", "Train/total_timesteps", "Train/iteration_time", "Train/time",
    } <= row.keys()  # fmt: skip
    assert row["Train/total_timesteps"] == 4 * 5 * 6  # iterations * steps * environments
    assert row["Train/mean_episode_length"] <= 7
    assert row["Train/iteration_time"] == pytest.approx(row["Perf/collection time"] + row["Perf/learning_time"])
    assert row["Perf/total_fps"] == pytest.approx(5 * 6 / row["Train/iteration_time"])


def test_random_initial_ages(tmp_path: Path) -> None:
    ages = []
    for random in (False, True):
        runner = make(tmp_path / str(random), num_envs=200)
        runner.learn(0, init_at_random_ep_len=random)
        ages.append(set(runner.env.episode_length_buf.tolist()))
    assert ages == [{0}, set(range(7))]


def test_no_folder_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make(None).learn(1)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def hangup() -> Iterator[None]:
    """SIGHUP as in a terminal, also where the tests run under nohup: there it is ignored, and trainings heed that."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_signal_ends_after_the_iteration_with_a_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], number: signal.Signals, hangup: None
) -> None:
    runner = make(tmp_path)
    step = runner.env.step

    def interrupted_step(actions: torch.Tensor) -> Any:
        if runner.current_learning_iteration == 1:  # in the middle of the second rollout
            runner.env.step = step  # type: ignore[method-assign]
            os.kill(os.getpid(), number)
        return step(actions)

    before = [signal.getsignal(s) for s in STOP_SIGNALS]
    runner.env.step = interrupted_step  # type: ignore[method-assign]
    runner.learn(8)
    assert runner.interrupted
    assert [signal.getsignal(s) for s in STOP_SIGNALS] == before
    assert load_checkpoint(latest_checkpoint(str(tmp_path)))["iter"] == 2
    assert capsys.readouterr().out.splitlines()[-1] == f"stopped after iteration 2: {number.name}"
    runner.learn(1)  # and it can go on
    assert runner.current_learning_iteration == 3 and not runner.interrupted


def test_second_signal_stops_at_once_if_it_is_ctrl_c() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
            os.kill(os.getpid(), number)
        assert stop.reason == "SIGTERM"
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_training_outside_the_main_thread(tmp_path: Path) -> None:
    thread = threading.Thread(target=make(tmp_path).learn, args=(1,))
    thread.start()
    thread.join()
    assert load_checkpoint(latest_checkpoint(str(tmp_path)))["iter"] == 1


@pytest.mark.parametrize("as_argument", [False, True])
def test_time_limit(tmp_path: Path, capsys: pytest.CaptureFixture[str], as_argument: bool) -> None:
    runner = make(tmp_path, config(max_wall_time_s=1e9 if as_argument else 0.0))
    runner.learn(8, time_limit_s=0.0 if as_argument else None)
    assert load_checkpoint(latest_checkpoint(str(tmp_path)))["iter"] == 1
    assert capsys.readouterr().out.splitlines()[-1] == "stopped after iteration 1: the time limit of 0 s is reached"


def test_callbacks_see_every_iteration_and_may_add_metrics(tmp_path: Path) -> None:
    seen = []

    def evaluate(runner: OnPolicyRunner, iteration: int, values: dict[str, float]) -> None:
        seen.append((runner.current_learning_iteration, iteration))
        values["Eval/score"] = 10.0 * iteration

    OnPolicyRunner(ToyVecEnv(), config(), str(tmp_path), callbacks=[evaluate]).learn(2)
    assert seen == [(1, 1), (2, 2)]
    assert [row["Eval/score"] for row in metrics(tmp_path)] == [10.0, 20.0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"runer": {}}, "unknown key runer: did you mean runner"),
        ({"runner": {"save_intervall": 3}}, "unknown key runner.save_intervall: did you mean save_interval"),
        ({"runner": {"policy_class_name": "ActorCritik"}}, "policy_class_name is 'ActorCritik'; did you mean ActorC"),
        ({"runner": {"algorithm_class_name": "PPPO"}}, "algorithm_class_name is 'PPPO'; did you mean PPO"),
        ({"policy": {"init_noise": 1.0}}, "unknown key policy.init_noise: did you mean init_noise_std"),
        ({"algorithm": {"gama": 1.0}}, "unknown key algorithm.gama: did you mean gamma"),
    ],
)
def test_mistakes_in_the_config_are_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(RslRlError, match=words):
        make(None, {**config(), **change})


def test_config_of_the_caller_is_left_alone() -> None:
    cfg = config()
    copy = json.loads(json.dumps(cfg))
    make(None, cfg).learn(1)
    assert cfg == copy


def test_inference_policy_carries_and_resets_memory() -> None:
    runner = make(None, config(recurrent=True))
    obs = [{"policy": torch.randn(2, 6)} for _ in range(3)]
    policy = runner.get_inference_policy()

    # By hand: step the actor's parts, with the memory of environment 1 put to zero before the third step.
    hidden = None
    expected = []
    for index, observation in enumerate(obs):
        if index == 2 and hidden is not None:
            for state in hidden.values():
                state[:, 1] = 0.0
        with torch.no_grad():
            action, hidden = runner.policy.actor(observation, hidden)
        expected.append(action)

    assert torch.equal(policy(obs[0]), expected[0])
    assert torch.equal(policy(obs[1]), expected[1])
    policy.reset(torch.tensor([False, True]))
    assert torch.equal(policy(obs[2]), expected[2])
    policy.reset()
    assert torch.equal(policy(obs[0]), expected[0])
    assert not policy(obs[0]).requires_grad


def test_learning_raises_the_reward() -> None:
    """A sanity check of the wiring: the points are asked to stay near zero, and learn to."""
    cfg = config(num_steps_per_env=24)
    cfg["algorithm"].update(num_learning_epochs=5, learning_rate=1e-2, schedule="fixed", entropy_coef=0.0)
    rewards = []
    runner = OnPolicyRunner(
        ToyVecEnv(num_envs=64, size=1, max_episode_length=40),
        cfg,
        callbacks=[lambda _, __, values: rewards.append(values.get("Train/mean_reward", 0.0))],
    )
    runner.learn(30)
    assert sum(rewards[-5:]) / 5 > sum(rewards[3:8]) / 5 + 3.0


WORKER = """
import os
import sys
from tests.rsl_rl.toy_vec_env import ToyVecEnv
from tests.rsl_rl.runner_helpers import config
from rsl_rl.runners import OnPolicyRunner
from rsl_rl.utils.checkpoint import latest_checkpoint
from rsl_rl.utils.distributed import Distributed

def threads():
    return len(os.listdir("/proc/self/task"))

before = threads()
group = Distributed.from_environment("cpu")

def runner(folder):
    env = ToyVecEnv(seed=group.seed(1))
    return OnPolicyRunner(env, config(recurrent=True), folder, distributed=group)

whole, parts = sys.argv[1:]
first = runner(whole)
first.learn(4, init_at_random_ep_len=True)
totals = [parameter.double().sum() for parameter in first.policy.state_dict().values()]
for total in totals:
    mean = total.clone()
    group.all_reduce_mean_([mean])
    assert mean == total, "the processes have drifted apart"
runner(parts).learn(2, init_at_random_ep_len=True)
second = runner(parts)
second.load(latest_checkpoint(parts))
if group.rank == 1:
    second.callbacks.append(lambda runner, iteration, metrics: setattr(second, "last", iteration))
second.learn(2)

# A time limit that only one process sees stops both.
third = runner(None)
third.learn(3, time_limit_s=0.0 if group.rank == 1 else None)
assert third.current_learning_iteration == 1
group.close()
assert threads() == before, "threads left behind would abort the interpreter while it shuts down"
"""


def test_two_processes_resume_bit_for_bit(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    folders = [tmp_path / "whole", tmp_path / "parts"]
    result = torchrun(script, *map(str, folders))
    assert result.returncode == 0, result.stderr
    for name in ("model_4.pt", "model_4.rank1.pt"):
        assert_same_checkpoint(str(folders[0] / name), str(folders[1] / name))
    assert metrics(folders[0]) == metrics(folders[1])
    shares = [load_checkpoint(str(folders[0] / name)) for name in ("model_4.pt", "model_4.rank1.pt")]
    assert not torch.equal(shares[0]["env"]["position"], shares[1]["env"]["position"])
    assert "model_state_dict" not in shares[1]
    assert metrics(folders[0])[-1]["Train/total_timesteps"] == 2 * 4 * 5 * 6

    with pytest.raises(RslRlError, match="world_size is 2, this run has 1"):
        make(None, config(recurrent=True)).load(str(folders[0] / "model_4.pt"))
