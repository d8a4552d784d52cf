"""An asset: what `load_asset` gives. It does not change, apart from the properties of its shapes."""

from __future__ import annotations

from typing import Any, List, Tuple

import numpy as np

from legged_gym.errors import UserError
from legged_gym.isaacgym.assets.masses import raise_to_least
from legged_gym.isaacgym.assets.tree import Joint, Link
from legged_gym.isaacgym.maths import Transform
from legged_gym.isaacgym.parameters import DOF_DTYPE, SHAPE_FIELDS

_SHAPE_COLUMNS = list(SHAPE_FIELDS)
FRICTION, FILTER = _SHAPE_COLUMNS.index("friction"), _SHAPE_COLUMNS.index("filter")
"""Columns of tables of shapes."""


class Asset:
    """A tree of links, and tables of its parts.

    Attributes:
        key: equal for assets of one file read in one way.
        shapes: (G, 9) properties of shapes, which actors made later take; replaced, never written to.
        bodies: (B, 13) mass, centre of mass, inertia row by row.
        dofs: (D,) properties of DOFs.
        shape_counts: of each body.
        sensors: force sensors, (body, pose, properties) each.
    """

    def __init__(self, root: Link, options: Any, key: Tuple[Any, ...]) -> None:
        """Take a tree that is in order."""
        raise_to_least(root)
        self.root, self.options, self.key = root, options, key
        self.fixed = bool(options.fix_base_link)
        self.links: List[Link] = list(root.walk())
        self.body_names = _unique([link.name for link in self.links])
        self.joints: List[Joint] = [joint for link in self.links for joint in link.joints]
        self.dof_names = [joint.name for joint in self.joints]
        self.shape_counts = [len(link.shapes) for link in self.links]
        row = [float(value) for value in SHAPE_FIELDS.values()]
        self.shapes = np.tile(row, (sum(self.shape_counts), 1))
        self.shapes[:, FRICTION] = [shape.friction for link in self.links for shape in link.shapes]
        self.bodies = np.array([[link.mass, *link.com, *link.inertia.reshape(-1)] for link in self.links])
        self.dofs = dof_table(self.joints, options)
        self.sensors: List[Tuple[int, Transform, Any]] = []
        self.actuators: List[Any] = []
        self.excludes: List[Tuple[str, str]] = []

    @property
    def scene_key(self) -> Tuple[Any, ...]:
        """Equal for assets that may stand in the same place of different environments."""
        return (*self.key, len(self.sensors))


def dof_table(joints: List[Joint], options: Any) -> np.ndarray:
    """(D,) properties of joints."""
    table = np.zeros(len(joints), dtype=DOF_DTYPE)
    for row, joint in zip(table, joints):
        row["hasLimits"], row["driveMode"] = joint.limited, joint.drive
        for name in ("lower", "upper", "stiffness", "damping", "velocity", "effort", "friction"):
            row[name] = getattr(joint, name)
        row["armature"] = max(joint.armature, float(options.armature))
    return table


def _unique(names: List[str]) -> List[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"several links are called {', '.join(twice)}: names must differ")
    return names
