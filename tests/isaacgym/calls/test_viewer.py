"""The viewer's calls: quiet without a screen, pictures from where it looks, keys of whatever screen there is."""

from __future__ import annotations

from typing import List

import numpy as np
import pytest
from PIL import Image

from legged_gym.errors import UserError
from legged_gym.isaacgym import gymapi, launch
from legged_gym.isaacgym.world.viewer import Screen, Viewer
from tests.isaacgym.robots import TWO_ARMS
from tests.isaacgym.scenes import Scene, asset, at, gym, params, plane

SIZE = {"width": 96, "height": 48}


def boxes() -> gymapi.Env:
    """Two environments 2 m apart along x, each with a box of 0.4 m, red and green; in the world by their origins."""
    sim = gym.create_sim(0, 0, gymapi.SIM_PHYSX, params())
    gym.add_ground(sim, plane())
    for color in (gymapi.Vec3(1, 0, 0), gymapi.Vec3(0, 1, 0)):
        env = gym.create_env(sim, gymapi.Vec3(-1, -1, 0), gymapi.Vec3(1, 1, 0), 2)
        gym.create_actor(env, gym.create_box(sim, 0.4, 0.4, 0.4), at(z=0.2), "box")
        gym.set_rigid_body_color(env, 0, 0, gymapi.MESH_VISUAL, color)
    gym.prepare_sim(sim)
    return sim


def mean_column(picture: np.ndarray, channel: int) -> float:
    """Where a colour is, from 0 at the left edge to 1 at the right one; NaN where it is nowhere."""
    others = picture.astype(int).sum(axis=2) - picture[..., channel]
    columns = np.nonzero(picture[..., channel].astype(int) > others + 40)[1]
    return float(columns.mean()) / picture.shape[1] if len(columns) else float("nan")


def test_a_picture_shows_environments_side_by_side_from_where_the_viewer_looks(tmp_path) -> None:
    sim = boxes()
    viewer = gym.create_viewer(sim, gymapi.CameraProperties(**SIZE))
    # from the front, x grows to the left
    gym.viewer_camera_look_at(viewer, None, gymapi.Vec3(1, 3, 0.6), gymapi.Vec3(1, 0, 0.2))
    file = tmp_path / "frames" / "0.png"
    assert gym.write_viewer_image_to_file(viewer, str(file))
    picture = np.asarray(Image.open(file))
    assert picture.shape == (48, 96, 3)
    assert mean_column(picture, 1) < 0.4 and mean_column(picture, 0) > 0.6
    # with an environment, from its origin: the second box in the middle
    gym.viewer_camera_look_at(viewer, sim.envs[1], gymapi.Vec3(0, 3, 0.6), gymapi.Vec3(0, 0, 0.2))
    assert abs(mean_column(viewer.picture(96), 1) - 0.5) < 0.03
    assert gym.get_viewer_camera_transform(viewer, sim.envs[1]).p.x == 0.0
    assert gym.get_viewer_camera_transform(viewer, None).p.x == 2.0


def test_a_body_whose_visual_mesh_cannot_be_read_shows_what_collides(tmp_path, capsys) -> None:
    text = """
    <robot name="box"><link name="box">
      <inertial><mass value="1"/><inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial>
      <visual><geometry><mesh filename="lost.dae"/></geometry></visual>
      <collision><geometry><box size="0.4 0.4 0.4"/></geometry></collision></link></robot>"""
    scene = Scene([asset(tmp_path, text)], [at(z=0.2)], num_envs=1)
    gym.set_rigid_body_color(scene.envs[0], 0, 0, gymapi.MESH_VISUAL, gymapi.Vec3(1, 0, 0))
    viewer = gym.create_viewer(scene.sim, gymapi.CameraProperties(**SIZE))
    gym.viewer_camera_look_at(viewer, None, gymapi.Vec3(0, 2, 0.6), gymapi.Vec3(0, 0, 0.2))
    assert abs(mean_column(viewer.picture(96), 0) - 0.5) < 0.03
    assert "pictures of box show the shapes that collide: there is no mesh" in capsys.readouterr().err


def test_a_viewer_without_a_screen_is_quiet(tmp_path, capsys) -> None:
    scene = Scene([asset(tmp_path, TWO_ARMS)], [at(z=1.0)])
    viewer = gym.create_viewer(scene.sim, gymapi.CameraProperties())
    assert viewer
    gym.subscribe_viewer_keyboard_event(viewer, gymapi.KEY_ESCAPE, "QUIT")
    for _ in range(2):
        gym.step_graphics(scene.sim)
        gym.draw_viewer(viewer, scene.sim, True)
        gym.sync_frame_time(scene.sim)
        gym.add_lines(viewer, scene.envs[0], 1, [0] * 6, [0] * 3)
    assert not gym.query_viewer_has_closed(viewer) and gym.query_viewer_action_events(viewer) == []
    gym.create_viewer(scene.sim, gymapi.CameraProperties())
    assert capsys.readouterr().err.count("note:") == 1


class Pressed(Screen):
    """On which Q and V were pressed, and which was closed then."""

    def __init__(self, viewer: Viewer) -> None:
        self.drawn = 0

    def draw(self) -> None:
        self.drawn += 1

    def pressed(self) -> List[int]:
        return [int(gymapi.KEY_Q), int(gymapi.KEY_V)]

    @property
    def closed(self) -> bool:
        return self.drawn > 1


def test_the_screen_tells_what_happened(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(launch, "make_screen", Pressed)
    scene = Scene([asset(tmp_path, TWO_ARMS)], [at(z=1.0)])
    viewer = gym.create_viewer(scene.sim, gymapi.CameraProperties())
    gym.subscribe_viewer_keyboard_event(viewer, gymapi.KEY_V, "toggle")
    assert [(event.action, event.value) for event in gym.query_viewer_action_events(viewer)] == [("toggle", 1.0)]
    gym.draw_viewer(viewer, scene.sim, True)
    assert not gym.query_viewer_has_closed(viewer)
    gym.draw_viewer(viewer, scene.sim, True)
    assert gym.query_viewer_has_closed(viewer)


def test_strict_ends_at_what_would_have_no_effect(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(launch, "strict", True)
    scene = Scene([asset(tmp_path, TWO_ARMS)], [at(z=1.0)])
    with pytest.raises(UserError, match="--strict: create_viewer: nothing is shown here"):
        gym.create_viewer(scene.sim, None)
    with pytest.raises(UserError, match="--strict: the ground does not bounce"):
        gym.add_ground(gym.create_sim(0, -1, gymapi.SIM_PHYSX, params()), plane(restitution=0.5))
