"""Train 6 = train 3, save, build everything anew, resume 3: the same bits, physics and learner together."""

from __future__ import annotations

import gzip
import os
import shutil
from typing import Any

import pytest
import torch

from legged_gym.envs import A1FlatCfg, A1FlatCfgPPO
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.utils.cli import get_args
from legged_gym.utils.options import CommandLine
from legged_gym.utils.task_registry import task_registry
from legged_gym.utils.training import plan_run
from rsl_rl.runners import OnPolicyRunner
from rsl_rl.utils import checkpoint
from rsl_rl.utils.errors import RslRlError


def make_runner(robot: Any = LeggedRobot, **scales: float) -> OnPolicyRunner:
    env_cfg, train_cfg = A1FlatCfg(), A1FlatCfgPPO()
    env_cfg.update({"env": {"num_envs": 8, "episode_length_s": 0.4}, "domain_rand": {"push_interval_s": 0.3}})
    env_cfg.update({"rewards": {"scales": scales}})
    train_cfg.update({"policy": {"actor_hidden_dims": [16], "critic_hidden_dims": [16]}, "runner": {"logger": "none"}})
    env = robot(env_cfg, sim="mujoco", seed=1)
    env.reset()
    return OnPolicyRunner(env, train_cfg.to_dict(), None, "cpu")


def flat(runner: OnPolicyRunner) -> Any:
    return torch.cat([value.flatten() for value in runner.policy.state_dict().values()])


def test_a_resumed_run_is_the_run_that_was_never_stopped(tmp_path):
    whole = make_runner()
    whole.learn(6, init_at_random_ep_len=True)

    first = make_runner()
    first.learn(3, init_at_random_ep_len=True)
    path = str(tmp_path / "model_3.pt")
    first.save(path)
    torch.rand(17)  # whatever the process draws in between must not matter
    second = make_runner()
    second.load(path)
    assert not torch.equal(flat(second), flat(whole))
    second.learn(3)

    assert torch.equal(flat(second), flat(whole))
    assert torch.equal(second.env.root_states, whole.env.root_states)
    assert torch.equal(second.env.obs_buf["policy"], whole.env.obs_buf["policy"])
    assert second.env.common_step_counter == whole.env.common_step_counter == 6 * 24


KEPT = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(__file__))), "resources", "saved_run")


def test_a_run_of_an_earlier_version_is_gone_on_with(tmp_path):
    """The files were written by train.py in November 2026: 2 robots, 2 iterations, 4 units in each network."""
    shutil.copy(os.path.join(KEPT, "config.yaml"), tmp_path)
    with gzip.open(os.path.join(KEPT, "model_2.pt.gz")) as packed:
        (tmp_path / "model_2.pt").write_bytes(packed.read())
    saved = torch.load(tmp_path / "model_2.pt", weights_only=True)
    args = get_args(["--task=a1_flat", "--sim=mujoco", "--rl_device=cpu", "--resume", f"--load_run={tmp_path}"])
    plan = plan_run(CommandLine.read(args))
    env_cfg, train_cfg, path = plan.env_cfg, plan.train_cfg, plan.checkpoint
    train_cfg.runner.resume_path = path
    env, _ = task_registry.make_env("a1_flat", args, env_cfg)
    runner, _ = task_registry.make_alg_runner(env, args=args, train_cfg=train_cfg)
    assert runner.current_learning_iteration == 2 and runner.total_timesteps == 2 * 2 * 4
    for name, tensor in saved["model_state_dict"].items():
        assert torch.equal(runner.policy.state_dict()[name], tensor), name
    for name in ("actions", "commands", "episode_length_buf", "env_p_gains"):
        assert torch.equal(getattr(env, name), saved["env"][name]), name
    runner.learn(1)
    assert (tmp_path / "model_3.pt").exists()
    env.close()


class Counting(LeggedRobot):
    """A robot with a buffer that robots of earlier versions did not have."""

    _STATE_BUFFERS = (*LeggedRobot._STATE_BUFFERS, "strides")

    def _init_buffers(self) -> None:
        super()._init_buffers()
        self.strides = torch.full((self.num_envs,), 5.0)


def test_a_buffer_that_did_not_exist_yet_begins_as_in_a_new_run(tmp_path, capsys):
    first = make_runner()
    first.learn(1)
    path = str(tmp_path / "model_1.pt")
    first.save(path)
    later = make_runner(Counting)
    capsys.readouterr()
    later.load(path)
    assert capsys.readouterr().out == f"note: checkpoint '{path}' is without env.strides: begun here as in a new run\n"
    assert torch.equal(later.env.strides, torch.full((8,), 5.0))
    assert torch.equal(later.env.commands, first.env.commands)


def test_a_run_goes_on_with_other_rewards(tmp_path, capsys):
    """Sums of episodes under way follow their terms by name; one that is new begins with 0, and is told."""
    first = make_runner()
    first.learn(1)
    path = str(tmp_path / "model_1.pt")
    first.save(path)
    later = make_runner(**{"torques": 0.0, "progress": 2.0})
    capsys.readouterr()
    later.load(path)
    note = f"note: checkpoint '{path}' is without env.reward_sums.progress: begun here as in a new run\n"
    assert capsys.readouterr().out == note
    own, others = later.env.reward_sum.state_dict(), first.env.reward_sum.state_dict()
    assert "torques" in others and "torques" not in own and (own.pop("progress") == 0.0).all()
    assert own["tracking_lin_vel"].any() and own.keys() == others.keys() - {"torques"}
    assert all(torch.equal(sums, others[name]) for name, sums in own.items())
    assert torch.equal(later.env.root_states, first.env.root_states)
    later.learn(1)
    assert later.env.reward_sum.state_dict()["progress"].any()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda env: env.pop("commands"), "it lacks env.commands"),
        (lambda env: env.update(actions=torch.zeros(8, 11)), r"its env.actions is float32 \[8, 11\], this run has"),
        (lambda env: env.update(lin_vel_x_range=[]), "its env.lin_vel_x_range is a list of 0"),
        (lambda env: env["sim"]["buffers"].popitem(), "it lacks env.sim.buffers."),
        (lambda env: env["commands"].fill_(torch.nan), "its env.commands holds numbers that are not finite"),
    ],
)
def test_what_does_not_fit_is_found_before_the_robots_are_moved(tmp_path, change, words):
    runner = make_runner()
    runner.learn(1)
    path = str(tmp_path / "model_1.pt")
    runner.save(path)
    content = checkpoint.load_checkpoint(path)
    change(content["env"])
    checkpoint.save_checkpoint(path, content)
    runner.learn(1)
    before = runner.env.root_states.clone()
    with pytest.raises(RslRlError, match=words):
        runner.load(path)
    assert torch.equal(runner.env.root_states, before) and runner.current_learning_iteration == 2
