"""Command lines of VideoMimic's page and of its four stages, as they are: each setting arrives where it belongs."""

from __future__ import annotations

from typing import Any, Tuple

import pytest

from legged_gym.envs.registry import find
from legged_gym.utils.cli import get_args
from legged_gym.utils.options import CommandLine

VIDEOS = (
    "--env.deepmimic.use_amass=False --env.deepmimic.use_human_videos=True --env.deepmimic.upsample_data=True"
    " --env.deepmimic.respawn_z_offset=0.1 --env.terrain.cast_mesh_to_heightfield=False"
    " --env.deepmimic.human_motion_source=resources/data_config/human_motion_list_123_motions.yaml"
)
LINES = {
    "stage 1": (
        "--env.deepmimic.use_amass=True --multi_gpu --task=g1_deepmimic --headless --env.terrain.n_rows=16"
        " --num_envs=4096 --env.deepmimic.truncate_rollout_length=500 --env.noise.add_noise=True"
        " --env.deepmimic.link_pos_error_threshold=0.5 --env.rewards.scales.action_rate=-25.0"
        " --env.deepmimic.amass_terrain_difficulty=2 --env.domain_rand.p_gain_rand=True"
        " --env.domain_rand.d_gain_rand=True --env.domain_rand.push_robots=True --env.domain_rand.control_delays=True"
        " --env.domain_rand.control_delay_min=0 --env.domain_rand.control_delay_max=5"
        " --env.noise.offset_scales.gravity=0.02 --env.noise.offset_scales.dof_pos=0.005"
        " --env.deepmimic.randomize_terrain_offset=True --env.asset.use_alt_files=True"
        " --env.noise.init_noise_scales.root_xy=0.1 --env.noise.init_noise_scales.root_z=0.02"
        " --env.domain_rand.randomize_base_mass=True --env.noise.init_noise_scales.dof_pos=0.01"
        " --env.asset.terminate_after_large_feet_contact_forces=True"
    ),
    "stage 2": (
        "--task=g1_deepmimic_proj_heightfield --multi_gpu --headless --env.terrain.n_rows=1 --num_envs=4096"
        " --load_run 20250410_063030_g1_deepmimic --resume --train.policy.re_init_std=True"
        " --train.policy.init_noise_std=0.5 --train.algorithm.learning_rate=2e-5 --train.algorithm.schedule=fixed"
        f" legged_gym/scripts/train.py --headless {VIDEOS} --env.deepmimic.amass_terrain_difficulty=1"
        " --env.deepmimic.link_pos_error_threshold=0.5 --train.runner.save_interval=500"
        " --env.deepmimic.randomize_terrain_offset=False --env.deepmimic.truncate_rollout_length=500"
        " --train.runner.load_model_strict=False --env.rewards.scales.termination=-2000"
        " --env.rewards.scales.alive=200.0 --env.rewards.scales.ankle_action=-3.0 --env.rewards.scales.action_rate=-3.0"
    ),
    "stage 3": (
        f"--multi_gpu --task=g1_deepmimic_root_heightfield_no_history_dagger --headless {VIDEOS}"
        " --train.algorithm.learning_rate=1e-3 --train.algorithm.schedule=fixed"
        " --env.deepmimic.link_pos_error_threshold=0.3 --train.algorithm.policy_to_clone=20250411_x_g1_deepmimic"
        " --train.algorithm.bc_loss_coef=1.0"
    ),
    "stage 4": (
        f"--multi_gpu --task=g1_deepmimic_root_heightfield_no_history_dagger --headless {VIDEOS} --resume"
        " --load_run 20250412_x_g1_deepmimic --env.deepmimic.use_amass=True"
        " --env.deepmimic.amass_replay_data_path=lafan_walk/*.pkl --train.algorithm.bc_loss_coef=0"
        " --train.algorithm.learning_rate=3e-5 --train.policy.re_init_std=True --train.policy.init_noise_std=0.5"
    ),
    "videos": (
        "--multi_gpu --task=g1_deepmimic --headless --env.deepmimic.use_amass=False"
        " --load_run 20250225_132031_g1_deepmimic --resume --env.deepmimic.use_human_videos=True"
        " --env.deepmimic.human_video_oversample_factor=10 --env.terrain.n_rows=6 --env.deepmimic.n_append=50"
        " --env.deepmimic.init_velocities=True --env.deepmimic.randomize_start_offset=True"
    ),
    "distilling": (
        "--task=g1_deepmimic_dagger --multi_gpu --headless --env.terrain.n_rows=10 --env.control.beta=1.0"
        " --env.rewards.scales.feet_orientation=0.0 --train.algorithm.policy_to_clone_jitted=False"
        " --train.algorithm.policy_to_clone=20250225_x_g1_deepmimic --train.algorithm.bc_loss_coef=1.0"
        " --env.rewards.collision=-15 --env.rewards.feet_contact_matching=1 --env.domain_rand.max_push_vel_interval=5"
        " --env.deepmimic.human_video_folders=[one,two] --env.normalization.clip_actions=10"
    ),
    "dance": (
        "--task=g1_deepmimic_mocap --multi_gpu --headless --env.terrain.n_rows=4096"
        " --env.deepmimic.amass_replay_data_path=lafan_replay_data/env_11_dance1_subject2.pkl"
        " --env.deepmimic.cut_off_import_length=1600"
    ),
}


def resolved(name: str) -> Tuple[Any, Any]:
    command = CommandLine.read(get_args([*LINES[name].split(), "--wandb_note", "two words"]))
    cfgs = find(command.task).new_cfgs()
    command.apply(*cfgs)
    for cfg in cfgs:
        cfg.check()
    assert cfgs[1].runner.wandb_note == "two words" and command.options.multi_gpu
    return cfgs


@pytest.mark.parametrize("name", LINES)
def test_every_line_is_read(name):
    resolved(name)


def test_settings_arrive(capsys):
    env, _ = resolved("stage 1")
    assert env.domain_rand.control_delay_max == 5 and env.rewards.scales.action_rate == -25.0
    assert (env.noise.init_noise_scales.root_xy, env.terrain.n_rows, env.env.num_envs) == (0.1, 16, 4096)
    env, train = resolved("stage 2")
    assert "'legged_gym/scripts/train.py' belongs to no flag" in capsys.readouterr().out
    assert (env.rewards.scales.alive, env.rewards.scales.ankle_action) == (200.0, -3.0)
    assert train.policy.re_init_std and not train.runner.load_model_strict
    _, train = resolved("stage 3")
    assert train.algorithm.extensions["cloning"]["teacher"] == "20250411_x_g1_deepmimic"
    env, train = resolved("stage 4")
    assert train.algorithm.extensions["cloning"]["coef"] == 0 and env.deepmimic.use_amass
    assert env.deepmimic.amass_replay_data_path == ["lafan_walk/*.pkl"]
    env, _ = resolved("distilling")
    assert (env.rewards.scales.collision, env.domain_rand.push_interval_s) == (-15.0, 5.0)
    assert env.deepmimic.human_video_folders == ["one", "two"]
    env, _ = resolved("dance")
    assert env.deepmimic.cut_off_import_length == 1600 and env.deepmimic.link_pos_error_threshold == 0.5
