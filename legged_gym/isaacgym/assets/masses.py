"""Masses of links that a file does not weigh: of their shapes at a density; and the least that a body may weigh."""

from __future__ import annotations

from typing import Any, Dict

import mujoco
import numpy as np

from legged_gym.errors import UserError
from legged_gym.isaacgym.assets.meshes import add_mesh
from legged_gym.isaacgym.assets.tree import Link, Shape, matrix_of

# kg and kg m^2; a root carries the robot and must be heavier
_LEAST, _LEAST_ROOT = 1e-6, 1e-3
_LEAST_INERTIA = 1e-9


def weigh(root: Link, density: float, everywhere: bool) -> None:
    """Weigh links without inertial, or all links, by their shapes at a density, kg/m^3."""
    for link in root.walk():
        if link.shapes and density > 0.0 and (everywhere or not link.weighed):
            _weigh_shapes(link, density)


def _weigh_shapes(link: Link, density: float) -> None:
    mj = mujoco.MjSpec()
    mj.compiler.degree = False
    body = mj.worldbody.add_body(name="link")
    meshes: Dict[Any, str] = {}
    for shape in link.shapes:
        add_geom(mj, body, shape, meshes, density=density)
    try:
        model = mj.compile()
    except ValueError as error:
        raise UserError(f"link {link.name} cannot be weighed by its shapes: {' '.join(str(error).split())}") from error
    link.mass, link.com = float(model.body_mass[1]), model.body_ipos[1].copy()
    turn = matrix_of(model.body_iquat[1])
    link.inertia = turn @ np.diag(model.body_inertia[1]) @ turn.T


def add_geom(mj: Any, body: Any, shape: Shape, meshes: Dict[Any, str], **fields: Any) -> Any:
    """A geom of a shape."""
    geom = body.add_geom(type=shape.kind, pos=shape.pos, quat=shape.quat, **fields)
    if shape.mesh is None:
        geom.size = shape.size
    else:
        geom.meshname = add_mesh(mj, shape.mesh, meshes)
    return geom


def raise_to_least(root: Link) -> None:
    """Give each link the mass and inertia that an engine needs to move it."""
    for link in root.walk():
        least = _LEAST_ROOT if link is root else _LEAST
        link.mass = max(link.mass, least)
        short = max(_LEAST_INERTIA, 1e-3 * least) - float(np.linalg.eigvalsh(link.inertia)[0])
        if short > 0.0:
            link.inertia = link.inertia + short * np.eye(3)
