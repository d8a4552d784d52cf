"""Contacts that MuJoCo Warp had no room for, in the log of a training."""

from __future__ import annotations

import pytest

from legged_gym.envs.a1.a1_config import A1FlatCfg
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.inspection.waits import Waits
from rsl_rl.runners import OnPolicyRunner

pytest.importorskip("mujoco_warp")

TAG = "Perf/contacts_without_room"
STEPS = 5
TRAIN = {
    "policy": {"actor_hidden_dims": [8], "critic_hidden_dims": [8]},
    "algorithm": {"num_learning_epochs": 1, "num_mini_batches": 1},
    "runner": {"num_steps_per_env": STEPS},
}


@pytest.fixture
def env(monkeypatch):
    """Four A1, each with room for one foot on the ground."""
    monkeypatch.setattr("legged_gym.sim.mujoco_warp.contact_sizes", lambda robot, margin: (16, 4))
    cfg = A1FlatCfg()
    cfg.env.num_envs = 4
    return LeggedRobot(cfg, sim="mujoco_warp", device="cpu", seed=1)


def test_they_are_counted_in_every_iteration(env, capsys):
    logged, counted = [], []
    step = env.step

    def counting(actions):
        with Waits() as waits:
            found = step(actions)
        counted.append(int(found[3]["counts"][TAG]))
        if len(counted) > STEPS:  # as often as without; the first steps have more to find out
            assert waits.seen == {"cpu": 2}
        return found

    env.step = counting
    runner = OnPolicyRunner(env, TRAIN, callbacks=[lambda _, iteration, metrics: logged.append(metrics[TAG])])
    runner.learn(2)
    assert logged == [sum(counted[:STEPS]), sum(counted[STEPS:])]
    assert 0 < logged[1] <= 4 * STEPS
    assert "contacts without room" in capsys.readouterr().out
