"""A page of an environment, as those who look at it receive it."""

from __future__ import annotations

import math
from typing import Any, Dict, Iterator

import numpy as np
import pytest
import torch

from legged_gym.envs import A1RoughCfg
from legged_gym.envs.a1.a1_vision_config import A1VisionStudentCfg
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.base.legged_robot_config import Obstacle
from legged_gym.envs.parts.goals import GoalCommands
from legged_gym.envs.vision.vision_robot import VisionRobot
from legged_gym.playing.player import Player
from legged_gym.playing.sight import depth_colors
from legged_gym.rotations import yaw_from_quat
from legged_gym.terrain import recipes
from tests.viewing.waiting import until

pytest.importorskip("viser")

from legged_gym.viewing.controls import GoalControls, add_tiles
from legged_gym.viewing.page import Page
from legged_gym.viewing.recording import Recorder
from legged_gym.viewing.server import open_server


class Standing:
    """Asks for the default pose."""

    def __call__(self, obs: Dict[str, torch.Tensor]) -> torch.Tensor:
        return torch.zeros(len(next(iter(obs.values()))), 12)

    def reset(self, dones: Any = None) -> None:
        pass


def seeing_env() -> LeggedRobot:
    """Two robots with depth cameras, one lane with stairs and a flat one, a box and a post."""
    cfg = A1VisionStudentCfg()
    for path, value in {"env.num_envs": 2, "terrain.num_rows": 2, "terrain.num_cols": 2, "terrain.border_size": 4.0,
                        "terrain.terrain_width": 4.0, "terrain.max_init_terrain_level": 0, "noise.add_noise": False,
                        "terrain.tile_types": ["lane_flat", "lane_stairs"], "depth_camera.noise.enabled": False,
                        "domain_rand.push_robots": False}.items():  # fmt: skip
        cfg.set(path, value)
    cfg.obstacles.box = Obstacle(size=[0.4, 0.2, 0.6], pos=[1.0, 0.5, 0.3])
    cfg.obstacles.post = Obstacle(shape="cylinder", size=[0.1, 0.8], pos=[1.5, -0.5, 0.4], envs=[0])
    return VisionRobot(cfg, sim="mujoco", seed=2)


@pytest.fixture(scope="module")
def player() -> Iterator[Player]:
    env = seeing_env()
    player = Player(env, Standing())  # type: ignore[arg-type]
    for _ in range(20):  # until the camera has seen the robot stand
        player.step()
    yield player
    env.close()


@pytest.fixture
def shown(player):
    """A page of the robots that see, and somebody who looks at it."""
    from benchmarks.page_client import Client

    server = open_server("127.0.0.1", 0)
    page = Page(server, player.env, robots=2)
    with page.tabs.add_tab("Robot"):
        add_tiles(page, player)
    with page.tabs.add_tab("Record"):
        Recorder(page, "a1")
    page.add_panels()
    with Client(f"http://127.0.0.1:{server.get_port()}") as client:
        until(lambda: len(server.get_clients()) == 1, "somebody looks")
        page._next_poses = 0.0
        page.draw()
        yield page, client
    server.stop()


def received(client: Any, kind: str, name: str) -> Dict[str, Any]:
    until(lambda: (kind, name) in client.newest, f"{kind} of {name} arrives")
    return client.newest[kind, name]


def redraw(page: Page) -> None:
    page._next_poses = 0.0
    page.draw()


def points_of(page: Page, name: str) -> np.ndarray:
    """In the world."""
    handle = page.overlays._drawn[name]
    return np.asarray(handle.points) + np.asarray(handle.position)


