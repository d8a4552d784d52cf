"""Cameras: depth and segments by rays, colours by the renderer; they look along +x of their pose, z up."""

from __future__ import annotations

import functools
import importlib.util
import math
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Sequence, Tuple

import mujoco
import numpy as np
import torch
from torch import Tensor

from legged_gym.isaacgym.enums import CameraFollowMode, ImageType
from legged_gym.isaacgym.maths import Quat, Transform, Vec3
from legged_gym.isaacgym.world.scene import Env
from legged_gym.isaacgym.world.scenery import Scenery, seen_from
from legged_gym.rotations import quat_mul, quat_rotate
from legged_gym.sim.model import GROUND_GROUP, ROBOT_GROUP


@dataclass
class CameraSensor:
    """A camera of an environment.

    Attributes:
        pose: in the environment, or in the frame of a body.
        body: index in the environment, None for a camera that stands.
        follows: `CameraFollowMode`.
        images: tensors that were asked for, filled when all cameras are rendered.
    """

    env: Env
    props: Any
    pose: Transform = field(default_factory=Transform)
    body: Optional[int] = None
    follows: int = int(CameraFollowMode.FOLLOW_TRANSFORM)
    images: Dict[int, Tensor] = field(default_factory=dict)

    @property
    def optics(self) -> Tuple[int, int, float, float]:
        """Width, height, tangent of half the horizontal field of view, and reach."""
        props = self.props
        half = math.tan(0.5 * math.radians(props.horizontal_fov))
        return int(props.width), int(props.height), half, float(props.far_plane)


def look_at(position: Vec3, target: Vec3) -> Transform:
    """The pose of a camera that sees a point in the middle of its picture."""
    way = target - position
    yaw, pitch = math.atan2(way.y, way.x), -math.atan2(way.z, math.hypot(way.x, way.y))
    return Transform(position, Quat.from_euler_zyx(0.0, pitch, yaw))


