"""What networks of the tasks read, in the numbers of the source, and how a blind one begins to see."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from legged_gym.envs.registry import find
from rsl_rl.models import ActorCritic
from rsl_rl.models.saved_policy import take_what_fits

SIZES = {
    "torso": 79, "deepmimic": 129, "history_torso_real": 375, "history_torso_xy_rel": 10, "history_torso_yaw_rel": 5,
    "torso_xy_rel": 2, "torso_yaw_rel": 1, "target_joints": 23, "target_root_roll": 1, "target_root_pitch": 1,
    "upper_body_joint_targets": 11, "terrain_height": 121, "terrain_height_noisy": 121,
}  # fmt: skip
# inputs of the actor's first layer, groups that are added behind a gate
ACTORS: dict[str, tuple[int, list[str]]] = {
    "": (415, []),
    "_mocap": (415, []),
    "_heightfield": (830, []),
    "_proj_heightfield": (415, ["terrain_height"]),
    "_root_heightfield": (390, ["terrain_height"]),
    "_root_heightfield_no_history_with_proj_joints_ppo": (
        378,
        ["target_joints", "target_root_roll", "target_root_pitch", "terrain_height_noisy"],
    ),
    "_dagger": (401, []),
    "_root_dagger": (390, []),
    "_root_heightfield_dagger": (390, ["terrain_height"]),
    "_root_heightfield_no_history_dagger": (378, ["terrain_height_noisy"]),
}


def policy_of(task: str) -> ActorCritic:
    cfg: Any = find(f"g1_deepmimic{task}").new_cfgs()[1]
    torch.manual_seed(1)
    return ActorCritic({name: (size,) for name, size in SIZES.items()}, 23, **cfg.to_dict()["policy"])


@pytest.mark.parametrize("task", ACTORS)
def test_sizes_of_networks(task: str) -> None:
    policy, (width, gated) = policy_of(task), ACTORS[task]
    assert policy.actor.width == width
    assert policy.critic.width == (1246 if task == "_heightfield" else 623)
    assert [name for name, encoder in policy.actor.encoders.items() if encoder.is_gated] == gated


def test_the_map_on_a_blind_teacher_changes_nothing_at_first() -> None:
    blind, seeing = policy_of(""), policy_of("_proj_heightfield")
    with torch.no_grad():
        blind.actor.head.output.weight.add_(0.1)
    told = take_what_fits("blind.pt", blind.state_dict(), seeing)
    assert told.startswith("left out nothing; begun anew ")
    assert all(".encoders.terrain_height" in name for name in told.partition("begun anew ")[2].split(", "))
    obs = {name: torch.randn(3, size) for name, size in SIZES.items()}
    torch.testing.assert_close(seeing.act_inference(obs)[0], blind.act_inference(obs)[0])
    torch.testing.assert_close(seeing.values(obs, {"critic": {}}), blind.values(obs, {"critic": {}}))


def test_settings_by_the_names_of_the_source() -> None:
    cfg: Any = find("g1_deepmimic_dagger").new_cfgs()[1]
    assert cfg.algorithm.extensions["cloning"]["coef"] == 1.0
    for name, text in (
        ("bc_loss_coef", "0"), ("policy_to_clone", "some_run"), ("policy_to_clone_jitted", "False"),
        ("clip_actions_threshold", "10"), ("bounds_loss_coef", "0.001"), ("switch_to_rl_after", "500"),
        ("clip_teacher_actions", "False"), ("take_teacher_actions", "True"), ("use_multi_teacher", "True"),
        ("multi_teacher_select_obs_var", "which"),
    ):  # fmt: skip
        cfg.set(f"algorithm.{name}", text, "train.")
    assert cfg.algorithm.extensions["cloning"] == {
        "teacher": "some_run", "coef": 0, "until": 500, "scripted": False, "limit": 10, "clip": False, "sample": False,
        "drives": True, "several": True, "select": "which", "offset": "teacher_centre",
        "renamed": {"history_torso_real": "history_teacher_torso_real"},
    }  # fmt: skip
    assert cfg.algorithm.extensions["bounds"] == {"limit": 10, "coef": 0.001}
    assert find("g1_deepmimic").new_cfgs()[1].algorithm.extensions["cloning"]["teacher"] is None
