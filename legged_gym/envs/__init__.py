"""The tasks, one line each: name, environment class, its config, the config of its training."""

from legged_gym.envs.a1 import a1_vision_config as a1_vision
from legged_gym.envs.a1.a1_config import A1FlatCfg, A1FlatCfgPPO, A1RoughCfg, A1RoughCfgPPO
from legged_gym.envs.registry import register

LEGGED_ROBOT = "legged_gym.envs.base.legged_robot:LeggedRobot"
VISION_ROBOT = "legged_gym.envs.base.vision_robot:VisionRobot"

register("a1", LEGGED_ROBOT, A1RoughCfg, A1RoughCfgPPO)
register("a1_flat", LEGGED_ROBOT, A1FlatCfg, A1FlatCfgPPO)
register("a1_vision", VISION_ROBOT, a1_vision.A1VisionCfg, a1_vision.A1VisionCfgPPO)
register("a1_vision_rma", VISION_ROBOT, a1_vision.A1VisionRmaCfg, a1_vision.A1VisionRmaCfgPPO)
register("a1_vision_blind", VISION_ROBOT, a1_vision.A1VisionBlindCfg, a1_vision.A1VisionBlindCfgPPO)
register("a1_vision_student", VISION_ROBOT, a1_vision.A1VisionStudentCfg, a1_vision.A1VisionStudentCfgDagger)
register("a1_vision_rma_student", VISION_ROBOT, a1_vision.A1VisionRmaStudentCfg, a1_vision.A1VisionRmaStudentCfgDagger)
