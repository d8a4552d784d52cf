"""How robots that imitate are trained: what actor and critic read, and the tasks' names."""

from __future__ import annotations

from typing import Any, Dict, List

from legged_gym.envs.base.legged_robot_config import LeggedRobotCfgPPO
from legged_gym.envs.imitation.g1_deepmimic_config import G1DeepmimicCfg, G1DeepmimicHeightsCfg, G1DeepmimicMocapCfg

SENSED = ["history_torso_real", "history_torso_xy_rel", "history_torso_yaw_rel"]
TARGETS = ["target_joints", "target_root_roll", "target_root_pitch"]
TEACHER = [*SENSED, *TARGETS]
CRITIC = ["torso", "deepmimic", *TEACHER]


def gated(groups: List[str], *added: str) -> Dict[str, Any]:
    """Encoders that pass groups through, and those of others that are added behind a gate."""
    return {**{group: {} for group in groups}, **{group: {"fusion": "gated"} for group in added}}


class G1DeepmimicCfgPPO(LeggedRobotCfgPPO):
    """Training of `g1_deepmimic` and `g1_deepmimic_mocap`."""

    class policy(LeggedRobotCfgPPO.policy):
        init_noise_std = 0.8
        actor_obs_groups = TEACHER
        critic_obs_groups = CRITIC

    class algorithm(LeggedRobotCfgPPO.algorithm):
        entropy_coef = 0.0025
        desired_kl = 0.02

    class runner(LeggedRobotCfgPPO.runner):
        experiment_name = "g1_deepmimic"
        max_iterations = 100_000
        save_interval = 500


class HeightfieldCfgPPO(G1DeepmimicCfgPPO):
    """The map of heights beside the rest."""

    class policy(G1DeepmimicCfgPPO.policy):
        encoders: Any = {**gated(TEACHER), "terrain_height": {"output_dim": 415}}
        critic: Any = {"encoders": {**gated(CRITIC), "terrain_height": {"output_dim": 623}}}


class ProjHeightfieldCfgPPO(G1DeepmimicCfgPPO):
    """The map added into the first hidden layer, behind a gate that begins at 0: it can be put on a blind policy."""

    class policy(G1DeepmimicCfgPPO.policy):
        encoders: Any = gated(TEACHER, "terrain_height")
        critic: Any = {"encoders": gated(CRITIC, "terrain_height")}


class RootHeightfieldCfgPPO(G1DeepmimicCfgPPO):
    """No joints of the clip, only where its root is, and the map."""

    class policy(G1DeepmimicCfgPPO.policy):
        encoders: Any = gated(SENSED, "terrain_height")
        critic: Any = {"encoders": gated(CRITIC, "terrain_height")}


class NoHistoryProjJointsCfgPPO(G1DeepmimicCfgPPO):
    """Where the root should be now, the noisy map and the clip's joints, the latter three each behind a gate."""

    class policy(G1DeepmimicCfgPPO.policy):
        encoders: Any = gated(["history_torso_real", "torso_xy_rel", "torso_yaw_rel"], *TARGETS, "terrain_height_noisy")
        critic: Any = {"encoders": gated(CRITIC, "terrain_height_noisy")}


PREFIX = "g1_deepmimic"
TASKS = [
    (PREFIX, G1DeepmimicCfg, G1DeepmimicCfgPPO),
    (f"{PREFIX}_mocap", G1DeepmimicMocapCfg, G1DeepmimicCfgPPO),
    (f"{PREFIX}_heightfield", G1DeepmimicHeightsCfg, HeightfieldCfgPPO),
    (f"{PREFIX}_proj_heightfield", G1DeepmimicHeightsCfg, ProjHeightfieldCfgPPO),
    (f"{PREFIX}_root_heightfield", G1DeepmimicHeightsCfg, RootHeightfieldCfgPPO),
    (f"{PREFIX}_root_heightfield_no_history_with_proj_joints_ppo", G1DeepmimicHeightsCfg, NoHistoryProjJointsCfgPPO),
]
