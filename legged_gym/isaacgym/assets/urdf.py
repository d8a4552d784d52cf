"""Reading a URDF into a tree of links, by the rules of the API: `dont_collapse`, capsules, meshes beside the file."""

from __future__ import annotations

import math
import os
import xml.etree.ElementTree as ElementTree
from typing import Any, Dict, List, Optional, Tuple

import mujoco
import numpy as np

from legged_gym.errors import UserError
from legged_gym.isaacgym.assets.tree import IDENTITY, Joint, Link, Mesh, Shape, matrix_of, quat_product
from legged_gym.isaacgym.parameters import FLOAT_MAX

_GEOM = mujoco.mjtGeom
_MOVING = {"revolute": "hinge", "continuous": "hinge", "prismatic": "slide"}


def read_urdf(file: str, root: str, options: Any) -> Link:
    """The root link of a URDF.

    Args:
        file: its path.
        root: the folder of assets, where meshes may lie too.
        options: `AssetOptions`.

    Raises:
        UserError: it cannot be read, or has what no rigid robot has.
    """
    try:
        robot = ElementTree.parse(file).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise UserError(f"cannot read {file}: {error}") from error
    return _Reader(file, root, options).read(robot)


class _Reader:
    """One file."""

    def __init__(self, file: str, root: str, options: Any) -> None:
        self.file, self.folder, self.root = file, os.path.dirname(os.path.abspath(file)), root
        self.capsules, self.drive = bool(options.replace_cylinder_with_capsule), int(options.default_dof_drive_mode)

    def read(self, robot: ElementTree.Element) -> Link:
        links = {element.get("name", ""): self._link(element) for element in robot.findall("link")}
        below = set()
        roots: Dict[str, Link] = {}
        for element in robot.findall("joint"):
            parent, child = self._end(element, "parent", links), self._end(element, "child", links)
            if element.get("type") == "floating":
                roots[child.name] = child
            else:
                self._attach(element, parent, child)
            below.add(child.name)
        tops = list(roots.values()) or [link for name, link in links.items() if name not in below]
        if len(tops) != 1:
            names = ", ".join(link.name for link in tops) or "none"
            raise UserError(f"{self.file}: a robot has one root link, this file has {names}")
        return tops[0]

    def _end(self, joint: ElementTree.Element, end: str, links: Dict[str, Link]) -> Link:
        element = joint.find(end)
        name = "" if element is None else element.get("link", "")
        if name not in links:
            raise UserError(f"{self.file}: joint {joint.get('name')}: {end} link '{name}' is not in the file")
        return links[name]

    def _link(self, element: ElementTree.Element) -> Link:
        link = Link(element.get("name", ""))
        inertial = element.find("inertial")
        if inertial is not None:
            self._weigh(link, inertial)
        link.shapes = [shape for part in element.findall("collision") for shape in self._shapes(part, self.capsules)]
        link.visuals = [shape for part in element.findall("visual") for shape in self._shapes(part, False)]
        return link

    def _weigh(self, link: Link, inertial: ElementTree.Element) -> None:
        link.com, quat = self._origin(inertial)
        mass, matrix = inertial.find("mass"), inertial.find("inertia")
        link.mass = 0.0 if mass is None else self._number(mass, "value")
        if matrix is not None:
            xx, xy, xz, yy, yz, zz = (self._number(matrix, key) for key in ("ixx", "ixy", "ixz", "iyy", "iyz", "izz"))
            turn = matrix_of(quat)
            link.inertia = turn @ np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]) @ turn.T
        link.weighed = True

    def _attach(self, element: ElementTree.Element, parent: Link, child: Link) -> None:
        name, kind = element.get("name", ""), element.get("type", "")
        child.pos, child.quat = self._origin(element)
        child.order, child.kept = name, element.get("dont_collapse", "false").lower() in ("true", "1")
        if kind in _MOVING:
            child.joints = [self._joint(element, name, kind)]
        elif kind != "fixed":
            raise UserError(f"{self.file}: joint {name} is '{kind}'; known are {', '.join(_MOVING)} and fixed")
        parent.children.append(child)

    def _joint(self, element: ElementTree.Element, name: str, kind: str) -> Joint:
        axis, limit, dynamics = element.find("axis"), element.find("limit"), element.find("dynamics")
        joint = Joint(name, _MOVING[kind], _numbers("1 0 0" if axis is None else axis.get("xyz", "1 0 0")))
        joint.drive = self.drive
        # a limit of effort alone is none of the position
        joint.limited = kind != "continuous" and limit is not None and bool({"lower", "upper"} & set(limit.attrib))
        joint.lower, joint.upper = -FLOAT_MAX, FLOAT_MAX
        joint.effort = joint.velocity = FLOAT_MAX
        if limit is not None:
            joint.effort, joint.velocity = self._number(limit, "effort"), self._number(limit, "velocity")
        if joint.limited and limit is not None:
            joint.lower, joint.upper = self._number(limit, "lower"), self._number(limit, "upper")
        if dynamics is not None:
            joint.damping, joint.friction = self._number(dynamics, "damping"), self._number(dynamics, "friction")
        return joint

    def _shapes(self, element: ElementTree.Element, capsules: bool) -> List[Shape]:
        pos, quat = self._origin(element)
        shapes = []
        for part in element.iterfind("geometry/*"):
            made = self._geometry(part, capsules)
            if made is not None:
                kind, size, mesh = made
                shapes.append(Shape(kind, size, pos.copy(), quat.copy(), mesh, rgba=_colour(element)))
        return shapes

    def _geometry(self, part: ElementTree.Element, capsules: bool) -> Optional[Tuple[Any, List[float], Optional[Mesh]]]:
        if part.tag == "box":
            return _GEOM.mjGEOM_BOX, [0.5 * size for size in _numbers(part.get("size", "1 1 1"))], None
        if part.tag == "sphere":
            return _GEOM.mjGEOM_SPHERE, [self._number(part, "radius"), 0.0, 0.0], None
        if part.tag in ("cylinder", "capsule"):
            size = [self._number(part, "radius"), 0.5 * self._number(part, "length"), 0.0]
            return _GEOM.mjGEOM_CAPSULE if capsules or part.tag == "capsule" else _GEOM.mjGEOM_CYLINDER, size, None
        if part.tag == "mesh":
            scale = _numbers(part.get("scale", "1 1 1"))
            return _GEOM.mjGEOM_MESH, [0.0] * 3, Mesh(self._find(part.get("filename", "")), scale=scale)
        return None

    def _find(self, name: str) -> str:
        """Path of a mesh: beside the URDF, in the folder of assets, or below one of their parents for packages."""
        plain = name.split("://", 1)[1] if "://" in name else name
        for folder in (self.folder, self.root):
            if os.path.isfile(os.path.join(folder, plain)):
                return os.path.join(folder, plain)
        if name.startswith("package://"):
            inside = plain.split("/", 1)[-1]
            folder = self.folder
            while True:
                for tail in (plain, inside):
                    if os.path.isfile(os.path.join(folder, tail)):
                        return os.path.join(folder, tail)
                if os.path.dirname(folder) == folder:
                    break
                folder = os.path.dirname(folder)
        return os.path.join(self.folder, plain)

    def _origin(self, element: ElementTree.Element) -> Tuple[np.ndarray, np.ndarray]:
        origin = element.find("origin")
        if origin is None:
            return np.zeros(3), IDENTITY.copy()
        return _numbers(origin.get("xyz", "0 0 0")), _quat(_numbers(origin.get("rpy", "0 0 0")))

    def _number(self, element: ElementTree.Element, key: str) -> float:
        text = element.get(key, "0")
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if math.isnan(value):
            raise UserError(f"{self.file}: {element.tag} has {key}='{text}': give a number")
        return value


def _numbers(text: str) -> np.ndarray:
    return np.array([float(word) for word in text.split()])


def _quat(rpy: np.ndarray) -> np.ndarray:
    quat = IDENTITY
    for angle, axis in zip(rpy, np.eye(3)):
        quat = quat_product(np.array([math.cos(0.5 * angle), *(math.sin(0.5 * angle) * axis)]), quat)
    return quat


def _colour(element: ElementTree.Element) -> Any:
    colour = element.find("material/color")
    text = "" if colour is None else colour.get("rgba", "")
    return tuple(_numbers(text)) if text else (0.6, 0.6, 0.6, 1.0)