def test_what_is_in_a_panel_is_sent_when_it_is_opened(shown):
    page, client = shown

    def there(kind: str, label: str = "") -> Any:
        messages = [message for message in list(client.newest.values()) if message["type"] == kind]
        return [each["uuid"] for each in messages if label in ("", each["props"].get("label"))]

    until(lambda: there("GuiCheckboxMessage", "Actions"), "the switch of a closed panel arrives")
    before = len(there("GuiUplotMessage"))
    assert [panel.title for panel in page._panels] == ["Commands and speeds", "Gait"] and before == 4
    client.send("GuiUpdateMessage", uuid=there("GuiCheckboxMessage", "Actions")[0], updates={"value": True})
    until(lambda: page.serve() or len(there("GuiUplotMessage")) == before + 1, "its plot arrives")
    redraw(page)
    assert page._panels[-1].title == "Actions" and page._panels[-1].shown


def test_a_robot_that_is_clicked_is_watched(shown):
    page, client = shown
    root = page.env.body_names[0]
    received(client, "GlbMessage", f"/world/robot_1/{root}")
    ray = {"ray_origin": (0.0, 0.0, 0.0), "ray_direction": (1.0, 0.0, 0.0), "screen_pos": (0.5, 0.5)}
    client.send(
        "SceneNodeClickMessage", name=f"/world/robot_1/{root}", instance_index=None, modifier=None, owner="", **ray
    )
    until(lambda: page.serve() or page.robot == 1, "the page watches the robot that was clicked")
    redraw(page)
    place = page.env.root_states[1, :3].numpy()
    until(
        lambda: np.allclose(client.newest["SetPositionMessage", "/world"]["position"], -place, atol=1e-4),
        "the robot is in the middle of the view",
    )


def test_a_tile_of_the_list_is_where_the_robot_starts(shown, player):
    page, client = shown
    until(lambda: any(m.get("props", {}).get("label") == "Tile" for m in list(client.newest.values())), "a list")
    client.give("Tile", "lane_stairs, level 1, column 1")
    until(lambda: page.serve() or int(page.env.terrain_types[page.robot]) == 1, "the robot is on the other tile")
    env, robot = page.env, page.robot
    assert int(env.terrain_levels[robot]) == 1
    start = torch.as_tensor(env.terrain.env_origins[1][1])
    assert (env.root_states[robot, :2] - start[:2]).abs().max() <= 1.0


def test_obstacles_are_where_the_config_has_them(shown):
    page, client = shown
    place = page.env.env_origins[page.robot].numpy() + np.array([1.0, 0.5, 0.3])
    until(
        lambda: np.allclose(received(client, "SetPositionMessage", "/world/obstacle_0")["position"], place, atol=1e-3),
        "the box is beside the robot",
    )
    np.testing.assert_allclose(page.scene._obstacles[0].scale, [0.2, 0.1, 0.3], atol=1e-6)
    page.watch(1)
    redraw(page)
    assert [bool(handle.visible) for handle in page.scene._obstacles] == [True, False]  # the post is of robot 0 alone


def test_depth_rays_begin_at_the_camera_and_end_on_what_it_sees(shown):
    page, _ = shown
    page.watch(0)
    page.env.sim.reset(torch.tensor([0]))
    page.overlays.switch("Depth rays", True)
    redraw(page)
    env, points = page.env, points_of(page, "Depth rays").astype(float)
    mount = env.root_states[0, :3].numpy() + np.array(env.cfg.depth_camera.position)
    np.testing.assert_allclose(points[:, 0], np.tile(mount, (len(points), 1)), atol=0.05)
    seen = np.linalg.norm(points[:, 1] - points[:, 0], axis=1) > 1e-3
    assert 10 < seen.sum() < len(points)
    on_ground = points[seen, 1, 2] < 0.02
    box = env.env_origins[0].numpy() + np.array([1.0, 0.5, 0.3])
    near = [np.abs(points[seen, 1] - box)[:, k] <= half + 0.02 for k, half in enumerate((0.2, 0.1, 0.3))]
    post = np.linalg.norm(points[seen, 1, :2] - box[:2] - [0.5, -1.0], axis=1) < 0.12
    assert np.all(on_ground | np.all(near, axis=0) | post)


