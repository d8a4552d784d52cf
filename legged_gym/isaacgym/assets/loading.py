"""Assets from files, and plain shapes."""

from __future__ import annotations

import os
from typing import Any, List

import mujoco
import numpy as np

from legged_gym.errors import UserError
from legged_gym.isaacgym.assets.asset import Asset
from legged_gym.isaacgym.assets.masses import weigh
from legged_gym.isaacgym.assets.mjcf import read_mjcf
from legged_gym.isaacgym.assets.tree import IDENTITY, Link, Shape, collapse, sort_children
from legged_gym.isaacgym.assets.urdf import read_urdf
from legged_gym.isaacgym.parameters import AssetOptions


def load_asset(root: str, file: str, options: Any = None) -> Asset:
    """Read a URDF or MJCF file; see `AssetOptions`.

    Raises:
        UserError: there is no such file, or it cannot be read.
    """
    options = AssetOptions() if options is None else options
    path = os.path.join(str(root), str(file))
    if not os.path.isfile(path):
        raise UserError(f"load_asset: there is no file {path}: check the folder of assets and the file's name")
    key = (os.path.abspath(path), repr(options))
    if path.endswith((".xml", ".mjcf")):
        return read_mjcf(path, options, key)
    if not path.endswith(".urdf"):
        raise UserError(f"load_asset: {path}: known are .urdf and .xml (MJCF); convert it to one of them")
    link = read_urdf(path, str(root), options)
    override = bool(options.override_inertia or options.override_com)
    weigh(link, float(options.density), override)
    if options.collapse_fixed_joints:
        collapse(link)
    sort_children(link)
    return Asset(link, options, key)


def primitive(kind: Any, size: List[float], options: Any = None) -> Asset:
    """One body of one shape."""
    options = AssetOptions() if options is None else options
    name = {mujoco.mjtGeom.mjGEOM_BOX: "box", mujoco.mjtGeom.mjGEOM_SPHERE: "sphere"}.get(kind, "capsule")
    shape = Shape(kind, size, np.zeros(3), IDENTITY.copy())
    link = Link(name, shapes=[shape])
    weigh(link, float(options.density), True)
    return Asset(link, options, (name, tuple(size), repr(options)))
