"""What MuJoCo's importer of URDF files does not read or check: limits, links without inertial, floating joints."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from legged_gym.errors import UserError, listed
from legged_gym.sim.robot.robot_parts import all_bodies, collides, compiled_copy, rigid_part

_NOT_NEGATIVE = ("effort", "velocity")
# kg; the inertials of less are dummies that make a link known to some program
_DUMMY_MASS = 1e-5


def read_urdf(file: str) -> Optional[ElementTree.Element]:
    """The root element of a URDF; None for an MJCF file.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        with open(file, "rb") as stream:
            data = stream.read()
        first = re.search(rb"<\s*([A-Za-z]\w*)", re.sub(rb"<!--.*?-->", b"", data, flags=re.DOTALL))
        return ElementTree.fromstring(data) if first is None or first.group(1) == b"robot" else None
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}") from error
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise UserError(f"{file} is no sound XML: {error}; save it as UTF-8 and mend that place") from error


def velocity_limits(robot: ElementTree.Element, file: str) -> Tuple[Dict[str, float], List[str]]:
    """Velocity limits, which MuJoCo's importer does not keep, and joints that turn without end; checks all limits.

    Returns:
        rad/s (m/s) by joint, without joints whose limit is 0 or not given; names of continuous joints.

    Raises:
        UserError: a limit is no number or cannot be.
    """
    limits, endless = {}, []
    for joint in robot.findall("joint"):
        name, kind = joint.get("name", ""), joint.get("type", "")
        if kind == "continuous":
            endless.append(name)
        element = joint.find("limit")
        if element is None or kind not in ("revolute", "prismatic", "continuous"):
            continue
        keys = ("lower", "upper", "effort", "velocity")
        numbers = {key: _number(element.get(key, "0"), f"{file}: joint {name}: {key}") for key in keys}
        for key in _NOT_NEGATIVE:
            if numbers[key] < 0:
                raise UserError(f"{file}: joint {name}: {key} is {numbers[key]:g}; it cannot be negative")
        if numbers["lower"] > numbers["upper"] and kind != "continuous":
            ends = f"lower is {numbers['lower']:g} and upper {numbers['upper']:g}"
            raise UserError(f"{file}: joint {name}: {ends}: lower must be below upper")
        if 0 < numbers["velocity"] < math.inf:
            limits[name] = numbers["velocity"]
    return limits, endless


def links_kept_apart(robot: ElementTree.Element) -> Dict[str, str]:
    """Link -> its joint, of fixed joints with `dont_collapse="true"`: bodies of their own in Isaac Gym."""
    joints = [joint for joint in robot.findall("joint") if joint.get("type") == "fixed"]
    kept = [joint for joint in joints if joint.get("dont_collapse", "").lower() in ("true", "1")]
    return {_end(joint, "child"): joint.get("name", "") for joint in kept}


def _number(text: str, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise UserError(f"{what} is '{text}': give a number, without a unit")
    return number


def without_floating_joint(robot: ElementTree.Element, file: str) -> Tuple[Optional[str], List[str]]:
    """Rewrite a URDF whose robot floats by a joint of its own, below links such as 'odom': the child becomes the root.

    Returns:
        The text of the rewritten file, None if nothing floats; links that are left out.

    Raises:
        UserError: the joint floats below joints that move.
    """
    joints = robot.findall("joint")
    floating = [joint for joint in joints if joint.get("type") == "floating"]
    if not floating:
        return None, []

    def below(link: str) -> List[str]:
        children = [_end(joint, "child") for joint in joints if _end(joint, "parent") == link]
        return [link, *(name for child in children for name in below(child))]

    base = max(floating, key=lambda joint: len(below(_end(joint, "child"))))
    kept = set(below(_end(base, "child")))
    for joint in joints:
        if _end(joint, "parent") in kept or joint is base:
            continue
        if joint.get("type") not in ("fixed", "floating"):
            raise UserError(
                f"{file}: joint {base.get('name')} floats beside joint {joint.get('name')}, which moves:"
                " a robot floats as a whole, so remove what is not part of it"
            )
        robot.remove(joint)
    left_out = [link for link in robot.findall("link") if link.get("name") not in kept]
    for link in left_out:
        robot.remove(link)
    robot.insert(0, ElementTree.Element("link", name="world"))
    for parent in base.findall("parent"):
        parent.set("link", "world")
    return ElementTree.tostring(robot, encoding="unicode"), [link.get("name", "") for link in left_out]


def _end(joint: ElementTree.Element, end: str) -> str:
    """Name of the link at one end of a joint, "parent" or "child"."""
    element = joint.find(end)
    return "" if element is None else element.get("link", "")


def weigh_links(spec: Any, root: Any, file: str) -> List[str]:
    """Links without inertial weigh nothing where they are fixed to one that has it, as URDF means it.

    Others need some mass to move: that of their shapes at 1000 kg/m^3. Returns one line that names them.
    """
    for body in all_bodies(root):
        if body.explicitinertial and body.mass < _DUMMY_MASS:
            body.explicitinertial = False
            body.mass, body.inertia, body.fullinertia = 0.0, np.zeros(3), [np.nan, 0, 0, 0, 0, 0]
    made_up = []
    for body in all_bodies(root):
        if body is not root and not body.joints:
            continue
        part = rigid_part(body)
        weighed = any(link.explicitinertial for link in part)
        for link in part:
            if not weighed and any(collides(geom) for geom in link.geoms):
                made_up.append(str(link.name))
            for geom in link.geoms if weighed and not link.explicitinertial else ():
                geom.mass = 0.0
    if not made_up:
        return []
    _, model = compiled_copy(spec, file)
    masses = [f"{name} {float(model.body(name).mass[0]):.3f} kg" for name in made_up]
    return [f"warning: masses made up from shapes at 1000 kg/m^3, for want of an inertial: {listed(masses)}"]
