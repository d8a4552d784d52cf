"""train.py from the outside: mistakes are answered in one line, runs land in their folders and can be resumed."""

from __future__ import annotations

import io
import json
import os
import shlex
import signal
import subprocess
import sys

import pytest
import torch

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.envs import registry
from legged_gym.errors import UserError
from legged_gym.scripts import list_tasks, train
from legged_gym.utils import run_folder
from rsl_rl.utils.stop_signals import STOP_SIGNALS
from tests.utils.fake_task import FakeCfg, FakeEnv, FakeTrainCfg

TRAIN = os.path.join(LEGGED_GYM_ROOT_DIR, "legged_gym", "scripts", "train.py")


@pytest.fixture
def root(monkeypatch, tmp_path):
    """Logs in a temporary folder, and a task without physics."""
    monkeypatch.setattr(registry, "TASKS", dict(registry.TASKS))
    monkeypatch.setenv("LEGGED_GYM_LOGS", str(tmp_path / "logs"))
    registry.register("fake", FakeEnv, FakeCfg, FakeTrainCfg)
    return tmp_path


def run_train(*flags):
    train.main(["--task=fake", "--sim=mujoco", "--rl_device=cpu", *flags])


def only_run(root):
    (run,) = run_folder.list_runs(str(root / "logs" / "fake"))
    return run


@pytest.mark.parametrize("moment", ["reset", "step"])
def test_a_training_that_fails_at_once_leaves_nothing(root, monkeypatch, moment):
    def broken(*args):
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(FakeEnv, moment, broken)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        run_train()
    assert os.listdir(root) == []


def test_the_run_of_another_process_stays(root, monkeypatch):
    """One that began and ended in the same folder while this one was starting."""
    folder = root / "run"

    def broken(self):
        (folder / "model_5.pt").write_bytes(b"of the other")
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(FakeEnv, "reset", broken)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        run_train(f"--run_folder={folder}")
    assert (folder / "model_5.pt").read_bytes() == b"of the other"


def test_what_was_learned_before_a_failure_stays(root, monkeypatch):
    step, calls = FakeEnv.step, []

    def breaking(*args):
        calls.append(0)
        if len(calls) > FakeTrainCfg.runner.num_steps_per_env:
            raise RuntimeError("no more")
        return step(*args)

    monkeypatch.setattr(FakeEnv, "step", breaking)
    with pytest.raises(RuntimeError, match="no more"):
        run_train()
    assert {"config.yaml", "model_1.pt"} <= set(os.listdir(only_run(root)))


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--load_run=nope", "--load_run says what to go on with, .* give --resume too"),
        ("--checkpoint=99", "--checkpoint says what to go on with"),
        ("--run_folder=", "--run_folder is empty"),
        ("--num_envs=2000000000", r"env\.num_envs: expected a whole number from 1 to 1000"),
        ("--train.runner_class_name=InferencePolicy", r"there is no runner 'InferencePolicy'"),
    ],
)
def test_flags_that_would_be_lost_or_cannot_be_are_told_before_anything_is_written(root, flag, message):
    with pytest.raises(UserError, match=message):
        run_train(flag)
    assert not os.path.isdir(root) or os.listdir(root) == []


def test_printed_commands_can_be_pasted(root, capsys):
    run_train(f"--run_folder={root / 'my run'}")
    lines = [
        line.split(None, 1)[1] for line in capsys.readouterr().out.splitlines() if line.startswith(("play", "evaluate"))
    ]
    assert [shlex.split(line)[-1] for line in lines] == [f"--load_run={root / 'my run'}"] * 2


def run_script(*command, cwd):
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, cwd=cwd, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "error: which task? --task=<name>; tasks: "),
        (["--task=a1_flt"], "error: unknown task 'a1_flt'; did you mean a1_flat"),
        (["--task=a1_flat", "--num_env=3"], "error: unknown flag --num_env; did you mean --num_envs"),
        (
            ["--task=a1_flat", "--env.terrain.num_row=3"],
            "setting env.terrain.num_row; did you mean env.terrain.num_rows",
        ),
        (["--task=a1_flat", "--resume", "--experiment_name=never_trained"], "error: no run with a checkpoint in "),
    ],
)
def test_a_mistake_is_one_line_on_stderr_and_exit_status_2(tmp_path, flags, message):
    status, out, err = run_script(TRAIN, *flags, cwd=tmp_path)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1 and err.endswith("\n")


def test_scripts_run_as_modules_too():
    status, out, err = run_script("-m", "legged_gym.scripts.train", "--task=nothing", cwd=LEGGED_GYM_ROOT_DIR)
    assert (status, out) == (2, "")
    assert err.startswith("error: unknown task 'nothing'")


