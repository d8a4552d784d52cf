"""Every term over random sequences against a second implementation, see `golden_robot` and `golden_families`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict

import pytest
import torch

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.envs import A1FlatCfg, A1RoughCfg
from legged_gym.envs.a1.a1_vision_config import A1VisionCfg
from legged_gym.envs.base.base_config import ObsTerm, Termination
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.g1.g1 import G1
from legged_gym.envs.g1.g1_config import G1Cfg
from legged_gym.envs.go2.go2 import Go2
from legged_gym.envs.go2.go2_dynaflow_config import Go2Cfg
from legged_gym.envs.imitation.g1_deepmimic import G1Deepmimic
from legged_gym.envs.imitation.g1_deepmimic_config import G1DeepmimicCfg
from legged_gym.envs.mini_cheetah.mini_cheetah import MiniCheetah
from legged_gym.envs.mini_cheetah.mini_cheetah_config import MiniCheetahCfg, MiniCheetahRefCfg
from legged_gym.envs.mini_cheetah.mini_cheetah_ref import MiniCheetahRef
from legged_gym.envs.parkour.parkour_robot import ParkourRobot
from legged_gym.envs.parkour.tile_robot import ParkourTilesRobot
from legged_gym.envs.registry import TASKS
from legged_gym.envs.vision.vision_robot import VisionRobot
from legged_gym.motions.clip import write_clip
from legged_gym.sim.robot.skeleton import read_skeleton
from tests.envs.golden_families import GoldenGo2, GoldenMiniCheetah, GoldenMiniCheetahRef, GoldenVision
from tests.envs.golden_g1 import GoldenG1
from tests.envs.golden_imitation import GoldenImitation
from tests.envs.golden_robot import GoldenRobot
from tests.envs.golden_run import PREFIXES, run, switch_all_on, terms_of, watched
from tests.envs.scripted_simulator import ScriptedSimulator
from tests.motions.biped import random_clip

GOLDEN: Dict[type, type] = {
    LeggedRobot: GoldenRobot,
    MiniCheetah: GoldenMiniCheetah,
    MiniCheetahRef: GoldenMiniCheetahRef,
    Go2: GoldenGo2,
    G1: GoldenG1,
    G1Deepmimic: GoldenImitation,
    VisionRobot: GoldenVision,
}
WORKED_BY_HAND = {ParkourRobot, ParkourTilesRobot}  # in tests/envs/parkour
# what has one value in these sequences: images need a camera, which one of them has; and survival is always 1
UNVARIED = {"obs_depth", "reward_survival", "reward_alive"}
ROUGH = {"num_rows": 2, "num_cols": 4, "border_size": 1.0, "max_init_terrain_level": 1, "terrain_length": 4.0,
         "terrain_width": 4.0}  # fmt: skip
LANES = {"num_rows": 2, "num_cols": 3, "border_size": 1.0, "terrain_width": 2.0,
         "tile_types": ["lane_flat", "lane_stairs", "lane_gaps"], "difficulty_range": [0.5, 1.0]}  # fmt: skip


def hurry(cfg: Any) -> None:
    """Let everything happen within 200 steps: episodes of 30, commands of 14, a push every 20."""
    step = cfg.sim.dt * cfg.control.decimation
    cfg.update({
        "env": {"num_envs": 16, "episode_length_s": 30 * step},
        "commands": {"resampling_time": 14.5 * step, "standing_fraction": 0.3},
        "normalization": {"clip_actions": 1.0},
        "domain_rand": {"push_robots": True, "push_interval_s": 20 * step, "every_episode": True, "widen_over": None,
                        "randomize_friction": True, "randomize_base_mass": True, "randomize_com": True,
                        "randomize_gains": True, "randomize_motor_strength": True},
        "rewards": {"feet_air_time_target": 0.1, "soft_dof_vel_limit": 0.9, "soft_torque_limit": 0.9},
    })  # fmt: skip
    cfg.commands.ramps, cfg.rewards.ramps = {}, {}


def scripted(monkeypatch: Any, cls: Any, cfg: Any, **script: Any) -> Any:
    """An environment without physics, all terms in use; each of them notes what it said."""
    module = "legged_gym.envs.base.robot_setup.make_simulator"
    monkeypatch.setattr(module, lambda spec, num_envs, *_, **__: ScriptedSimulator(cfg, num_envs, **script))
    return watched(cls)(switch_all_on(cfg, cls), seed=4)


def check(env: Any, cls: type, unvaried: Any = UNVARIED, steps: int = 200) -> None:
    compared = run(env, GOLDEN[cls](env.cfg, env.sim, env.terrain), steps)
    missing = {prefix[1:] + name for prefix in PREFIXES for name in terms_of(cls, prefix)} - compared - set(unvaried)
    assert not missing, f"not compared, or always the same: {sorted(missing)}"


def test_every_term_of_every_task_has_a_golden_one():
    own = [task for task in TASKS.values() if str(task.env_class).startswith("legged_gym.")]  # not those of other tests
    assert len(own) >= 12
    for cls in {task.load_env_class() for task in own} - WORKED_BY_HAND:
        for prefix in PREFIXES:
            without = terms_of(cls, prefix) ^ terms_of(GOLDEN[cls], prefix[1:])
            assert not without, f"{cls.__name__}: {prefix}{sorted(without)} is not in both, see golden_robot.py"


def test_base_class_on_a_plane(monkeypatch):
    """With a camera, commanded yaw rates, and rewards that may be negative."""
    cfg = A1FlatCfg()
    hurry(cfg)
    cfg.update({"depth_camera": {"image_shape": [4, 6], "position_jitter": 0.0, "pitch": 20.0, "pitch_jitter": 0.0,
                                 "period": 0.02, "period_jitter": 0.0, "latency": 0.0, "latency_jitter": 0.0,
                                 "near": 0.3, "noise": {"enabled": False}}})  # fmt: skip
    cfg.observations.camera = type("camera", (), {})()
    cfg.observations.camera.depth = ObsTerm()
    check(scripted(monkeypatch, LeggedRobot, cfg), LeggedRobot, unvaried=())


def test_base_class_on_rough_ground(monkeypatch):
    """With a heading to turn to, and rewards cut off at zero."""
    cfg = A1RoughCfg()
    hurry(cfg)
    cfg.update({"terrain": ROUGH})
    cfg.rewards.only_positive_rewards = True
    check(scripted(monkeypatch, LeggedRobot, cfg, area=((-0.9, 8.9), (-0.9, 16.9))), LeggedRobot)


@pytest.mark.parametrize(("cls", "cfg_class"), [(MiniCheetah, MiniCheetahCfg), (MiniCheetahRef, MiniCheetahRefCfg)])
def test_mini_cheetah(cls, cfg_class, monkeypatch):
    cfg = cfg_class()
    hurry(cfg)
    check(scripted(monkeypatch, cls, cfg), cls)


def test_go2(monkeypatch):
    """Told to jump often; its episodes are longer than a jump."""
    cfg = Go2Cfg()
    hurry(cfg)
    cfg.update({"commands": {"jump_fraction": 0.1}, "env": {"episode_length_s": 1.4}})
    cfg.terminations.tilt = Termination(threshold=0.2)
    check(scripted(monkeypatch, Go2, cfg, tilt=0.03), Go2)


def test_g1(monkeypatch):
    cfg = G1Cfg()
    hurry(cfg)
    check(scripted(monkeypatch, G1, cfg, tilt=0.2), G1)


@pytest.mark.parametrize(("about", "teacher"), [("default", "reference"), ("reference", "default")])
def test_imitation(about, teacher, monkeypatch, tmp_path):
    """A clip of 60 frames that turns every way; errors of metres, so constants that bear them."""
    cfg = G1DeepmimicCfg()
    hurry(cfg)
    clip = random_clip(read_skeleton(cfg.asset.file.replace("{LEGGED_GYM_ROOT_DIR}", LEGGED_GYM_ROOT_DIR)), 60, 50.0)
    contacts = torch.rand(60, 2, generator=torch.Generator().manual_seed(0)) < 0.5
    feet = ("left_ankle_roll_link", "right_ankle_roll_link")
    with open(tmp_path / "clip.npz", "wb") as file:
        write_clip(replace(clip, contacts=contacts, contact_names=feet), file)
    cfg.update({
        "deepmimic": {"amass_replay_data_path": [str(tmp_path / "clip.npz")], "root_error_noise": 0.0,
                      "amass_terrain_difficulty": 1,
                      "link_pos_error_threshold": 3.5, "truncate_rollout_length": 30},
        "control": {"beta": 0.7, "actions_about": about, "teacher_actions_about": teacher},
        "asset": {"terminate_after_contacts_on": ["pelvis"],
                  "terminate_after_large_feet_contact_forces": True, "large_feet_contact_force_threshold": 500.0},
        "noise": {"offset_scales": {"gravity": 0.02, "dof_pos": 0.01, "action": 0.1}},
        "domain_rand": {"torque_rfi_rand": True, "p_gain_rand": True, "d_gain_rand": True, "control_delays": True,
                        "control_delay_max": 5},
    })  # fmt: skip
    for name in [name for name in vars(cfg.rewards) if name.endswith("_k")]:
        setattr(cfg.rewards, name, 0.01 if name != "feet_orientation_k" else 0.3)
    check(
        scripted(monkeypatch, G1Deepmimic, cfg),
        G1Deepmimic,
        {
            *UNVARIED,
            "obs_commands",
            "reward_feet_stance",
            "reward_progress",
            "reward_turning",
            "obs_terrain_height_noisy",
            "obs_teacher_checkpoint_index",
        },
    )


def test_vision(monkeypatch):
    cfg = A1VisionCfg()
    hurry(cfg)
    cfg.update({"terrain": LANES})
    cfg.rewards.ramps = {"feet_clearance": [50, 150]}
    cfg.rewards.feet_clearance_ahead = 0.2
    check(scripted(monkeypatch, VisionRobot, cfg, area=((-0.5, 16.5), (-0.5, 6.5))), VisionRobot)


def test_base_class_with_real_physics():
    """Robots that fall over stairs; what a simulator was told of single robots is not to be had here."""
    cfg = A1RoughCfg()
    hurry(cfg)
    cfg.update({"terrain": ROUGH})
    switch_all_on(cfg, LeggedRobot)
    env = watched(LeggedRobot)(cfg, sim="mujoco", seed=4)
    compared = run(env, GoldenRobot(cfg, env.sim, env.terrain), 60)
    assert {"reward_feet_air_time", "reward_dof_acc", "reward_collision", "reward_base_height"} <= compared
    assert {"obs_heights", "obs_feet_contact", "obs_actions", "obs_commands"} <= compared
