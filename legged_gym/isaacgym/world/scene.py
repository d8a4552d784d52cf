"""What callers create: environments, actors, ground; plain records until `prepare_sim` makes a world of them."""

from __future__ import annotations

import sys
import time
from typing import Any, Dict, List, Optional, Set, Tuple

import numpy as np
import torch

from legged_gym.errors import UserError
from legged_gym.isaacgym import launch
from legged_gym.isaacgym.assets.asset import FILTER, Asset
from legged_gym.isaacgym.maths import Vec3


class Actor:
    """An asset in an environment, with properties of its own.

    Attributes:
        index: among the actors of its environment.
        pose: (7,) m and quaternion x, y, z, w, in the environment.
        shapes, bodies, dofs: tables as the asset's; replaced, never written to, and shared where they are alike.
    """

    __slots__ = (
        "asset", "bodies", "colours", "dofs", "env", "filter", "group", "index", "name", "pose", "scale",
        "segmentation", "shapes",
    )  # fmt: skip

    def __init__(self, env: Env, asset: Asset, pose: np.ndarray, name: str, group: int, filter_: int) -> None:
        """Put it last into an environment."""
        self.env, self.asset, self.pose, self.name = env, asset, pose, name
        self.group, self.filter, self.segmentation = group, filter_, 0
        self.index, self.scale = len(env.actors), 1.0
        self.shapes = env.sim.with_filter(asset.shapes, filter_)
        self.bodies, self.dofs = asset.bodies, asset.dofs
        self.colours: Dict[int, Any] = {}


class Env:
    """An environment; its handle."""

    __slots__ = ("actors", "cameras", "index", "origin", "sim")

    def __init__(self, sim: Sim, origin: Vec3) -> None:
        """Put it last into a simulation."""
        self.sim, self.index, self.origin = sim, len(sim.envs), origin
        self.actors: List[Actor] = []
        self.cameras: List[Any] = []


class Sim:
    """A simulation; its handle.

    Attributes:
        params: `SimParams`.
        device: of the tensors.
        grounds: planes, height fields and meshes, as the ground builder takes them.
        friction: of the ground.
        world: None until `prepare_sim`.
        viewer: None without one.
    """

    def __init__(self, params: Any, device: torch.device) -> None:
        """Begin an empty simulation."""
        self.params, self.device = params, device
        self.envs: List[Env] = []
        self.grounds: List[Any] = []
        self.friction = 1.0
        self.world: Optional[Any] = None
        self.viewer: Optional[Any] = None
        self.born = time.monotonic()
        self._told: Set[str] = set()
        self._tables: Dict[bytes, np.ndarray] = {}
        self._filtered: Dict[Tuple[int, int], Tuple[np.ndarray, np.ndarray]] = {}

    def add_ground(self, ground: Any, params: Any) -> None:
        """Add a piece of ground; all have the friction of the last one."""
        self.grounds.append(ground)
        self.friction = ground.friction
        if params.restitution:
            self.notice("the ground does not bounce: MuJoCo has no coefficient of restitution")

    def notice(self, text: str) -> None:
        """Say once that something is accepted, but not as in the original.

        Raises:
            UserError: that is not wanted.
        """
        if launch.strict:
            raise UserError(f"--strict: {text}")
        if text not in self._told:
            self._told.add(text)
            print(f"note: {text}", file=sys.stderr)

    def intern(self, table: np.ndarray) -> np.ndarray:
        """The first table with these contents, so that tables of many actors are one and quickly compared."""
        return self._tables.setdefault(table.tobytes(), table)

    def with_filter(self, shapes: np.ndarray, filter_: int) -> np.ndarray:
        """A table of shapes of which all have a filter; -1 leaves them as they are."""
        if filter_ == -1:
            return shapes
        key = (id(shapes), filter_)
        if key not in self._filtered:
            table = shapes.copy()
            table[:, FILTER] = filter_
            self._filtered[key] = shapes, self.intern(table)  # the key's table stays alive
        return self._filtered[key][1]

    def needs_world(self, call: str) -> Any:
        """The world.

        Raises:
            UserError: `prepare_sim` has not been called.
        """
        if self.world is None:
            raise UserError(f"{call}: call prepare_sim first, after all actors were created")
        return self.world

    def no_world_yet(self, call: str) -> None:
        """Refuse what cannot be done after `prepare_sim`."""
        if self.world is not None:
            raise UserError(f"{call}: nothing can be added after prepare_sim: create it before")
