"""Obstacles of a config: where they stand, in which environments, and that scans and cameras see them."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from legged_gym.envs.a1.a1_config import A1RoughCfg
from legged_gym.envs.a1.a1_vision_config import A1VisionStudentCfg
from legged_gym.envs.base.base_config import Obstacle
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.vision.vision_robot import VisionRobot
from legged_gym.errors import UserError


class CourseCfg(A1RoughCfg):
    class obstacles:
        # a bar across the way, 0.3 m above the ground, and a barrel that environment 1 alone has
        bar = Obstacle(size=[0.1, 2.0, 0.1], pos=[1.0, 0.0, 0.35])
        barrel = Obstacle(shape="cylinder", size=[0.5, 1.0], pos=[-1.0, 0.0, 0.5], envs=[1])


def make_env(cfg: Any = None, mesh_type: str = "plane", kind: Any = LeggedRobot) -> LeggedRobot:
    cfg = cfg or CourseCfg()
    cfg.env.num_envs, cfg.sim.num_threads = 3, 1
    cfg.terrain.mesh_type, cfg.domain_rand.push_robots = mesh_type, False
    cfg.update({"terrain": {"num_rows": 3, "num_cols": 1, "border_size": 4.0, "max_init_terrain_level": 0}})
    env = kind(cfg, sim="mujoco", seed=1)
    env.reset()
    return env


def face_along_x(env: LeggedRobot, height: float = 1.5) -> None:
    states = torch.zeros(3, 13)
    states[:, :3] = env.env_origins
    states[:, 2] += height
    states[:, 6] = 1.0
    env.sim.set_root_states(torch.arange(3), states)
    env._update_base()


def test_the_height_scan_sees_their_tops():
    env = make_env()
    face_along_x(env)
    heights = env.measured_heights.view(3, 17, 11)  # forward by left, -0.8 to 0.8 m and -0.5 to 0.5 m
    expected = torch.zeros(3, 17, 11)
    # the barrel reaches from x = -1.5 to -0.5: of the points, those with (x + 1)^2 + y^2 < 0.25
    x, y = torch.linspace(-0.8, 0.8, 17)[:, None], torch.linspace(-0.5, 0.5, 11)[None]
    distance = ((x + 1.0).square() + y.square()).sqrt()
    expected[1][distance < 0.499] = 1.0
    sure = (distance - 0.5).abs() > 1e-3
    torch.testing.assert_close(heights[:, sure], expected[:, sure], rtol=0, atol=1e-4)
    points = torch.tensor([[1.0, 0.9], [1.0, 1.1], [-1.0, 0.3]]).expand(3, 3, 2)
    tops = torch.tensor([[0.4, 0.0, 0.0], [0.4, 0.0, 1.0], [0.4, 0.0, 0.0]])
    torch.testing.assert_close(env.height_scan.sample(points), tops, rtol=0, atol=1e-4)


def test_they_go_along_to_another_tile():
    env = make_env(mesh_type="trimesh")
    env.terrain_levels[:] = torch.tensor([0, 1, 2])
    env.env_origins[:] = torch.as_tensor(env.terrain.env_origins)[env.terrain_levels, 0]
    before = env.env_origins.clone()
    env.sim.reset(torch.arange(3))
    env.terrain_curriculum.curriculum = False
    env.reset_idx(torch.tensor([0, 2]))
    bar = before + torch.tensor([1.0, 0.0, 0.4])  # its top
    seen = env.height_scan.sample(bar[:, None, :2])[:, 0]
    torch.testing.assert_close(seen[[0, 2]], bar[[0, 2], 2], rtol=0, atol=1e-4)
    assert seen[1] < bar[1, 2] - 0.1, "that environment was not reset"


def test_the_depth_camera_sees_them():
    class SightCfg(A1VisionStudentCfg):
        class obstacles:
            wall = Obstacle(size=[0.2, 4.0, 4.0], pos=[1.2, 0.0, 0.0], envs=[0, 2])

    cfg = SightCfg()
    cfg.update({"depth_camera": {"noise": {"enabled": False}, "position_jitter": 0.0, "pitch_jitter": 0.0}})
    cfg.depth_camera.position, cfg.depth_camera.pitch, cfg.depth_camera.far = [0.1, 0.0, 0.0], 0.0, 2.0
    env = make_env(cfg, kind=VisionRobot)
    face_along_x(env)
    env.depth_camera.reset(torch.arange(3))
    middle = env.depth_camera.images[:, 0, 29, 43]
    # 1 m ahead of the camera, of 2 m; robot 1 looks at the sky
    torch.testing.assert_close(middle, torch.tensor([0.0, 0.5, 0.0]), rtol=0, atol=1e-4)


def test_robots_can_stand_on_them():
    class BlockCfg(A1RoughCfg):
        class obstacles:
            block = Obstacle(size=[2.0, 2.0, 0.5], pos=[0.0, 0.0, 0.25], envs=[0, 1])

    env = make_env(BlockCfg())
    states = env.root_states.clone()
    states[:, 2] += 0.5
    env.sim.set_root_states(torch.arange(3), states)
    for _ in range(50):
        env.sim.step(env.default_dof_pos.expand(3, -1), 4)
    height = env.root_states[:, 2]
    assert (height[:2] > 0.7).all() and height[2] < 0.4


def test_a_robot_without_obstacles_asks_for_none():
    env = make_env(A1RoughCfg())
    assert "obstacles" not in env.parts and env.sim.robot.model.nmocap == 0


def test_they_survive_a_resume():
    env, other = make_env(mesh_type="trimesh"), make_env(mesh_type="trimesh")
    env.terrain_curriculum.curriculum = False
    env.env_origins[:] = torch.tensor([4.0, 4.0, 1.0])
    env.reset()
    other.load_state_dict(env.state_dict())
    point = torch.tensor([5.0, 4.0]).expand(3, 1, 2)
    torch.testing.assert_close(other.height_scan.sample(point), torch.full((3, 1), 1.4), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("obstacles.bar.shape", "ball", "obstacles.bar.shape: expected box or cylinder"),
        ("obstacles.bar.size", [1.0, 0.0, 1.0], "obstacles.bar.size"),
        ("obstacles.bar.size", [1.0, 1.0], r"env.obstacles.bar.size is \[1.0, 1.0\]: give of a box its edges"),
        ("obstacles.barrel.size", [1.0, 1.0, 1.0], "give of a cylinder its radius and length"),
        ("obstacles.barrel.envs", [-1], "obstacles.barrel.envs"),
    ],
)
def test_mistakes_are_one_line(path, value, message):
    cfg = CourseCfg()
    with pytest.raises(UserError, match=message) as caught:
        cfg.set(path, value)
        cfg.check()
    assert "\n" not in str(caught.value)


def test_one_can_be_left_out():
    cfg = CourseCfg()
    cfg.set("obstacles.barrel", None)
    env = make_env(cfg)
    assert env.sim.robot.model.nmocap == 1


def test_an_obstacle_of_environments_that_are_not_there_is_noted(capsys):
    class Cfg(CourseCfg):
        class obstacles:
            bar = Obstacle(envs=[1, 7])
            barrel = Obstacle(envs=[7])

    make_env(Cfg())
    assert capsys.readouterr().out.count("note: obstacles.") == 1
