"""Calls of the viewer, which is seen where the launcher says: in a video, on a page, in a window, or nowhere."""

from __future__ import annotations

import os
from typing import Any, List, Optional

from legged_gym.isaacgym.maths import Transform, Vec3
from legged_gym.isaacgym.parameters import ActionEvent
from legged_gym.isaacgym.world.cameras import look_at
from legged_gym.isaacgym.world.scene import Env, Sim
from legged_gym.isaacgym.world.viewer import Viewer


class Viewing:
    """See the module."""

    def create_viewer(self, sim: Sim, props: Any = None) -> Viewer:
        """A viewer, on the screen that the launcher was told."""
        sim.viewer = Viewer(sim, props)
        return sim.viewer

    def destroy_viewer(self, viewer: Viewer) -> None:
        """Show nothing more."""
        viewer.sim.viewer = None

    def subscribe_viewer_keyboard_event(self, viewer: Viewer, key: Any, name: str) -> bool:
        """Name what a key does: in a window by the key, on a page by a button."""
        viewer.actions[int(key)] = name
        return True

    def subscribe_viewer_mouse_event(self, viewer: Viewer, button: Any, name: str) -> bool:
        """Nothing: the mouse moves the view."""
        return True

    def query_viewer_has_closed(self, viewer: Viewer) -> bool:
        """Whether the window was closed, the page ended, or the video is long enough."""
        return viewer.screen.closed

    def query_viewer_action_events(self, viewer: Viewer) -> List[Any]:
        """Keys that were pressed, by their names."""
        pressed = [viewer.actions[key] for key in viewer.screen.pressed() if key in viewer.actions]
        return [ActionEvent(action=action, value=1.0) for action in pressed]

    def viewer_camera_look_at(self, viewer: Viewer, env: Optional[Env], position: Vec3, target: Vec3) -> None:
        """Look from a place to another, in the world or from the origin of an environment."""
        if viewer is not None:
            origin = Vec3() if env is None else env.origin
            viewer.eye, viewer.target = position + origin, target + origin

    def get_viewer_camera_transform(self, viewer: Viewer, env: Optional[Env]) -> Transform:
        """From where it looks, as `viewer_camera_look_at` was told."""
        pose = look_at(viewer.eye, viewer.target)
        return pose if env is None else Transform(pose.p - env.origin, pose.r)

    def get_viewer_camera_handle(self, viewer: Viewer) -> int:
        """None."""
        return -1

    def get_viewer_size(self, viewer: Viewer) -> Any:
        """As it was asked for."""
        return Vec3(viewer.props.width, viewer.props.height, 0)

    def get_viewer_mouse_position(self, viewer: Viewer) -> Any:
        """The corner."""
        return Vec3()

    def draw_viewer(self, viewer: Viewer, sim: Sim, render_collision: bool = False) -> None:
        """Show what is now."""
        viewer.screen.draw()

    def draw_env_rigid_contacts(self, viewer: Viewer, env: Env, colour: Vec3, scale: float, whole: bool) -> None:
        """Nothing."""

    def sync_frame_time(self, sim: Sim) -> None:
        """Wait for the clock in a window and on a page."""
        if sim.viewer is not None:
            sim.viewer.screen.wait()

    def poll_viewer_events(self, viewer: Viewer) -> None:
        """Nothing: events are there when they are asked for."""

    def clear_lines(self, viewer: Viewer) -> None:
        """Nothing: there are no lines."""

    def add_lines(self, viewer: Viewer, env: Env, count: int, vertices: Any, colors: Any) -> None:
        """Nothing: lines are not drawn."""

    def write_viewer_image_to_file(self, viewer: Viewer, filename: str) -> bool:
        """A picture from where it looks; without a display too."""
        from PIL import Image

        os.makedirs(os.path.dirname(os.path.abspath(filename)), exist_ok=True)
        Image.fromarray(viewer.picture(int(viewer.props.width))).save(filename)
        return True

    def set_light_parameters(self, sim: Sim, light: int, intensity: Vec3, ambient: Vec3, direction: Vec3) -> None:
        """Nothing."""

    def create_texture_from_file(self, sim: Sim, filename: str) -> int:
        """A handle without an effect."""
        return 0

    def set_rigid_body_texture(self, env: Env, actor: int, body: int, mesh: Any, texture: int) -> None:
        """Nothing."""

    def set_rigid_body_color(self, env: Env, actor: int, body: int, mesh: Any, colour: Vec3) -> None:
        """Kept for pictures."""
        env.actors[int(actor)].colours[int(body)] = colour

    def get_rigid_body_color(self, env: Env, actor: int, body: int, mesh: Any) -> Vec3:
        """As it was set."""
        return env.actors[int(actor)].colours.get(int(body), Vec3(1, 1, 1))

    def set_rigid_body_segmentation_id(self, env: Env, actor: int, body: int, number: int) -> None:
        """Nothing: pictures have that of the actor."""
