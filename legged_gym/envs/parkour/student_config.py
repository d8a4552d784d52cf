"""Students of parkour teachers, who see by a depth camera alone."""

from __future__ import annotations

from typing import Any, Dict, Optional

from legged_gym.envs.base.base_config import ObsTerm
from legged_gym.envs.base.dagger_config import LeggedRobotCfgDagger
from legged_gym.envs.parkour.galileo_config import GalileoParkourCfg
from legged_gym.envs.parkour.go2_config import Go2ParkourCfg
from legged_gym.sensors.depth_camera_config import DepthCameraCfg

# Of these the camera tells the teacher's 32 numbers of the height scan, and what is predicted behind them.
_CAMERA: Dict[str, Any] = {
    "groups": ["depth", "proprioception"],
    "conv": {"channels": [16, 32], "output_dim": 32},
    "hidden_dims": [128, 32],
    "rnn_type": "gru",
    "rnn_hidden_size": 256,
    "output_activation": "tanh",
}
# the turns to the goals; who has turned away further than 0.6 rad is told while it learns
_YAW = {"proprioception": {"name": "yaw", "columns": [6, 8], "scale": 1.5, "within": 0.6}}


class ParkourCameraCfg(DepthCameraCfg):
    """The last two images, ten a second; 29 x 44 pixels for few cores, of the published 58 x 87."""

    image_shape = [29, 44]
    frames = 2
    pitch = 20.0


class ParkourStudentCfgDagger(LeggedRobotCfgDagger):
    """The teacher's networks with a camera in the place of the height scan; sizes for few cores."""

    class policy(LeggedRobotCfgDagger.policy):
        encoders = {"scan": {**_CAMERA, "output_dim": 32 + 2, "predicts": _YAW}}

    class algorithm(LeggedRobotCfgDagger.algorithm):
        loss = "action_norm"
        freeze = ["explicit", "latent"]
        bc_initial_samples = 50_000
        batch_size = 16
        max_batches: Optional[int] = 40
        sequence_length = 60
        learning_rate = 5.0e-4
        schedule = "cosine"
        extensions = {"predictions": {}}

    class runner(LeggedRobotCfgDagger.runner):
        num_steps_per_env = 120
        max_iterations = 600
        teachers_networks = True
        unseen = ["scan", "explicit", "latent"]
        tags = {
            "Loss_depth/depth_actor": "Loss/actions",
            "Loss_depth/yaw": "Loss/yaw",
            "Loss_depth/total": "Loss/imitation",
            "Loss_depth/delta_yaw_ok_percent": "Loss/yaw_ok_percent",
        }


class GalileoParkourStudentCfg(GalileoParkourCfg):
    """Galileo over hurdles with a camera at the front of its trunk; and all that a teacher sees."""

    class env(GalileoParkourCfg.env):
        num_envs = 64

    class hurdles(GalileoParkourCfg.hurdles):
        start_stages = [0, 8]

    class observations(GalileoParkourCfg.observations):
        class depth:
            depth = ObsTerm()

    class depth_camera(ParkourCameraCfg):
        position = [0.45, 0.0, 0.05]
        far = 3.0  # hurdles are 2 m apart


class GalileoParkourStudentCfgDagger(ParkourStudentCfgDagger):
    """Training of `galileo_parkour_student`; its camera also tells of the hurdles."""

    class policy(ParkourStudentCfgDagger.policy):
        encoders = {
            "scan": {**_CAMERA, "output_dim": 32 + 2 + 5 + 8, "predicts": {**_YAW, "nearest": {}, "hurdles": {}}}
        }

    class algorithm(ParkourStudentCfgDagger.algorithm):
        # hurdles further ahead than the camera sees cannot be told
        extensions = {"predictions": {"coef": {"hurdles": 0.2}}}

    class runner(ParkourStudentCfgDagger.runner):
        experiment_name = "rsl_rl/unitree_go2_parkour"
        teacher_task = "galileo_parkour"
        unseen = ["scan", "nearest", "hurdles", "explicit", "latent"]


class Go2ParkourStudentCfg(Go2ParkourCfg):
    """Go2 on the tiles of Extreme Parkour with a camera at its head; and all that a teacher sees."""

    class env(Go2ParkourCfg.env):
        num_envs = 64

    class terrain(Go2ParkourCfg.terrain):
        max_init_terrain_level = 5

    class observations(Go2ParkourCfg.observations):
        class depth:
            depth = ObsTerm()

    class depth_camera(ParkourCameraCfg):
        position = [0.33, 0.0, 0.08]


class Go2ParkourStudentCfgDagger(ParkourStudentCfgDagger):
    """Training of `go2_parkour_student`."""

    class runner(ParkourStudentCfgDagger.runner):
        experiment_name = "rsl_rl/unitree_go2_parkour"
        teacher_task = "go2_parkour"
