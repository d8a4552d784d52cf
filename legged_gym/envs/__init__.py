"""The tasks, one line each: name, environment class, its config, the config of its training."""

from legged_gym.envs.a1 import a1_vision_config as a1_vision
from legged_gym.envs.a1.a1_config import (
    A1FlatActuatorNetCfg,
    A1FlatActuatorNetCfgPPO,
    A1FlatCfg,
    A1FlatCfgPPO,
    A1RoughCfg,
    A1RoughCfgPPO,
)
from legged_gym.envs.g1.g1_config import G1Cfg, G1CfgPPO, G1RoughCfg, G1RoughCfgPPO
from legged_gym.envs.go2.go2_config import Go2RoughCfg, Go2RoughCfgPPO
from legged_gym.envs.go2.go2_dynaflow_config import Go2Cfg, Go2CfgPPO
from legged_gym.envs.imitation.training_config import TASKS as IMITATION
from legged_gym.envs.mini_cheetah import mini_cheetah_config as cheetah
from legged_gym.envs.parkour.galileo_config import GalileoParkourCfg, GalileoParkourCfgPPO
from legged_gym.envs.parkour.go2_config import Go2ParkourCfg, Go2ParkourCfgPPO
from legged_gym.envs.parkour.student_config import (
    GalileoParkourStudentCfg,
    GalileoParkourStudentCfgDagger,
    Go2ParkourStudentCfg,
    Go2ParkourStudentCfgDagger,
)
from legged_gym.envs.registry import alias, register, register_play

LEGGED_ROBOT = "legged_gym.envs.base.legged_robot:LeggedRobot"
VISION_ROBOT = "legged_gym.envs.vision.vision_robot:VisionRobot"
MINI_CHEETAH = "legged_gym.envs.mini_cheetah.mini_cheetah:MiniCheetah"
MINI_CHEETAH_REF = "legged_gym.envs.mini_cheetah.mini_cheetah_ref:MiniCheetahRef"
HURDLES_ROBOT = "legged_gym.envs.parkour.parkour_robot:ParkourRobot"
TILES_ROBOT = "legged_gym.envs.parkour.tile_robot:ParkourTilesRobot"

register("a1", LEGGED_ROBOT, A1RoughCfg, A1RoughCfgPPO)
register("a1_flat", LEGGED_ROBOT, A1FlatCfg, A1FlatCfgPPO)
register("a1_flat_actuator_net", LEGGED_ROBOT, A1FlatActuatorNetCfg, A1FlatActuatorNetCfgPPO)
register("a1_vision", VISION_ROBOT, a1_vision.A1VisionCfg, a1_vision.A1VisionCfgPPO)
register("a1_vision_rma", VISION_ROBOT, a1_vision.A1VisionRmaCfg, a1_vision.A1VisionRmaCfgPPO)
register("a1_vision_blind", VISION_ROBOT, a1_vision.A1VisionBlindCfg, a1_vision.A1VisionBlindCfgPPO)
register("a1_vision_student", VISION_ROBOT, a1_vision.A1VisionStudentCfg, a1_vision.A1VisionStudentCfgDagger)
register("a1_vision_rma_student", VISION_ROBOT, a1_vision.A1VisionRmaStudentCfg, a1_vision.A1VisionRmaStudentCfgDagger)
register("go2", "legged_gym.envs.go2.go2:Go2", Go2Cfg, Go2CfgPPO)
register("go2_rough", LEGGED_ROBOT, Go2RoughCfg, Go2RoughCfgPPO)
register("mini_cheetah", MINI_CHEETAH, cheetah.MiniCheetahCfg, cheetah.MiniCheetahCfgPPO)
register("mini_cheetah_ref", MINI_CHEETAH_REF, cheetah.MiniCheetahRefCfg, cheetah.MiniCheetahRefCfgPPO)
register("galileo_parkour", HURDLES_ROBOT, GalileoParkourCfg, GalileoParkourCfgPPO)
register("go2_parkour", TILES_ROBOT, Go2ParkourCfg, Go2ParkourCfgPPO)
register("galileo_parkour_student", HURDLES_ROBOT, GalileoParkourStudentCfg, GalileoParkourStudentCfgDagger)
register("go2_parkour_student", TILES_ROBOT, Go2ParkourStudentCfg, Go2ParkourStudentCfgDagger)
register("g1", "legged_gym.envs.g1.g1:G1", G1Cfg, G1CfgPPO)
register("g1_rough", "legged_gym.envs.g1.g1:G1", G1RoughCfg, G1RoughCfgPPO)
for _name, _env_cfg, _train_cfg in IMITATION:
    register(_name, "legged_gym.envs.imitation.g1_deepmimic:G1Deepmimic", _env_cfg, _train_cfg)

# names of Isaac Lab's kind
for _robot in ("Galileo", "Go2"):
    for _role, _task in (("Teacher", f"{_robot.lower()}_parkour"), ("Student", f"{_robot.lower()}_parkour_student")):
        alias(f"Isaac-{_robot}-Parkour-{_role}-v0", _task)
        register_play(f"Isaac-{_robot}-Parkour-{_role}-Play-v0", _task)
        if _robot == "Go2":
            alias(f"Isaac-Extreme-Parkour-{_role}-Unitree-Go2-v0", _task)
            alias(f"Isaac-Extreme-Parkour-{_role}-Unitree-Go2-Eval-v0", _task)
            alias(f"Isaac-Extreme-Parkour-{_role}-Unitree-Go2-Play-v0", f"Isaac-Go2-Parkour-{_role}-Play-v0")
