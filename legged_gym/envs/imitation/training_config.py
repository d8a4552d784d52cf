"""How robots that imitate are trained: what actor and critic read, and the tasks' names."""

from __future__ import annotations

from typing import Any, Dict, List

from legged_gym.envs.base.legged_robot_config import LeggedRobotCfgPPO
from legged_gym.envs.imitation.g1_deepmimic_config import (
    G1DeepmimicCfg,
    G1DeepmimicHeightsCfg,
    G1DeepmimicMocapCfg,
    G1DeepmimicStudentCfg,
)

SENSED = ["history_torso_real", "history_torso_xy_rel", "history_torso_yaw_rel"]
TARGETS = ["target_joints", "target_root_roll", "target_root_pitch"]
TEACHER = [*SENSED, *TARGETS]
CRITIC = ["torso", "deepmimic", *TEACHER]


def gated(groups: List[str], *added: str) -> Dict[str, Any]:
    """Encoders that pass groups through, and those of others that are added behind a gate."""
    return {**{group: {} for group in groups}, **{group: {"fusion": "gated"} for group in added}}


# limits of None are normalization.clip_actions; with a coef of 0 nobody is cloned
EXTENSIONS: Dict[str, Dict[str, Any]] = {
    "bounds": {"limit": None, "coef": 0.0005},
    "cloning": {
        "teacher": None,
        "coef": 0.0,
        "until": -1,
        "scripted": None,
        "limit": None,
        "clip": True,
        "sample": False,
        "drives": False,
        "several": False,
        "select": "teacher_checkpoint_index",
        "offset": None,
        "renamed": None,
    },
}
# a teacher's actions may be about something else than the student's
CLONING = {
    **EXTENSIONS["cloning"],
    "coef": 1.0,
    "offset": "teacher_centre",
    "renamed": {"history_torso_real": "history_teacher_torso_real"},
}


class G1DeepmimicCfgPPO(LeggedRobotCfgPPO):
    """Training of `g1_deepmimic` and `g1_deepmimic_mocap`."""

    _aliases = {
        f"algorithm.{name}": tuple(f"algorithm.extensions.{own}" for own in there)
        for name, there in {
            "bounds_loss_coef": ["bounds.coef"],
            "clip_actions_threshold": ["bounds.limit", "cloning.limit"],
            "bc_loss_coef": ["cloning.coef"],
            "policy_to_clone": ["cloning.teacher"],
            "policy_to_clone_jitted": ["cloning.scripted"],
            "clip_teacher_actions": ["cloning.clip"],
            "take_teacher_actions": ["cloning.drives"],
            "use_multi_teacher": ["cloning.several"],
            "multi_teacher_select_obs_var": ["cloning.select"],
            "switch_to_rl_after": ["cloning.until"],
        }.items()
    }

    class policy(LeggedRobotCfgPPO.policy):
        init_noise_std = 0.8
        actor_obs_groups = TEACHER
        critic_obs_groups = CRITIC

    class algorithm(LeggedRobotCfgPPO.algorithm):
        entropy_coef = 0.0025
        desired_kl = 0.02
        extensions: Any = EXTENSIONS

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


class G1DeepmimicCfgDagger(G1DeepmimicCfgPPO):
    """A student that knows of the clip where its root and its upper body should be; it clones a teacher."""

    class policy(G1DeepmimicCfgPPO.policy):
        actor_obs_groups = [*SENSED, "upper_body_joint_targets"]

    class algorithm(G1DeepmimicCfgPPO.algorithm):
        learning_rate = 3.0e-4
        extensions: Any = {**EXTENSIONS, "cloning": CLONING}


class RootCfgDagger(G1DeepmimicCfgDagger):
    """A student that knows where its root should be."""

    class policy(G1DeepmimicCfgDagger.policy):
        actor_obs_groups = SENSED


class RootHeightfieldCfgDagger(G1DeepmimicCfgDagger):
    """And sees the map."""

    class policy(RootHeightfieldCfgPPO.policy):
        pass


class NoHistoryCfgDagger(G1DeepmimicCfgDagger):
    """What a robot has: its own past, where its root should be now, the noisy map."""

    class policy(G1DeepmimicCfgPPO.policy):
        actor_hidden_dims = [1024, 512, 256, 128]
        critic_hidden_dims = [1024, 512, 256, 128]
        encoders: Any = gated(["history_torso_real", "torso_xy_rel", "torso_yaw_rel"], "terrain_height_noisy")
        critic: Any = {"encoders": gated(CRITIC, "terrain_height_noisy")}


PREFIX = "g1_deepmimic"
TASKS = [
    (PREFIX, G1DeepmimicCfg, G1DeepmimicCfgPPO),
    (f"{PREFIX}_mocap", G1DeepmimicMocapCfg, G1DeepmimicCfgPPO),
    (f"{PREFIX}_heightfield", G1DeepmimicHeightsCfg, HeightfieldCfgPPO),
    (f"{PREFIX}_proj_heightfield", G1DeepmimicHeightsCfg, ProjHeightfieldCfgPPO),
    (f"{PREFIX}_root_heightfield", G1DeepmimicHeightsCfg, RootHeightfieldCfgPPO),
    (f"{PREFIX}_root_heightfield_no_history_with_proj_joints_ppo", G1DeepmimicHeightsCfg, NoHistoryProjJointsCfgPPO),
    (f"{PREFIX}_dagger", G1DeepmimicStudentCfg, G1DeepmimicCfgDagger),
    (f"{PREFIX}_root_dagger", G1DeepmimicStudentCfg, RootCfgDagger),
    (f"{PREFIX}_root_heightfield_dagger", G1DeepmimicStudentCfg, RootHeightfieldCfgDagger),
    (f"{PREFIX}_root_heightfield_no_history_dagger", G1DeepmimicStudentCfg, NoHistoryCfgDagger),
]
