"""What environments look like: one of them as a camera sees it, or several side by side as a viewer does."""

from __future__ import annotations

import functools
import math
from typing import Any, List, Sequence

import numpy as np

from legged_gym.isaacgym.world.build import build_model
from legged_gym.sim.model import shown_groups
from legged_gym.sim.pictures.camera import Camera
from legged_gym.sim.pictures.rendering import SceneRenderer, SceneState


class Scenery:
    """Draws environments.

    Attributes:
        count: how many are in a picture.
        renderer: of the scene, whose model has the actors of so many environments.
    """

    def __init__(self, world: Any, count: int = 1) -> None:
        """Draw nothing yet."""
        self._world, self.count = world, min(count, world.num_envs)
        self.renderer = SceneRenderer(lambda: build_model(world.sim, self.count), shown_groups)

    def places(self) -> np.ndarray:
        """Where the first actors of all environments are in the world, (N, 3) m."""
        world = self._world
        local = world.states.root_now().view(world.num_envs, -1, 13)[:, 0, :3].cpu().double().numpy()
        return local + np.array([list(env.origin) for env in world.sim.envs])

    def near(self, place: np.ndarray) -> List[int]:
        """The environments whose first actors are nearest to a place in the world."""
        return [int(env) for env in np.linalg.norm(self.places() - place, axis=1).argsort()[: self.count]]

    def state(self, envs: Sequence[int], apart: bool = True) -> SceneState:
        """What some environments (`count`) look like now; `apart`: each where it is in the world."""
        world, arrays = self._world, self._world.states.arrays
        qpos, pos, quat = (
            array[list(envs)].cpu().double().numpy().copy()
            for array in (arrays.qpos, arrays.mocap_pos, arrays.mocap_quat)
        )
        if apart and world.states.origins is None:
            for row, env in enumerate(envs):
                origin = np.array(list(world.sim.envs[env].origin))
                for slot in world.slots:
                    place = pos[row, slot.root] if slot.fixed else qpos[row, slot.root : slot.root + 3]
                    place += origin
        self._paint(envs)
        return SceneState(qpos.reshape(-1), pos.reshape(-1, 3), quat.reshape(-1, 4), np.zeros((0, 3)))

    def draw(self, state: SceneState, camera: Camera, fov: float, width: int, height: int) -> np.ndarray:
        """(H, W, 3) uint8; `fov` in degrees from the lower to the upper edge."""
        self.renderer.model.vis.global_.fovy = fov
        return self.renderer.render(state, camera, width, height)

    @functools.cached_property
    def _colours(self) -> np.ndarray:
        colours: np.ndarray = self.renderer.model.geom_rgba.copy()
        return colours

    def _paint(self, envs: Sequence[int]) -> None:
        """Give bodies the colours that were set in their environments."""
        model, sim = self.renderer.model, self._world.sim
        model.geom_rgba[:] = self._colours
        actors = [actor for env in envs for actor in sim.envs[env].actors]
        for number, actor in enumerate(actors):
            for body, colour in actor.colours.items():
                name = f"{number}/{actor.asset.body_names[body]}"
                model.geom_rgba[model.geom_bodyid == model.body(name).id, :3] = list(colour)


def seen_from(eye: np.ndarray, target: np.ndarray) -> Camera:
    """The camera at a place that looks at another one."""
    way = np.asarray(target, dtype=np.float64) - eye
    distance = max(float(np.linalg.norm(way)), 1e-6)
    azimuth, elevation = math.atan2(way[1], way[0]), math.asin(np.clip(way[2] / distance, -1.0, 1.0))
    return Camera([float(x) for x in target], distance, math.degrees(azimuth), math.degrees(elevation))
