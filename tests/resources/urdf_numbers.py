"""The numbers of a URDF, read without any simulator, so that robot files can be compared."""

from __future__ import annotations

import importlib.metadata
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

Numbers = Tuple[float, ...]


def published(pattern: str) -> Path:
    """Path of a file of the package `example-robot-data`."""
    files = importlib.metadata.files("example-robot-data") or []
    return Path(next(file for file in files if file.match(pattern)).locate())


def _numbers(element: ElementTree.Element | None, attribute: str, default: str) -> Numbers:
    text = default if element is None else element.get(attribute, default)
    return tuple(float(word) for word in text.split())


def _origin(element: ElementTree.Element) -> Numbers:
    """Position and roll-pitch-yaw of an element's <origin>, zero where it has none (URDF's default)."""
    origin = element.find("origin")
    return _numbers(origin, "xyz", "0 0 0") + _numbers(origin, "rpy", "0 0 0")


def _collisions(link: ElementTree.Element) -> List[Tuple[str, Numbers, Any]]:
    """Collision shapes of a link, each as kind, origin and its sizes in metres, in the order of attribute names.

    Of a mesh it is the name of the file.
    """
    shapes = []
    for collision in link.findall("collision"):
        shape = next(iter(collision.find("geometry")))
        if shape.tag == "mesh":
            shapes.append((shape.tag, _origin(collision), Path(shape.get("filename")).name))
            continue
        sizes = tuple(float(word) for name in sorted(shape.keys()) for word in shape.get(name).split())
        shapes.append((shape.tag, _origin(collision), sizes))
    return shapes


def _link(link: ElementTree.Element) -> Dict[str, Any]:
    inertial = link.find("inertial")
    com = _origin(inertial)
    assert com[3:] == (0, 0, 0), "inertias are compared in the axes of the link"
    names = ("ixx", "ixy", "ixz", "iyy", "iyz", "izz")
    return {
        "mass": _numbers(inertial.find("mass"), "value", ""),
        "com": com[:3],
        "inertia": tuple(float(inertial.find("inertia").get(name)) for name in names),
        "collision": _collisions(link),
    }


def _joint(joint: ElementTree.Element) -> Dict[str, Any]:
    limit = joint.find("limit")
    return {
        "type": joint.get("type"),
        "parent": joint.find("parent").get("link"),
        "child": joint.find("child").get("link"),
        "origin": _origin(joint),
        "axis": _numbers(joint.find("axis"), "xyz", "1 0 0"),
        **{name: _numbers(limit, name, "nan") for name in ("lower", "upper", "effort", "velocity")},
        **{name: _numbers(joint.find("dynamics"), name, "0") for name in ("damping", "friction")},
    }


def read_urdf(path: Path) -> Dict[str, Dict[str, Any]]:
    """All links and joints of a URDF by name, in the order of the file."""
    root = ElementTree.parse(path).getroot()
    elements = {link.get("name"): _link(link) for link in root.findall("link") if link.find("inertial") is not None}
    elements.update((joint.get("name"), _joint(joint)) for joint in root.findall("joint"))
    return elements


def same(left: Any, right: Any) -> bool:
    """Whether two entries agree, numbers to a relative 1e-9."""
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(same(*pair) for pair in zip(left, right))
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return left == pytest.approx(right, rel=1e-9, abs=1e-15, nan_ok=True)
    return left == right