class Cameras:
    """All pictures of a world."""

    def __init__(self, world: Any) -> None:
        """Draw nothing yet."""
        self._world, self._engine, self._states = world, world.engine, world.states

    def render(self, cameras: Sequence[CameraSensor]) -> None:
        """Fill the images that were asked for."""
        for kind in (ImageType.IMAGE_DEPTH, ImageType.IMAGE_SEGMENTATION):
            groups: Dict[Any, List[CameraSensor]] = {}
            for camera in cameras:
                if kind in camera.images:
                    groups.setdefault(camera.optics, []).append(camera)
            for group in groups.values():
                for camera, image in zip(group, self._trace(group, kind)):
                    camera.images[kind].copy_(image)
        for camera in cameras:
            if ImageType.IMAGE_COLOR in camera.images:
                camera.images[ImageType.IMAGE_COLOR].copy_(torch.from_numpy(self._draw(camera)))

    def image(self, camera: CameraSensor, kind: int) -> Tensor:
        """One picture (H, W) or (H, W, 4) as it is now."""
        if kind == ImageType.IMAGE_COLOR:
            return torch.from_numpy(self._draw(camera)).to(self._states.device)
        return self._trace([camera], kind)[0]

    # ---------------------------------------------------------------- rays

    def _trace(self, cameras: Sequence[CameraSensor], kind: int) -> Tensor:
        """(n, H, W) depth along the view, negative and -inf for the sky; or numbers of segments."""
        width, height, half, reach = cameras[0].optics
        position, quat = self.poses(cameras)
        across = (0.5 - (torch.arange(width) + 0.5) / width) * 2.0 * half
        down = (0.5 - (torch.arange(height) + 0.5) / height) * 2.0 * half * height / width
        rays = torch.stack(torch.broadcast_tensors(torch.ones(()), across, down[:, None]), dim=-1).view(1, -1, 3)
        rays = rays.to(position.device)
        directions = quat_rotate(quat[:, None].expand(-1, rays.shape[1], -1), rays.expand(len(cameras), -1, -1))
        envs = torch.tensor([camera.env.index for camera in cameras], device=position.device)
        if kind == ImageType.IMAGE_SEGMENTATION:
            return self._segments(position, directions, envs).view(-1, height, width)
        distance = self._distances(position[:, None], directions.contiguous(), envs, reach)
        return distance.neg_().view(-1, height, width)

    def _distances(self, origins: Tensor, directions: Tensor, envs: Tensor, reach: float) -> Tensor:
        groups = np.zeros(mujoco.mjNGROUP, np.uint8)
        groups[ROBOT_GROUP] = 1
        scene = self._ground_rays
        groups[GROUND_GROUP] = scene is None
        distance, _ = self._engine.cast(origins, directions, groups, envs)
        if scene is not None:
            none = torch.zeros(len(envs), 0, 10, device=origins.device)
            torch.minimum(distance, scene.cast(origins, directions, none, reach), out=distance)
        return distance.masked_fill_(distance > reach, math.inf)

    @functools.cached_property
    def _ground_rays(self) -> Any:
        """Rays at the ground that cost little; None where there is none, or are several pieces of it."""
        model = self._engine.model
        if int((model.geom_group == GROUND_GROUP).sum()) != 1 or importlib.util.find_spec("warp") is None:
            return None
        ground = int(np.flatnonzero(model.geom_group == GROUND_GROUP)[0])
        if abs(model.geom_quat[ground, 0]) < 1.0 - 1e-9:
            return None
        from legged_gym.sim.scene_rays import SceneRays

        return SceneRays(model, self._states.device, getattr(self._engine, "num_threads", 1))

    def _segments(self, position: Tensor, directions: Tensor, envs: Tensor) -> Tensor:
        groups = np.zeros(mujoco.mjNGROUP, np.uint8)
        groups[[ROBOT_GROUP, GROUND_GROUP]] = 1
        _, geoms = self._engine.cast(position[:, None], directions, groups, envs)
        table = torch.zeros(self._engine.model.ngeom + 1, dtype=torch.int32, device=geoms.device)
        out = torch.zeros(geoms.shape, dtype=torch.int32, device=geoms.device)
        for row, env in zip(range(len(envs)), envs.tolist()):
            for actor, slot in zip(self._world.sim.envs[env].actors, self._world.slots):
                table[torch.from_numpy(slot.geom_ids)] = actor.segmentation
            out[row] = table[geoms[row].to(torch.int64)]
        return out

    # ---------------------------------------------------------------- poses

    def poses(self, cameras: Sequence[CameraSensor]) -> Tuple[Tensor, Tensor]:
        """Positions (n, 3) and quaternions (n, 4) x, y, z, w of cameras, in the engine's frame."""
        states = self._states
        states.flush()
        own = torch.tensor([[*camera.pose.p, *camera.pose.r] for camera in cameras], device=states.device)
        position, quat = own[:, :3].clone(), own[:, 3:].clone()
        if states.origins is not None:
            position += states.origins[[camera.env.index for camera in cameras], 0]
        held = [k for k, camera in enumerate(cameras) if camera.body is not None]
        if held:
            envs = torch.tensor([cameras[k].env.index for k in held], device=states.device)
            bodies = states.body_ids[torch.tensor([cameras[k].body or 0 for k in held], device=states.device)]
            place = states.arrays.xpos[envs, bodies].float()
            turn = states.arrays.xquat[envs, bodies][:, [1, 2, 3, 0]].float()
            free = torch.tensor([cameras[k].follows == CameraFollowMode.FOLLOW_POSITION for k in held])
            turn[free.to(turn.device)] = torch.tensor([0.0, 0.0, 0.0, 1.0], device=turn.device)
            position[held] = place + quat_rotate(turn, own[held, :3])
            quat[held] = quat_mul(turn, own[held, 3:])
        return position, quat

    # ---------------------------------------------------------------- colours

    def _draw(self, camera: CameraSensor) -> np.ndarray:
        """(H, W, 4) uint8."""
        width, height, half, _ = camera.optics
        position, quat = self.poses([camera])
        forward = quat_rotate(quat, torch.tensor([[1.0, 0.0, 0.0]], device=quat.device))
        eye, way = (vector[0].cpu().double().numpy() for vector in (position, forward))
        fov = math.degrees(2.0 * math.atan(half * height / width))
        picture = self._scene.draw(
            self._scene.state([camera.env.index], False), seen_from(eye, eye + way), fov, width, height
        )
        opaque = np.full((height, width, 1), 255, np.uint8)
        return np.concatenate((picture, opaque), axis=2)

    @functools.cached_property
    def _scene(self) -> Scenery:
        return Scenery(self._world)
