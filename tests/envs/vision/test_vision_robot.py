"""The robot that walks by sight: commands by terrain, scandots, the rewards of the paper."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from legged_gym.envs.a1.a1_vision_config import A1VisionCfg, A1VisionStudentCfg
from legged_gym.envs.terms.mirror import mirror_of_term
from legged_gym.envs.vision.vision_robot import VisionRobot


def make_env(num_envs: int = 8, cfg_class: Any = A1VisionCfg, **settings: Any) -> VisionRobot:
    cfg = cfg_class()
    cfg.env.num_envs = num_envs
    small = {"terrain.num_rows": 2, "terrain.num_cols": 2, "terrain.border_size": 4.0, "terrain.terrain_width": 4.0,
             "terrain.max_init_terrain_level": 1, "terrain.tile_types": ["lane_flat", "lane_stairs"],
             "noise.add_noise": False, "domain_rand.push_robots": False}  # fmt: skip
    for path, value in {**small, **{key.replace("__", "."): value for key, value in settings.items()}}.items():
        cfg.set(path, value)
    env = VisionRobot(cfg, sim="mujoco", seed=2)
    env.reset()
    return env


def place(env: VisionRobot, x: float, y: float, z: float, yaw: float = 0.0) -> None:
    """Put all robots somewhere, without moving time on."""
    states = torch.zeros(env.num_envs, 13)
    states[:, :3] = torch.tensor([x, y, z])
    states[:, 5], states[:, 6] = math.sin(yaw / 2), math.cos(yaw / 2)
    env.sim.set_root_states(torch.arange(env.num_envs), states)
    env._update_base()


def test_robots_start_near_the_beginning_of_a_lane_and_face_along_it():
    env = make_env(64)
    start = env.root_states[:, :2] - env.env_origins[:, :2]
    assert (start[:, 0].abs() <= 0.3).all() and (start[:, 1].abs() <= 0.5).all()
    tile_x = env.root_states[:, 0] - 8.0 * env.terrain_levels
    assert (tile_x > 0.5).all() and (tile_x < 2.0).all()
    assert torch.allclose(env.root_states[:, 6], torch.ones(64))


def test_commands_go_straight_over_obstacles_and_in_three_ways_on_flat_ground():
    env = make_env(600)
    flat = env.terrain_types == 0
    speed, heading = env.commands[:, 0], env.commands[:, 3]
    over = ~flat
    assert speed[over].min() >= 0.3 and speed[over].max() <= 0.8
    assert speed[over].min() < 0.32 and speed[over].max() > 0.78
    ten = math.radians(10.0)
    assert heading[over].abs().max() <= ten and heading[over].abs().max() > 0.95 * ten
    assert (env.commands[:, 1] == 0).all()

    curve = flat & (speed > 0)
    assert speed[curve].min() >= 0.2 and speed[curve].max() <= 0.75
    assert heading[curve].abs().max() <= math.radians(60.0)
    turn = flat & (speed == 0) & (heading != 0)
    stand = flat & (speed == 0) & (heading == 0)  # robots face along x, so no turn
    for share in (curve, turn, stand):
        assert float(share.sum() / flat.sum()) == pytest.approx(1 / 3, abs=0.09)
    assert heading[turn].abs().max() > math.radians(150.0)


def test_scandots_are_depths_of_the_ground_in_the_frame_of_the_robots_yaw():
    env = make_env(1, terrain__roughness=None)
    # facing +y at the foot of the second level's stairs, which go along x and have treads of 0.3 m
    x, y, yaw = 8.0 + 2.0, 4.0 + 2.0, math.pi / 2
    place(env, x, y, 0.5, yaw)
    dots = env._obs_scandots().view(23, 11)
    # a robot that faces +y has +x on its right: points at y = -0.2 lie at x = 2.2 of the tile. The first riser of the
    # hardest stairs, 0.23 m, stands at 2.1 m, the second at 2.4 m.
    assert torch.allclose(dots[:, 1], torch.full((23,), 0.5 - 0.3 - 0.23), atol=1e-5)
    assert torch.allclose(dots[:, 9], torch.full((23,), 0.5 - 0.3), atol=1e-5)
    world = env.scandots_world()[0].view(23, 11, 3)
    assert torch.allclose(world[22, 1], torch.tensor([x + 0.2, y + 0.75, 0.23]), atol=1e-5)


def test_points_of_a_tilted_robot_are_drawn_where_they_were_measured():
    env = make_env(1, terrain__roughness=None)
    place(env, 8.0 + 1.9, 6.0, 0.5)
    tilted = env.root_states.clone()
    tilted[:, 3:7] = torch.nn.functional.normalize(torch.tensor([[0.25, 0.15, 0.3, 0.9]]), dim=1)
    env.sim.set_root_states(torch.arange(1), tilted)
    env._update_base()
    dots = env.scandots_world()
    assert dots[..., 2].max() > 0.2 and dots[..., 2].min() == 0.0
    assert torch.equal(env.height_scan.sample(dots[..., :2]), dots[..., 2])


def test_a_mirrored_robot_sees_mirrored_scandots():
    env = make_env(1, terrain__roughness=None)
    index, sign = mirror_of_term(env, "scandots", env._obs_scandots().shape[1])
    dots = {}
    for yaw in (0.5, -0.5):
        place(env, 8.0 + 1.7, 6.0, 0.5, yaw)  # the stairs look alike from the left and from the right
        dots[yaw] = env._obs_scandots()[0]
    assert not torch.allclose(dots[0.5], dots[-0.5])
    assert torch.allclose(torch.tensor(sign) * dots[0.5][index], dots[-0.5], atol=1e-5)


def test_rewards_by_hand():
    env = make_env(2)
    env.commands[:] = torch.tensor([0.35, 0.0, 0.2, 0.0])
    env.base_lin_vel = torch.tensor([[0.25, 0.4, 0.0], [0.55, 0.0, 0.0]])
    env.base_ang_vel = torch.tensor([[0.0, 0.0, 0.5], [0.0, 0.0, 0.1]])
    # 0.35 - 0.1 - 0.3 and 0.35 - 0.2 - 0.1
    assert torch.allclose(env._reward_tracking(), torch.tensor([-0.05, 0.05]))
    env.torques, env.dof_vel = torch.zeros(2, 12), torch.zeros(2, 12)
    env.torques[0, :2], env.dof_vel[0, :2] = torch.tensor([2.0, -3.0]), torch.tensor([1.0, 4.0])
    assert env._reward_work().tolist() == [14.0, 0.0]
    env.feet_forces, env.last_feet_forces = torch.zeros(2, 4, 3), torch.zeros(2, 4, 3)
    env.feet_forces[0, 0], env.last_feet_forces[0, 0] = torch.tensor([0.0, 3.0, 30.0]), torch.tensor([0.0, 0.0, 26.0])
    env.feet_forces[0, 1] = torch.tensor([1.0, 0.0, 0.0])
    assert torch.allclose(env._reward_foot_jerk(), torch.tensor([6.0, 0.0]))
    states = torch.zeros(2, len(env.body_names), 13)
    states[:, env.feet_indices, 7:10] = torch.tensor([-0.5, 0.25, 9.0])
    env.sim = SimpleNamespace(states_of=lambda bodies: states[:, bodies])
    env.feet_contact = torch.tensor([[True, False, True, False], [False] * 4])
    assert env._reward_feet_drag().tolist() == [1.5, 0.0]


def test_contact_forces_of_the_last_step_are_remembered_and_forgotten_at_a_reset():
    env = make_env(2)
    for _ in range(30):
        env.step(torch.zeros(2, 12))
    assert torch.equal(env.last_feet_forces, env.feet_forces)
    assert (env.last_feet_forces[..., 2].sum(1) > 50).all()
    env.reset_idx(torch.tensor([1]))
    assert (env.last_feet_forces[1] == 0).all() and (env.last_feet_forces[0] != 0).any()


def test_robots_move_up_after_most_of_a_lane_and_down_after_too_little():
    env = make_env(4)
    env.terrain_types[:] = 1
    env.terrain_levels[:] = torch.tensor([0, 1, 0, 1])
    env.env_origins[:] = env.terrain_curriculum.origins[env.terrain_levels, env.terrain_types]
    env.commands[:, :2] = torch.tensor([0.35, 0.0])
    # robots start at 1 m and finish at 6 m of the tile; half of what 20 s at 0.35 m/s lead to is 3.5 m
    walked = torch.tensor([5.1, 3.4, 4.9, 4.9])
    env.root_states[:, 0] = env.env_origins[:, 0] + walked
    env.root_states[:, 1] = env.env_origins[:, 1]
    env._update_terrain_curriculum(torch.arange(4))
    assert env.terrain_levels.tolist() == [1, 0, 0, 1]


def test_progress_is_a_share_of_the_command():
    env = make_env(6)
    env.commands[:, 0] = torch.tensor([0.5, 0.5, 0.5, 0.5, 0.0, 0.0])
    env.commands[:, 3] = 0.0
    env.root_states[:, 7:9] = 0.0
    env.root_states[:, 7] = torch.tensor([0.25, 0.5, 0.9, -2.0, 0.3, -0.05])
    # half of it, all, no more for more, at least -1; told to stand or to turn: nothing, lest falling be cheaper
    assert env._reward_progress().tolist() == pytest.approx([0.5, 1.0, 1.0, -1.0, 0.0, 0.0])


def test_progress_is_made_towards_the_commanded_heading():
    env = make_env(4)
    env.commands[:, 0] = 0.5
    env.commands[:, 3] = torch.tensor([0.0, math.pi / 2, math.pi, -math.pi / 3])
    place(env, 1.0, 1.0, 0.4, yaw=math.pi / 2)  # whatever the trunk points to
    env.root_states[:, 7] = 0.0
    env.root_states[:, 8] = 0.4  # m/s along world y
    assert env._reward_progress().tolist() == pytest.approx([0.0, 0.8, 0.0, -0.8 * math.sqrt(0.75)], abs=1e-6)


def test_height_is_measured_over_the_ground_that_the_trunk_stands_on():
    """A pit under a third of the scan does not move it; on a plane it is the height of the base."""
    env = make_env(3, terrain__mesh_type="plane", rewards__base_height_target=0.3)
    place(env, 0.0, 0.0, 0.5)
    env.measured_heights = env.measured_heights.clone()
    env.measured_heights[1, ::3] = -0.8
    env.measured_heights[2] += 0.1
    assert torch.allclose(env._reward_base_height(), torch.tensor([0.04, 0.04, 0.01]), atol=1e-6)


def test_swinging_feet_pay_for_what_they_lack_in_height():
    env = make_env(2, terrain__mesh_type="plane", rewards__feet_clearance_target=0.09)
    feet = env.sim.body_states.clone()
    feet[:, env.feet_indices] = 0.0
    feet[:, env.feet_indices, 2] = torch.tensor([0.09, 0.2, 0.05, 0.05])  # high enough, higher, 4 cm short, in contact
    feet[:, env.feet_indices, 7:9] = torch.tensor([3.0, 4.0])
    env.sim = SimpleNamespace(states_of=lambda bodies: feet[:, bodies])
    env.feet_contact = torch.tensor([[False, False, False, True]] * 2)
    assert env._reward_feet_clearance().tolist() == pytest.approx([0.04**2 * 5.0] * 2)


def test_feet_look_ahead_for_what_they_have_to_clear():
    """Towards a curb they lack its height from 0.15 s before it on; away from it nothing."""
    env = make_env(2, terrain__tile_types=["lane_curbs"], rewards__feet_clearance_target=0.1)
    heights = torch.tensor([0.0, 0.15])
    env.height_scan.sample = lambda xy: heights[(xy[..., 0] > 1.0).long()]
    feet = env.sim.body_states.clone()
    feet[:, env.feet_indices] = 0.0
    feet[:, env.feet_indices, 0] = torch.tensor([0.8, 0.9, 0.99, 1.01])
    feet[:, env.feet_indices, 2] = torch.tensor([0.17, 0.17, 0.17, 0.17])
    feet[0, env.feet_indices, 7], feet[1, env.feet_indices, 7] = 1.0, -1.0
    env.sim = SimpleNamespace(states_of=lambda bodies: feet[:, bodies])
    env.feet_contact = torch.zeros(2, 4, dtype=torch.bool)
    above_the_curb = 0.08**2
    assert env._reward_feet_clearance().tolist() == pytest.approx([above_the_curb, above_the_curb])
    env.cfg.rewards.feet_clearance_ahead = 0.15
    assert env._reward_feet_clearance().tolist() == pytest.approx([3 * above_the_curb, above_the_curb])


def test_feet_on_edges_are_counted():
    env = make_env(1, terrain__tile_types=["lane_gaps", "lane_gaps"], terrain__difficulty_range=[1.0, 1.0])
    terrain = env.terrain
    row = round((terrain.border_size + 2.0) / terrain.horizontal_scale)
    along = terrain.heights[:, row]
    brink = (along[:-1] - along[1:] > 0.5).nonzero()[0][0] * terrain.horizontal_scale - terrain.border_size
    feet = env.sim.body_states.clone()
    feet[0, env.feet_indices, 0] = torch.tensor([brink, brink - 0.04, brink - 0.3, brink], dtype=torch.float32)
    feet[0, env.feet_indices, 1] = 2.0
    env.sim = SimpleNamespace(states_of=lambda bodies: feet[:, bodies])
    env.feet_contact = torch.tensor([[True, True, True, False]])
    assert env._reward_feet_edge().tolist() == [2.0]


def test_jitters_of_the_camera_widen_with_the_robots():
    env = make_env(1, A1VisionStudentCfg, domain_rand__widen_over=[100, 300])
    assert env.depth_camera is not None and env.depth_camera.share == 0.0
    env.common_step_counter = 199
    env.step(torch.zeros(1, 12))
    assert env.depth_camera.share == 0.5