def test_the_packages_beside_the_script_are_used_whatever_is_installed(tmp_path):
    # Another package called rsl_rl, found earlier than the installed ones: the checkout must still win.
    (tmp_path / "rsl_rl").mkdir()
    (tmp_path / "rsl_rl" / "__init__.py").write_text("raise ImportError('the wrong one')\n")
    code = f"import runpy; runpy.run_path({TRAIN!r}); import rsl_rl; print(rsl_rl.__file__)"
    status, out, err = run_script("-c", code, cwd=tmp_path)
    assert status == 0, err
    assert out.strip() == os.path.join(LEGGED_GYM_ROOT_DIR, "rsl_rl", "__init__.py")


def test_list_tasks_prints_a_line_each(root, capsys):
    list_tasks.main([])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [*registry.TASKS, *registry.ALIASES]
    assert lines[len(registry.TASKS) - 1].split(maxsplit=1)[1] == "Points on a line."
    assert any(line.endswith("= go2_parkour") for line in lines)
    with pytest.raises(UserError, match="unrecognized arguments: --all"):
        list_tasks.main(["--all"])


def test_training_makes_a_run_folder_and_says_what_is_next(root, capsys):
    run_train("--run_name=first", "--seed=5")
    run = only_run(root)
    assert run.endswith("_first")
    assert [iteration for iteration, _ in run_folder.list_checkpoints(run)] == [0, 1, 2]
    assert run_folder.read_run_config(run)["train"]["seed"] == 5
    out = capsys.readouterr().out
    assert "task       fake (FakeEnv)\n" in out
    assert "robots     4 x 4 steps an iteration\n" in out
    assert "physics    mujoco on cpu\n" in out
    assert f"run        {run}\n" in out
    assert f"checkpoint {os.path.join(run, 'model_2.pt')}\n" in out
    assert "resume " not in out
    for script in ("play", "evaluate"):
        assert f"{script}.py --task=fake --load_run={run}\n" in out


def test_a_resumed_run_is_the_run_that_was_never_interrupted(root):
    run_train("--max_iterations=4", "--experiment_name=whole", "--env.env.size=3")
    run_train("--max_iterations=2", "--env.env.size=3")
    run_train("--max_iterations=4", "--resume")  # its size is in the saved settings
    whole = run_folder.list_runs(str(root / "logs" / "whole"))[0]
    run = only_run(root)
    first, second = (torch.load(os.path.join(f, "model_4.pt"), weights_only=True) for f in (whole, run))
    for name, tensor in first["model_state_dict"].items():
        assert torch.equal(tensor, second["model_state_dict"][name]), name
    assert first["env"]["position"].equal(second["env"]["position"])
    with open(os.path.join(run, "metrics.jsonl")) as file:
        assert [json.loads(line)["iteration"] for line in file] == [1, 2, 3, 4]
    assert os.path.exists(os.path.join(run, "config_1.yaml"))
    assert run_folder.read_run_config(run)["train"]["runner"]["max_iterations"] == 4


def test_resuming_a_finished_run_does_nothing(root, capsys):
    run_train()
    before = sorted(os.listdir(only_run(root)))
    capsys.readouterr()
    run_train("--resume")
    assert "nothing to do: the run has 2 iterations" in capsys.readouterr().out
    assert sorted(os.listdir(only_run(root))) == before


def test_a_run_that_was_stopped_says_how_to_go_on(root, capsys):
    run_train("--train.runner.max_wall_time_s=0")
    assert "resume     python " in capsys.readouterr().out


def test_a_run_folder_of_ones_own_is_begun_and_then_gone_on_with(root):
    run_train("--max_iterations=4", f"--run_folder={root / 'whole'}")
    flags = [f"--run_folder={root / 'parts'}", "--env.env.size=3"]
    run_train("--max_iterations=2", *flags)
    run_train("--max_iterations=3", "--experiment_name=newer")  # a newer run must not be taken for it
    run_train("--max_iterations=4", *flags)
    assert [iteration for iteration, _ in run_folder.list_checkpoints(str(root / "parts"))] == [0, 1, 2, 3, 4]
    assert run_folder.read_run_config(str(root / "parts"))["env"]["env"]["size"] == 3
    assert not (root / "logs" / "fake").exists()
    with pytest.raises(UserError, match="--run_folder names the run and resumes what is there; leave out --resume"):
        run_train("--resume", *flags)


