"""The tasks, one line each: name, environment class, its config, the config of its training."""

from legged_gym.envs.a1.a1_config import A1FlatCfg, A1FlatCfgPPO, A1RoughCfg, A1RoughCfgPPO
from legged_gym.envs.registry import register

LEGGED_ROBOT = "legged_gym.envs.base.legged_robot:LeggedRobot"

register("a1", LEGGED_ROBOT, A1RoughCfg, A1RoughCfgPPO)
register("a1_flat", LEGGED_ROBOT, A1FlatCfg, A1FlatCfgPPO)
