"""Small robots."""

from __future__ import annotations

from typing import Iterable, Optional

INERTIA = '<inertia ixx="{i}" ixy="0" ixz="0" iyy="{i}" iyz="0" izz="{i}"/>'


def link(name: str, mass: Optional[float] = 1.0, shape: str = "", com: str = "0 0 0") -> str:
    inertial = ""
    if mass is not None:
        size = INERTIA.format(i=0.1 * mass)
        inertial = f'<inertial><origin xyz="{com}"/><mass value="{mass}"/>{size}</inertial>'
    collision = f"<collision><geometry>{shape}</geometry></collision>" if shape else ""
    return f'<link name="{name}">{inertial}{collision}</link>'


def joint(
    name: str, parent: str, child: str, kind: str = "revolute", at: str = "0 0 0", axis: str = "0 1 0", more: str = "",
    limit: str = 'lower="-1" upper="1" effort="10" velocity="20"',
) -> str:  # fmt: skip
    return (
        f'<joint name="{name}" type="{kind}" {more}><origin xyz="{at}"/><parent link="{parent}"/>'
        f'<child link="{child}"/><axis xyz="{axis}"/><limit {limit}/></joint>'
    )


def robot(parts: Iterable[str]) -> str:
    return f'<robot name="robot">{"".join(parts)}</robot>'


BOX = '<box size="0.4 0.2 0.1"/>'
FOOT = '<sphere radius="0.02"/>'

# a box of 4 kg with two arms of 1 kg, whose centres of mass are 0.3 m out
TWO_ARMS = robot(
    [
        link("base", 4.0, BOX),
        link("right", 1.0, com="0 0 -0.3"),
        link("left", 1.0, com="0 0 -0.3"),
        joint("b_right", "base", "right", at="0 -0.2 0"),
        joint("a_left", "base", "left", at="0 0.2 0"),
    ]
)
MASS = 6.0
