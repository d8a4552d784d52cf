"""A fork's configs as ours: what fits is set, the rest is listed, and the source that is written makes the same."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from legged_gym.envs.base.base_config import ObsTerm
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg, LeggedRobotCfgPPO
from legged_gym.errors import UserError
from legged_gym.forks.config_source import class_name, module_source
from legged_gym.forks.moving import move


class ForkCfg:
    class env:
        num_envs = 64
        num_observations = 48
        num_privileged_obs = None
        num_actions = 12
        env_spacing = 3.0

    class init_state:
        pos = [0.0, 0.0, 0.4]
        default_joint_angles = {"hip": 0.1, "knee": -1}

    class control:
        stiffness = {"joint": 20.0}
        action_scale = "large"

    class asset:
        file = "{LEGGED_GYM_ROOT_DIR}/resources/a.urdf"
        thickness = 0.01
        density = 0.001
        foot_name = "foot"

    class rewards:
        soft_dof_pos_limit = 0.9

        class scales:
            torques = -0.0002
            dance = 2.0
            jump = 0.0

    class normalization:
        class obs_scales:
            lin_vel = 3.0

    class noise:
        class noise_scales:
            gravity = 0.25


class ForkCfgPPO:
    seed = 7

    class algorithm:
        entropy_coef = 0.02

    class runner:
        experiment_name = "mine"


class LeggedRobot:
    def step(self):
        pass

    def _reward_torques(self):
        pass

    def _reward_dance(self):
        pass


class Dancer(LeggedRobot):
    def _init_buffers(self):
        pass


@pytest.fixture
def registry():
    return SimpleNamespace(
        env_cfgs={"dancer": ForkCfg()}, train_cfgs={"dancer": ForkCfgPPO()}, task_classes={"dancer": Dancer}
    )


@pytest.fixture
def moved(registry):
    return move(registry, "dancer")


def test_what_has_a_place_is_set(moved):
    env, train = moved.env_cfg, moved.train_cfg
    assert env.env.num_envs == 64 and env.init_state.pos == [0.0, 0.0, 0.4]
    assert env.init_state.default_joint_angles == {"hip": 0.1, "knee": -1.0}
    assert env.asset.file.endswith("/resources/a.urdf") and "{" not in env.asset.file
    assert env.rewards.scales.torques == -0.0002 and env.rewards.soft_dof_pos_limit == 0.9
    assert env.observations.policy.base_lin_vel.scale == 3.0
    assert env.observations.policy.projected_gravity.noise == 0.25
    assert (train.seed, train.algorithm.entropy_coef, train.runner.experiment_name) == (7, 0.02, "mine")


def test_what_has_none_is_listed_with_the_reason(moved):
    left = moved.left()
    assert "`env.asset.density = 0.001`, `env.asset.thickness = 0.01`: MuJoCo has none" in left
    assert "`env.control.action_scale = 'large'`: control.action_scale: expected a number" in left
    assert "- `dance = 2`" in left and "jump" not in left
    assert "Methods of `Dancer`" in left and "- `_init_buffers`" in left
    assert "Methods of `LeggedRobot`" in left and "- `_reward_dance`" in left and "`_reward_torques`" not in left


@pytest.mark.parametrize(("count", "sees", "told"), [(48, False, False), (235, True, False), (47, False, True)])
def test_heights_are_observed_where_the_fork_does(registry, monkeypatch, count, sees, told):
    monkeypatch.setattr(ForkCfg.env, "num_observations", count)
    moved = move(registry, "dancer")
    assert (moved.env_cfg.observations.policy.heights is not None) == moved.env_cfg.terrain.measure_heights == sees
    assert ("write the table `observations.policy`" in moved.left()) == told


def test_the_source_makes_the_same_configs_and_is_formatted(moved, tmp_path):
    moved.env_cfg.observations.policy.heights = ObsTerm(scale=2.0, clip=[-1.0, 1.0])
    path = tmp_path / "dancer_config.py"
    path.write_text(module_source("dancer", moved.env_cfg, moved.train_cfg))
    scope = {"__name__": "dancer_config"}
    exec(path.read_text(), scope)
    assert scope["DancerCfg"]().to_dict() == moved.env_cfg.to_dict()
    assert scope["DancerCfgPPO"]().to_dict() == moved.train_cfg.to_dict()
    checked = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length=120", "--check", str(path)]
    assert subprocess.run(checked, capture_output=True).returncode == 0


def test_a_config_without_a_difference_is_a_class_all_the_same():
    scope = {"__name__": "plain"}
    exec(module_source("plain", LeggedRobotCfg(), LeggedRobotCfgPPO()), scope)
    assert scope["PlainCfg"]().to_dict() == LeggedRobotCfg().to_dict()


def test_names():
    assert class_name("anymal_c_flat") == "AnymalCFlat" and class_name("g1-29dof") == "G129dof"


def test_a_task_that_is_not_there(registry):
    with pytest.raises(UserError, match="did you mean dancer"):
        move(registry, "dance")
