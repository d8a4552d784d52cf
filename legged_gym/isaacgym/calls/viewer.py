"""Calls of the viewer: one that shows nothing, is never closed and has no events."""

from __future__ import annotations

from typing import Any, List, Optional

from legged_gym.isaacgym.maths import Transform, Vec3
from legged_gym.isaacgym.world.scene import Env, Sim


class Viewer:
    """A handle; remembers where it looks from."""

    def __init__(self) -> None:
        self.pose = Transform()


class Viewing:
    """See the module."""

    def create_viewer(self, sim: Sim, props: Any = None) -> Viewer:
        """A viewer that shows nothing."""
        sim.notice("create_viewer: there is no window; record pictures with a camera sensor instead")
        return Viewer()

    def destroy_viewer(self, viewer: Viewer) -> None:
        """Nothing."""

    def subscribe_viewer_keyboard_event(self, viewer: Viewer, key: Any, name: str) -> bool:
        """Nothing."""
        return True

    def subscribe_viewer_mouse_event(self, viewer: Viewer, button: Any, name: str) -> bool:
        """Nothing."""
        return True

    def query_viewer_has_closed(self, viewer: Viewer) -> bool:
        """Never."""
        return False

    def query_viewer_action_events(self, viewer: Viewer) -> List[Any]:
        """None."""
        return []

    def viewer_camera_look_at(self, viewer: Viewer, env: Optional[Env], position: Vec3, target: Vec3) -> None:
        """Remember the place."""
        if viewer is not None:
            viewer.pose = Transform(position)

    def get_viewer_camera_transform(self, viewer: Viewer, env: Optional[Env]) -> Transform:
        """The place."""
        return viewer.pose

    def get_viewer_camera_handle(self, viewer: Viewer) -> int:
        """None."""
        return -1

    def get_viewer_size(self, viewer: Viewer) -> Any:
        """As the default's."""
        return Vec3(1600, 900, 0)

    def get_viewer_mouse_position(self, viewer: Viewer) -> Any:
        """The corner."""
        return Vec3()

    def draw_viewer(self, viewer: Viewer, sim: Sim, render_collision: bool = False) -> None:
        """Nothing."""

    def draw_env_rigid_contacts(self, viewer: Viewer, env: Env, colour: Vec3, scale: float, whole: bool) -> None:
        """Nothing."""

    def sync_frame_time(self, sim: Sim) -> None:
        """Nothing: who shows nothing need not wait."""

    def poll_viewer_events(self, viewer: Viewer) -> None:
        """Nothing."""

    def clear_lines(self, viewer: Viewer) -> None:
        """Nothing."""

    def add_lines(self, viewer: Viewer, env: Env, count: int, vertices: Any, colors: Any) -> None:
        """Nothing."""

    def write_viewer_image_to_file(self, viewer: Viewer, filename: str) -> bool:
        """No: there is no picture."""
        return False

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