def test_the_exit_status_tells_a_stopped_training_from_a_finished_one(root, monkeypatch):
    step = FakeEnv.step
    flags = ["--task=fake", "--sim=mujoco", "--rl_device=cpu", f"--run_folder={root / 'run'}", "--max_iterations=5"]

    def stopped_step(env, actions):
        os.kill(os.getpid(), signal.SIGUSR1)
        return step(env, actions)

    with monkeypatch.context() as patch:
        patch.setattr(FakeEnv, "step", stopped_step)
        assert train.main(flags) == 75
    assert [iteration for iteration, _ in run_folder.list_checkpoints(str(root / "run"))] == [0, 1]
    assert train.main([*flags, "--train.runner.max_wall_time_s=0"]) == 0, "a time limit is an end that was asked for"
    assert train.main([*flags, "--train.runner.max_wall_time_s=1e9"]) == 0
    assert [iteration for iteration, _ in run_folder.list_checkpoints(str(root / "run"))] == [0, 1, 2, 3, 4, 5]


HOLDER = """
import sys
from legged_gym.utils import run_lock
run_lock.hold(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
run_lock.release_all()
"""


@pytest.mark.parametrize("flag", ["--run_folder", "--resume"])
def test_a_folder_that_another_process_trains_in_is_left_alone(root, flag):
    folder = root / "run"
    run_train(f"--run_folder={folder}")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    flags = [
        "--max_iterations=3",
        *([f"--run_folder={folder}"] if flag == "--run_folder" else [flag, f"--load_run={folder}"]),
    ]
    command = [sys.executable, "-c", HOLDER, str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=LEGGED_GYM_ROOT_DIR, **pipes) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UserError, match=f"another process trains in {folder}; "):
            run_train(*flags)
        holder.stdin.close()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files
    (folder / ".lock").touch()  # as a process that was killed leaves it
    run_train(*flags)
    assert (folder / "model_3.pt").exists() and not (folder / ".lock").exists()


def test_a_new_run_is_locked_while_it_goes_on_and_not_after(root, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    step = FakeEnv.step
    outcomes = []

    def lock():
        with open(os.path.join(only_run(root), ".lock"), "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def watched_step(env, actions):
        with pytest.raises(BlockingIOError):
            lock()
        outcomes.append("locked")
        return step(env, actions)

    monkeypatch.setattr(FakeEnv, "step", watched_step)
    run_train()
    assert outcomes and ".lock" not in os.listdir(only_run(root))


@pytest.mark.parametrize(("processes", "status"), [(None, 75), ("2", 0)])
@pytest.mark.parametrize("number", [number for number in STOP_SIGNALS if number != signal.SIGINT])
def test_a_signal_before_the_training_has_begun_is_a_stop_too(root, monkeypatch, number, processes, status):
    before = signal.signal(number, signal.SIG_DFL)

    def interrupted(*args):
        if processes:
            monkeypatch.setenv("WORLD_SIZE", processes)
        os.kill(os.getpid(), number)

    monkeypatch.setattr(train.training, "make_env", interrupted)
    try:
        with pytest.raises(SystemExit) as caught:
            run_train()
        assert caught.value.code == status
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert os.listdir(root) == []


def test_a_terminal_that_closes_stops_no_run_under_nohup(root, monkeypatch):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    step = FakeEnv.step
    monkeypatch.setattr(
        FakeEnv, "step", lambda env, actions: (os.kill(os.getpid(), signal.SIGHUP), step(env, actions))[1]
    )
    try:
        run_train()
    finally:
        signal.signal(signal.SIGHUP, before)
    assert [iteration for iteration, _ in run_folder.list_checkpoints(only_run(root))] == [0, 1, 2]


def test_a_training_goes_on_when_its_output_is_not_taken(root, monkeypatch):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    monkeypatch.setattr(sys, "stderr", Full())
    flags = ["--task=fake", "--sim=mujoco", "--rl_device=cpu"]
    assert train.main(flags) == 0
    assert [iteration for iteration, _ in run_folder.list_checkpoints(only_run(root))] == [0, 1, 2]


def test_resume_takes_the_checkpoint_that_is_asked_for(root, capsys):
    run_train("--max_iterations=3")
    capsys.readouterr()
    run_train("--resume", "--checkpoint=1", "--max_iterations=2", f"--load_run={only_run(root)}")
    assert "iterations 1 to 2\n" in capsys.readouterr().out


def test_sizes_are_checked_before_anything_is_built(root):
    with pytest.raises(UserError, match=r"20 samples .* cannot be cut into 3 equal mini-batches"):
        run_train("--num_envs=5", "--train.algorithm.num_mini_batches=3")
    assert os.listdir(root) == []