def test_the_image_is_what_the_policy_sees(shown):
    page, _ = shown
    page.overlays.switch("Camera", True)
    redraw(page)
    (name,) = [name for name, shape in page.env.observation_dims.items() if len(shape) == 3]
    expected = depth_colors(page.env.obs_buf[name][page.robot, 0].numpy())
    np.testing.assert_array_equal(np.asarray(page.overlays._drawn["Camera"].image)[::4, ::4], expected)


def test_scandots_lie_on_the_ground_and_go_when_they_are_switched_off(shown):
    page, client = shown
    page.overlays.switch("Scandots", True)
    redraw(page)
    expected = page.env.scandots_world()[page.robot].numpy()
    np.testing.assert_allclose(points_of(page, "Scandots"), expected + np.array([0.0, 0.0, 0.01]), atol=1e-4)
    page.overlays.switch("Scandots", False)
    redraw(page)
    until(lambda: ("RemoveSceneNodeMessage", "/world/Scandots") in client.newest, "they are gone")


class Seeking(LeggedRobot):
    """Goes from goal to goal."""

    command_part = GoalCommands


def test_goals_are_shown_and_who_is_watched_can_be_driven(monkeypatch):
    def with_goals(tile: Any, difficulty: float) -> None:
        tile.goals = [(6.0, 4.0, 0.0), (6.0, 6.0, 0.0)]

    monkeypatch.setitem(recipes.RECIPES, "goals", with_goals)
    cfg = A1RoughCfg()
    cfg.update({"env": {"num_envs": 2}, "commands": {"heading_command": True, "pure_fraction": 0.0, "ramps": {}}})
    cfg.update({"terrain": {"num_rows": 1, "num_cols": 1, "border_size": 2.0, "tile_types": ["goals"]}})
    cfg.update({"terrain": {"max_init_terrain_level": 0}})
    env = Seeking(cfg, sim="mujoco", seed=2)
    env.reset()
    server = open_server("127.0.0.1", 0)
    try:
        page = Page(server, env)
        page.overlays.switch("Goals", True)
        page.overlays.update()
        goals = points_of(page, "Goals")
        corner = env.env_origins[0, :2].numpy() - np.array([4.0, 4.0])  # tiles are 8 m long
        np.testing.assert_allclose(goals[:, :2] - corner, [[6.0, 4.0], [6.0, 6.0]], atol=1e-3)
        np.testing.assert_allclose(goals[:, 2], 0.0, atol=1e-3)
        first, second = page.overlays._drawn["Goals"].colors.tolist()
        assert first != second, "the next one stands out"
        env.velocity_commands.goals_reached[0] = 1
        page.overlays.update()
        assert page.overlays._drawn["Goals"].colors.tolist() == [second, first]
        check_driving(page, env)
    finally:
        server.stop()
        env.close()


def check_driving(page: Page, env: Seeking) -> None:
    goals = env.velocity_commands
    assert isinstance(goals, GoalCommands)
    controls = GoalControls(page, goals)
    before = goals.target_yaw()
    controls.look()
    assert torch.equal(goals.target_yaw(), before), "nobody is driven yet"
    page.watch(1)
    controls._drives.value, controls._speed.value, controls._heading.value = True, 0.35, 175
    controls._key(controls._heading, 10)
    controls.look()
    env.step(torch.zeros(2, 12))
    assert math.isclose(float(env.commands[1, 0]), 0.35, abs_tol=1e-6)
    assert math.isclose(float(env.commands[1, 3]), math.radians(-175), abs_tol=1e-5)
    assert float(env.commands[0, 3]) == float(goals.target_yaw()[0]) != float(env.commands[1, 3])
    page.watch(0)
    controls.look()
    assert goals.driven.isnan().tolist() == [[False, False], [True, True]]
    controls._begin(True)
    facing = math.degrees(float(yaw_from_quat(env.root_states[:1, 3:7])))
    assert abs(controls._heading.value - facing) <= 2.5
