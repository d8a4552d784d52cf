"""An asset as a tree of links, whatever file it came from; fixed joints collapsed; children in the order of the API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Iterator, List, Optional

import mujoco
import numpy as np

IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])


@dataclass
class Joint:
    """A DOF between a link and its parent, in the link's frame; `kind` is 'hinge' or 'slide'."""

    name: str
    kind: str
    axis: np.ndarray
    pos: np.ndarray = field(default_factory=lambda: np.zeros(3))
    limited: bool = False
    lower: float = 0.0
    upper: float = 0.0
    effort: float = 0.0
    velocity: float = 0.0
    stiffness: float = 0.0
    damping: float = 0.0
    friction: float = 0.0
    armature: float = 0.0
    drive: int = 0


@dataclass
class Mesh:
    """A file, or vertices (V, 3) with faces (F, 3), and a scale."""

    file: str = ""
    vertices: Optional[np.ndarray] = None
    faces: Optional[np.ndarray] = None
    scale: Any = (1.0, 1.0, 1.0)


@dataclass
class Shape:
    """A shape in its link's frame: MuJoCo's type, size and pose."""

    kind: Any
    size: List[float]
    pos: np.ndarray
    quat: np.ndarray
    mesh: Optional[Mesh] = None
    friction: float = 1.0
    rgba: Any = (0.6, 0.6, 0.6, 1.0)


@dataclass
class Link:
    """A body: pose in its parent's frame, mass, centre of mass, inertia about that, and what hangs on it.

    Attributes:
        order: what children are sorted by; the name of the joint to the parent.
        kept: whether a fixed joint to the parent is not to be collapsed.
        weighed: whether the file gave it an inertial.
    """

    name: str
    pos: np.ndarray = field(default_factory=lambda: np.zeros(3))
    quat: np.ndarray = field(default_factory=lambda: IDENTITY.copy())
    mass: float = 0.0
    com: np.ndarray = field(default_factory=lambda: np.zeros(3))
    inertia: np.ndarray = field(default_factory=lambda: np.zeros((3, 3)))
    joints: List[Joint] = field(default_factory=list)
    shapes: List[Shape] = field(default_factory=list)
    visuals: List[Shape] = field(default_factory=list)
    children: List[Link] = field(default_factory=list)
    order: str = ""
    kept: bool = False
    weighed: bool = False

    def walk(self) -> Iterator[Link]:
        """This link and all below it, depth first."""
        yield self
        for child in self.children:
            yield from child.walk()


def matrix_of(quat: np.ndarray) -> np.ndarray:
    """(3, 3) of a quaternion w, x, y, z."""
    out = np.zeros(9)
    mujoco.mju_quat2Mat(out, quat)
    return out.reshape(3, 3)


def quat_product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The rotation b followed by a, w, x, y, z."""
    out = np.zeros(4)
    mujoco.mju_mulQuat(out, a, b)
    return out


def sort_children(link: Link) -> None:
    """Children of every link by the name of their joints, in byte order."""
    link.children.sort(key=lambda child: child.order.encode())
    for child in link.children:
        sort_children(child)


def collapse(link: Link) -> None:
    """Merge links on fixed joints into their parents, from the leaves up; those marked as kept stay."""
    remaining: List[Link] = []
    for child in link.children:
        collapse(child)
        if child.joints or child.kept:
            remaining.append(child)
        else:
            remaining += _merge(link, child)
    link.children = remaining


def _merge(parent: Link, child: Link) -> List[Link]:
    """Give a fixed child's mass and shapes to its parent; returns the child's children, in the parent's frame."""
    turn = matrix_of(child.quat)
    _add_mass(parent, child.mass, child.pos + turn @ child.com, turn @ child.inertia @ turn.T)
    parent.weighed |= child.weighed
    parts: List[Any] = [*child.shapes, *child.visuals, *child.children]
    for moved in parts:
        moved.pos, moved.quat = child.pos + turn @ moved.pos, quat_product(child.quat, moved.quat)
    parent.shapes += child.shapes
    parent.visuals += child.visuals
    return child.children


def _add_mass(link: Link, mass: float, com: np.ndarray, inertia: np.ndarray) -> None:
    """Join a mass to a link by the theorem of parallel axes."""
    total = link.mass + mass
    if total <= 0.0:
        return
    centre = (link.mass * link.com + mass * com) / total
    link.inertia = _about(link.inertia, link.mass, link.com - centre) + _about(inertia, mass, com - centre)
    link.mass, link.com = total, centre


def _about(inertia: np.ndarray, mass: float, shift: np.ndarray) -> np.ndarray:
    return inertia + mass * (shift @ shift * np.eye(3) - np.outer(shift, shift))
