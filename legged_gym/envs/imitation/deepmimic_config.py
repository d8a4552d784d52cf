"""Settings of what robots imitate, by the names that VideoMimic gives them."""

from __future__ import annotations

from typing import List

from legged_gym.settings import flag, names, number, span, text

TRACKED_BODIES = [
    "pelvis",
    *(f"{side}_{link}_link" for side in ("left", "right") for link in ("hip_pitch", "knee", "ankle_roll")),
    *(f"{side}_{link}_link" for side in ("left", "right") for link in ("shoulder_pitch", "elbow", "wrist_yaw")),
]


class DeepmimicCfg:
    """The section `deepmimic`."""

    use_amass = flag(True)  # mocap clips, which have no ground of their own
    # each of them on flat ground and on this many rough ones less one, alike
    amass_terrain_difficulty = number(2, low=1, high=5)
    use_human_videos = flag(False)  # clips with a mesh of the ground they were filmed on
    # of these, one a clip; by path, or by a part of the name of one in `data_root`
    human_video_folders: List[str] = names([])
    # the same as a YAML file, a list with `folder_path` and more of each, or one folder
    human_motion_source = text("resources/data_config/human_motion_list.yaml")
    human_video_data_pattern = text("retarget_poses_g1.h5")  # the clip in its folder
    human_video_terrain_pattern = text("background_mesh.obj")  # and its mesh
    human_video_oversample_factor = number(1, low=1, high=10**6)  # how often each of them is drawn, against mocap clips
    amass_teacher_checkpoint_run_name = text("")  # of the teacher of mocap clips, where there are several
    # mocap clips: robots and clip start this much off the middle of the tile, standard deviation
    randomize_terrain_offset = flag(False)
    randomize_terrain_offset_range = number(1.0, "m", low=0, high=100)
    # motion clips, patterns of file names; looked for as they are, and in the folders of `data_root`
    amass_replay_data_path = names(["*.npz"], least=1)
    # folders, the first that has the file counts; our own clips come last
    data_root = names(["../retargeted_data", "../unitree_lafan"])
    default_data_fps = number(-1.0, "1/s", low=-1, high=1000)  # of clips that do not say it; -1: the policy's rate
    upsample_data = flag(True)  # resample clips of another rate than the policy's; else they are refused
    cut_off_import_length = number(-1, "frames", low=-1)  # of a clip that are kept, after resampling; -1: all
    n_prepend = number(0, "frames", low=0, high=10**6)  # that a clip's first one is held for
    n_append = number(0, "frames", low=0, high=10**6)  # that its last one is held for
    repair_height = flag(False)  # put each clip where its feet stand on the ground
    height_direct_offset = number(0.0, "m", low=-10, high=10)  # added to the height of clips
    tracked_bodies = names(TRACKED_BODIES, least=1)  # whose places count; the first is the root
    torso = text("torso_link")  # whose place and heading the policy is told
    # which clips are drawn how often; the last one: those that fail more
    clip_weighting_strategy = text("success_rate_adaptive", ("uniform_step", "uniform_clip", "success_rate_adaptive"))
    min_success_rate_weight_factor = number(1.0 / 3.0, low=0, high=1)  # bounds of its factor
    max_success_rate_weight_factor = number(3.0, low=1, high=1e6)
    adaptive_weight_update_interval = number(25, "policy steps", low=1)
    randomize_start_offset = flag(True)  # start anywhere in a clip; else at its first frame, all clips in turn
    # of start frames; `linear`: early ones more often, `failure_adaptive`: mostly those that soon lead to failures
    weighting_strategy = text("uniform", ("uniform", "linear", "failure_adaptive"))
    truncate_rollout_length = number(-1, "policy steps", low=-1)  # of the longest episode; -1: to the clip's end
    init_velocities = flag(True)  # start with the clip's velocities, else at rest
    init_default_frac = number(0.0, low=0, high=1)  # fraction of episodes that begin with the default joint angles
    respawn_z_offset = number(0.0, "m", low=-10, high=10)  # added to the height of the root at reset
    link_pos_error_threshold = number(0.3, "m", above=0, high=1e6)  # a body further than this ends the episode
    root_error_noise = number(0.01, "m, rad", low=0, high=10)  # normal, of the torso's errors, in training always
    zero_torso_xy = flag(False)  # the policy is told no error of the torso's place
    zero_torso_yaw = flag(False)  # nor of its heading


class OffsetScales:
    """Standard deviations of offsets that last for an episode."""

    gravity = number(0.0, low=0, high=10)  # of each number of the gravity that the policy sees
    dof_pos = number(0.0, "rad", low=0, high=10)  # of the joint angles that it sees
    action = number(0.0, low=0, high=100)  # added to its actions


class InitNoiseScales:
    """Standard deviations of how robots start beside the clip."""

    root_xy = number(0.0, "m", low=0, high=10)
    root_z = number(0.0, "m", low=0, high=10)
    root_quat = number(0.0, low=0, high=1)  # of each number of the quaternion
    dof_pos = number(0.0, "rad", low=0, high=10)
    dof_vel = number(0.0, "rad/s", low=0, high=100)


class PlaybackNoiseScales:
    """Clips that stop and go on, for policies that are to bear it."""

    freeze_env_prob = number(0.0, low=0, high=1)  # a policy step
    unfreeze_env_prob = number(0.0, low=0, high=1)  # likewise


class ImitationRandCfg:
    """What `domain_rand` has besides for robots that imitate; drawn anew at each reset, but for the centre of mass."""

    max_push_vel_z = number(0.1, "m/s", low=0, high=100)  # a push adds to the vertical velocity too
    # of joint torques that are added all through an episode, as a fraction of the limit
    torque_rfi_rand = flag(False)
    torque_rfi_rand_scale = number(0.04, low=0, high=10)  # standard deviation
    p_gain_rand = flag(False)
    p_gain_rand_scale = number(0.03, low=0, high=1)  # of the factor on each joint's stiffness, standard deviation
    d_gain_rand = flag(False)
    d_gain_rand_scale = number(0.03, low=0, high=1)  # likewise, damping
    control_delays = flag(False)  # joint targets reach the motors late
    control_delay_min = number(0, "physics steps", low=0, high=1000)
    control_delay_max = number(1, "physics steps", low=0, high=1000)
    randomize_base_com = flag(False)  # of the torso, drawn as the mass is
    added_com_range = span([-0.025, 0.025], "m", low=-10, high=10)
