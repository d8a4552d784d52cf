"""Train 6 = train 3, save, build everything anew, resume 3: the same bits, physics and learner together."""

from __future__ import annotations

from typing import Any

import torch

from legged_gym.envs import A1FlatCfg, A1FlatCfgPPO
from legged_gym.envs.base.legged_robot import LeggedRobot
from rsl_rl.runners import OnPolicyRunner


def make_runner() -> OnPolicyRunner:
    env_cfg, train_cfg = A1FlatCfg(), A1FlatCfgPPO()
    env_cfg.update({"env": {"num_envs": 8, "episode_length_s": 0.4}, "domain_rand": {"push_interval_s": 0.3}})
    train_cfg.update({"policy": {"actor_hidden_dims": [16], "critic_hidden_dims": [16]}, "runner": {"logger": "none"}})
    env = LeggedRobot(env_cfg, sim="mujoco", seed=1)
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
