"""Tasks as Gymnasium sees them, and another learner that trains on one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

gymnasium = pytest.importorskip("gymnasium")

import legged_gym.gymnasium as adapter  # noqa: E402
from legged_gym.errors import UserError  # noqa: E402

QUIET = {"env.noise.add_noise": False, "env.domain_rand.push_robots": False}


@pytest.fixture
def make():
    made = []

    def make_one(*args, **settings):
        made.append(adapter.make(*args, device="cpu", num_threads=1, **settings))
        return made[-1]

    yield make_one
    for envs in made:
        envs.close()


def test_a_registered_task_is_a_vector_environment():
    envs = gymnasium.make_vec("legged_gym/a1_flat-v0", num_envs=3, device="cpu", num_threads=1)
    observations, infos = envs.reset(seed=5)
    assert isinstance(envs, gymnasium.vector.VectorEnv) and infos == {}
    assert envs.metadata["autoreset_mode"] is gymnasium.vector.AutoresetMode.SAME_STEP
    assert envs.observation_space.contains(observations) and observations.shape == (3, 48)
    observations, rewards, terminated, truncated, _ = envs.step(envs.action_space.sample() * 0.01)
    assert envs.observation_space.contains(observations)
    assert (rewards.dtype, terminated.dtype, truncated.dtype) == (np.float32, np.bool_, np.bool_)
    again, _ = envs.reset(seed=5)
    other, _ = envs.reset(seed=6)
    assert not np.array_equal(again, other)
    envs.close()


def test_all_groups_come_as_a_dict(make):
    envs = make("a1_vision_student", num_envs=2, observations="dict", settings={"env.terrain.num_rows": 1})
    observations, _ = envs.reset()
    assert envs.observation_space.contains(observations)
    assert {name: value.shape[1:] for name, value in observations.items()} == envs.env.observation_dims


def test_who_is_cut_off_shows_what_comes_next_and_nothing_else_changes(make):
    """Against one that goes on: the same until the end, at which that one shows what this one saw last."""
    settings = {**QUIET, "env.env.episode_length_s": 0.3, "env.commands.heading_command": False}
    short = make("a1_flat", num_envs=2, seed=4, settings=settings)
    long = make("a1_flat", num_envs=2, seed=4, settings={**settings, "env.env.episode_length_s": 0.5})
    assert np.array_equal(short.reset()[0], long.reset()[0])
    actions = 0.2 * torch.randn(40, 2, 12, generator=torch.Generator().manual_seed(1)).numpy()
    for step in range(16):  # as in legged_gym, one more than fit in
        seen, _, terminated, truncated, infos = short.step(actions[step])
        expected = long.step(actions[step])[0]
        if step < 15:
            assert np.array_equal(seen, expected) and "final_obs" not in infos
    assert truncated.all() and not terminated.any() and infos["_final_obs"].all()
    np.testing.assert_array_equal(np.stack(infos["final_obs"]), expected)
    assert not np.array_equal(seen, expected)


def test_looking_at_the_end_draws_no_random_numbers(make):
    """With noise and a history, robots go on as those of an environment that nobody asks."""
    settings = {"env.env.episode_length_s": 0.1, "env.observations.policy.dof_pos.history": 3}
    watched = make("a1_flat", num_envs=4, seed=2, settings=settings)
    alone = make("a1_flat", num_envs=4, seed=2, settings=settings)
    alone.env.drop_part("final_observations")
    actions = np.zeros((4, 12), np.float32)
    assert np.array_equal(watched.reset()[0], alone.reset()[0])
    for _ in range(12):
        assert np.array_equal(watched.step(actions)[0], alone.step(actions)[0])


def test_mistakes_are_named():
    with pytest.raises(UserError, match="one of flat, dict"):
        adapter.make("a1_flat", observations="flags")
    with pytest.raises(UserError, match=r"rewards\.scales\.feet_airtime: .* mean feet_air_time"):
        adapter.make("a1_flat", settings={"env.rewards.scales.feet_airtime": 1.0})


def test_skrl_learns_on_it(make):
    """PPO of another package: its networks change, by finite numbers."""
    pytest.importorskip("skrl")
    from skrl.agents.torch.ppo import PPO, PPO_CFG
    from skrl.envs.wrappers.torch import wrap_env
    from skrl.memories.torch import RandomMemory
    from skrl.trainers.torch import SequentialTrainer
    from skrl.utils.model_instantiators.torch import deterministic_model, gaussian_model

    env = wrap_env(make("a1_flat", num_envs=8), verbose=False)
    layers = [{"name": "net", "input": "OBSERVATIONS", "layers": [16], "activations": "elu"}]
    spaces = {"observation_space": env.observation_space, "action_space": env.action_space, "device": "cpu"}
    models = {
        "policy": gaussian_model(**spaces, network=layers, output="ACTIONS"),
        "value": deterministic_model(**spaces, network=layers, output="ONE"),
    }
    memory = RandomMemory(memory_size=8, num_envs=8, device="cpu")
    agent = PPO(models=models, memory=memory, cfg=PPO_CFG(rollouts=8), **spaces)
    agent.init()
    models["policy"].act({"observations": env.reset()[0]}, role="policy")  # its layers are made when they see a number
    before = [value.clone() for value in models["policy"].parameters()]
    quiet = {"headless": True, "disable_progressbar": True, "close_environment_at_exit": False}
    trainer = SequentialTrainer(cfg={"timesteps": 24, **quiet}, env=env, agents=agent)
    trainer.train()
    after = list(models["policy"].parameters())
    assert all(torch.isfinite(value).all() for value in after)
    assert any(not torch.equal(one, other) for one, other in zip(before, after))
