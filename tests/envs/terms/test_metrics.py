"""The table of metrics: names, what they are divided by, and what the ground allows."""

from __future__ import annotations

from typing import Any, List

import pytest
import torch

from legged_gym.envs import A1FlatCfg
from legged_gym.envs.base.base_config import Metric
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.parts.part import Part
from legged_gym.errors import UserError


class Robot(LeggedRobot):
    """A robot of a user with a metric of its own."""

    def _metric_power(self) -> torch.Tensor:
        return (self.torques * self.dof_vel).sum(1)


def make_env(**metrics: Any) -> LeggedRobot:
    cfg = A1FlatCfg()
    cfg.update({"env": {"num_envs": 2}})
    for name, entry in metrics.items():
        setattr(cfg.metrics, name, entry)
    return Robot(cfg, sim="mujoco", seed=1)


def test_the_table_is_what_is_measured():
    env = make_env(power=Metric("max"), mean_speed=None)
    assert list(env.metrics) == [
        "lin_vel_xy_error", "ang_vel_error", "fall_rate", "mean_episode_length_s", "cost_of_transport", "power",
    ]  # fmt: skip
    entry, term = env.metrics["power"]
    assert entry.reduce == "max" and term().shape == (2,)
    env.close()


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ({"powr": Metric()}, r"metrics\.powr: Robot has no method _metric_powr; did you mean power\?"),
        ({"power": Metric("sum", per="weight_pth")}, r"metrics\.power\.per\.weight_pth: .*did you mean weight_path\?"),
        (
            {"power": Metric("mean", per="weight_path")},
            r"metrics\.power\.per: only a sum is divided",
        ),
        ({"power": Metric("mean", period_s=3.0)}, r"metrics\.power\.period_s: only a yes or no"),
        ({"power": Metric("median")}, r"metrics\.power\.reduce: expected mean, sum, last or max"),
    ],
)
def test_mistakes_are_found_at_construction(metrics, message):
    with pytest.raises(UserError, match=message):
        make_env(**metrics)


class Listener(Part):
    """Notes what it is told of episodes that have ended."""

    def __init__(self, env: LeggedRobot, heard: List[Any]) -> None:
        super().__init__(env)
        self._heard = heard

    def prepare(self, env_ids: torch.Tensor) -> None:
        self._heard.append((env_ids.tolist(), self.env.episode_length_buf.tolist()))


def test_the_first_part_hears_of_an_episode_before_anything_is_reset():
    env, heard = make_env(), []
    env.reset()
    env.use_part("listener", Listener(env, heard), first=True)
    assert next(iter(env.parts)) == "listener"
    env.episode_length_buf[1] = env.max_episode_length
    env.step(torch.zeros(2, 12))
    assert heard == [([1], [1, env.max_episode_length + 1])]
    assert env.episode_length_buf.tolist() == [1, 0]
    env.close()
