"""Calls of cameras, force sensors, Jacobians and mass matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from legged_gym.errors import UserError
from legged_gym.isaacgym.enums import CameraFollowMode, ImageType
from legged_gym.isaacgym.gymtorch import Tensor
from legged_gym.isaacgym.maths import Transform, Vec3
from legged_gym.isaacgym.parameters import CameraProperties
from legged_gym.isaacgym.world.cameras import CameraSensor, look_at
from legged_gym.isaacgym.world.scene import Env, Sim

_TYPES = {
    int(ImageType.IMAGE_COLOR): torch.uint8,
    int(ImageType.IMAGE_DEPTH): torch.float32,
    int(ImageType.IMAGE_SEGMENTATION): torch.int32,
}


def _camera(env: Env, handle: Any, call: str) -> CameraSensor:
    if not 0 <= int(handle) < len(env.cameras):
        raise UserError(f"{call}: environment {env.index} has no camera {int(handle)}: create_camera_sensor makes one")
    camera: CameraSensor = env.cameras[int(handle)]
    return camera


class Pictures:
    """See the module."""

    # ---------------------------------------------------------------- cameras

    def create_camera_sensor(self, env: Env, props: Any = None) -> int:
        """A camera; returns its handle. Nothing is drawn before a picture is asked for."""
        env.cameras.append(CameraSensor(env, props or CameraProperties()))
        return len(env.cameras) - 1

    def destroy_camera_sensor(self, sim: Sim, env: Env, handle: int) -> None:
        """Forget its pictures."""
        _camera(env, handle, "destroy_camera_sensor").images.clear()

    def set_camera_location(self, handle: int, env: Env, position: Vec3, target: Vec3) -> None:
        """In the environment, looking at a point."""
        camera = _camera(env, handle, "set_camera_location")
        camera.pose, camera.body = look_at(position, target), None

    def set_camera_transform(self, handle: int, env: Env, pose: Transform) -> None:
        """In the environment."""
        camera = _camera(env, handle, "set_camera_transform")
        camera.pose, camera.body = Transform(pose.p, pose.r), None

    def attach_camera_to_body(
        self, handle: int, env: Env, body: int, pose: Transform, mode: int = CameraFollowMode.FOLLOW_TRANSFORM
    ) -> None:
        """To a body, by its index in the environment."""
        camera = _camera(env, handle, "attach_camera_to_body")
        camera.pose, camera.body, camera.follows = Transform(pose.p, pose.r), int(body), int(mode)

    def get_camera_transform(self, sim: Sim, env: Env, handle: int) -> Transform:
        """Where it is now, in the environment."""
        camera = _camera(env, handle, "get_camera_transform")
        position, quat = sim.needs_world("get_camera_transform").cameras.poses([camera])
        origin = sim.needs_world("get_camera_transform").states.origins
        place = position[0] if origin is None else position[0] - origin[env.index, 0]
        return Transform(Vec3(*place), type(camera.pose.r)(*quat[0]))

    def get_camera_view_matrix(self, sim: Sim, env: Env, handle: int) -> np.ndarray:
        """(4, 4) from the environment to the camera's frame (x to the right, y up, looking along -z), for rows."""
        pose = self.get_camera_transform(sim, env, handle)
        axes = [pose.r.rotate(axis) for axis in (Vec3(0, -1, 0), Vec3(0, 0, 1), Vec3(-1, 0, 0))]
        view = np.eye(4, dtype=np.float32)
        view[:3, :3] = np.array([list(axis) for axis in axes]).T
        view[3, :3] = [-axis.dot(pose.p) for axis in axes]
        return view

    def get_camera_proj_matrix(self, sim: Sim, env: Env, handle: int) -> np.ndarray:
        """(4, 4) of a perspective without a far plane, for rows."""
        camera = _camera(env, handle, "get_camera_proj_matrix")
        width, height, half, _ = camera.optics
        matrix = np.zeros((4, 4), dtype=np.float32)
        matrix[0, 0], matrix[1, 1] = 1.0 / half, width / (height * half)
        matrix[2, 3], matrix[3, 2] = -1.0, camera.props.near_plane
        return matrix

    def render_all_camera_sensors(self, sim: Sim) -> None:
        """Fill the tensors of images that were asked for."""
        cameras = [camera for env in sim.envs for camera in env.cameras if camera.images]
        sim.needs_world("render_all_camera_sensors").cameras.render(cameras)

    def step_graphics(self, sim: Sim) -> None:
        """Nothing: pictures show what is."""

    def start_access_image_tensors(self, sim: Sim) -> None:
        """Nothing."""

    def end_access_image_tensors(self, sim: Sim) -> None:
        """Nothing."""

    def get_camera_image(self, sim: Sim, env: Env, handle: int, kind: int) -> np.ndarray:
        """A picture of now: colours (H, W * 4), or depth and segments (H, W)."""
        camera = _camera(env, handle, "get_camera_image")
        image = sim.needs_world("get_camera_image").cameras.image(camera, _known(kind)).cpu().numpy()
        return image.reshape(image.shape[0], -1)

    def get_camera_image_gpu_tensor(self, sim: Sim, env: Env, handle: int, kind: int) -> Tensor:
        """A picture of now, which `render_all_camera_sensors` renews: colours (H, W, 4), depth or segments (H, W)."""
        camera, kind = _camera(env, handle, "get_camera_image_gpu_tensor"), _known(kind)
        if kind not in camera.images:
            shape = (int(camera.props.height), int(camera.props.width))
            types = {ImageType.IMAGE_COLOR: torch.uint8, ImageType.IMAGE_DEPTH: torch.float32}
            with torch.inference_mode(False):
                full = (*shape, 4) if kind == ImageType.IMAGE_COLOR else shape
                camera.images[kind] = torch.zeros(
                    full, dtype=types.get(ImageType(kind), torch.int32), device=sim.device
                )
                if sim.world is not None:
                    sim.world.cameras.render([camera])
        return Tensor(camera.images[kind])

    def write_camera_image_to_file(self, sim: Sim, env: Env, handle: int, kind: int, filename: str) -> None:
        """Colours as a picture, other images as NumPy's .npy."""
        image = self.get_camera_image(sim, env, handle, kind)
        if kind == ImageType.IMAGE_COLOR:
            from PIL import Image

            Image.fromarray(image.reshape(len(image), -1, 4)).convert("RGB").save(filename)
        else:
            np.save(filename, image)

    # ---------------------------------------------------------------- other sensors

    def acquire_force_sensor_tensor(self, sim: Sim) -> Tensor:
        """(sensors, 6)."""
        return Tensor(sim.needs_world("acquire_force_sensor_tensor").force_sensors.tensor)

    def refresh_force_sensor_tensor(self, sim: Sim) -> bool:
        """Simulation -> tensor."""
        sim.needs_world("refresh_force_sensor_tensor").force_sensors.refresh()
        return True

    def acquire_jacobian_tensor(self, sim: Sim, name: str) -> Tensor:
        """(actors of the name, links, 6, columns)."""
        return Tensor(sim.needs_world("acquire_jacobian_tensor").dynamics_of(name).jacobian)

    def acquire_mass_matrix_tensor(self, sim: Sim, name: str) -> Tensor:
        """(actors of the name, columns, columns)."""
        return Tensor(sim.needs_world("acquire_mass_matrix_tensor").dynamics_of(name).mass)

    def refresh_jacobian_tensors(self, sim: Sim) -> bool:
        """Simulation -> tensors."""
        for part in sim.needs_world("refresh_jacobian_tensors").dynamics.values():
            part.refresh_jacobian()
        return True

    def refresh_mass_matrix_tensors(self, sim: Sim) -> bool:
        """Simulation -> tensors."""
        for part in sim.needs_world("refresh_mass_matrix_tensors").dynamics.values():
            part.refresh_mass()
        return True


def _known(kind: int) -> int:
    if kind == ImageType.IMAGE_OPTICAL_FLOW:
        raise UserError("a camera gives no optical flow on MuJoCo: take IMAGE_COLOR or IMAGE_DEPTH")
    return int(kind)
