"""Writes the robot files of the Unitree G1, all of them from the numbers below.

Metres, kilograms, radians, newton metres; x forward, y left, z up. Links and joints of the left side are listed, the
right side is its mirror image. Shapes are primitives fitted to the robot's links; files whose names end in `_box` have
a box under each foot instead of four spheres.

    python resources/robots/g1/make_urdfs.py
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

Numbers = Tuple[float, ...]
QUARTER = math.pi / 2


@dataclass(frozen=True)
class Model:
    """One G1: its revision, its hands, and which joints turn; those with `welded` in their names do not."""

    name: str
    kind: str  # what the file says of itself
    revision: str  # 'old' or '1.0'
    hand: str  # 'wrists': three joints and a rubber hand; 'forearm': both in one link on the roll joint
    ankles: Tuple[float, float]  # N m, rad/s, of ankles and of the waist's roll and pitch
    welded: Tuple[str, ...] = ()
    feet: Tuple[str, ...] = ("spheres",)


ARMS = ("waist", "shoulder", "elbow", "wrist")
MODELS = [
    Model("g1_12dof", "legs turn, 23 joints of revision 1.0", "1.0", "forearm", (50, 37), ARMS, ("spheres", "box")),
    Model("g1_23dof_rev_1_0", "23 joints, revision 1.0", "1.0", "forearm", (35, 30)),
    Model("g1_29dof_rev_1_0", "29 joints, revision 1.0", "1.0", "wrists", (35, 30)),
    Model("g1_29dof", "29 joints, before revision 1.0", "old", "wrists", (50, 37)),
    Model(
        "g1_29dof_welded_wrists",
        "29 joints before revision 1.0, 23 of which turn",
        "old",
        "wrists",
        (50, 37),
        ("wrist",),
        ("spheres", "box"),
    ),
]

_DUMMY = (0.001, (0, 0, 0), (1e-7, 0, 0, 1e-7, 0, 1e-7))
# link -> mass, centre of mass, inertia xx xy xz yy yz zz
LINKS: Dict[str, Tuple[float, Numbers, Numbers]] = {
    "pelvis": (3.813, (0, 0, -0.07605), (0.010549, 0, 2.1e-06, 0.0093089, 0, 0.0079184)),
    "pelvis_contour_link": _DUMMY,
    "left_hip_pitch_link": (
        1.35,
        (0.002741, 0.047791, -0.02606),
        (0.001811, 3.68e-05, -3.44e-05, 0.0014193, 0.000171, 0.0012812),
    ),
    "left_hip_roll_link": (
        1.52,
        (0.029812, -0.001045, -0.087934),
        (0.0023773, -3.8e-06, -0.0003908, 0.0024123, 1.84e-05, 0.0016595),
    ),
    "left_hip_yaw_link": (
        1.702,
        (-0.057709, -0.010981, -0.15078),
        (0.0057774, -0.0005411, -0.0023948, 0.0076124, -0.0007072, 0.003149),
    ),
    "left_knee_link": (
        1.932,
        (0.005457, 0.003964, -0.12074),
        (0.011329, 4.82e-05, -4.49e-05, 0.011277, -0.0007146, 0.0015168),
    ),
    "left_ankle_pitch_link": (0.074, (-0.007269, 0, 0.011137), (8.4e-06, 0, -2.9e-06, 1.89e-05, 0, 1.26e-05)),
    "left_ankle_roll_link": (
        0.608,
        (0.026505, 0, -0.016425),
        (0.0002231, 2e-07, 8.91e-05, 0.0016161, -1e-07, 0.0016667),
    ),
    "waist_yaw_link": (
        0.214,
        (0.003494, 0.000233, 0.018034),
        (0.00010673, 2.703e-06, -7.631e-06, 0.00010422, -2.01e-07, 0.0001625),
    ),
    "waist_roll_link": (0.086, (0, 2.3e-05, 0), (7.079e-06, 0, 0, 6.339e-06, 0, 8.245e-06)),
    "torso_link": (
        6.78,
        (0.000931, 0.000346, 0.15082),
        (0.05905, 3.3302e-05, -0.0017715, 0.047014, -2.2399e-05, 0.025652),
    ),
    "logo_link": _DUMMY,
    "head_link": (
        1.036,
        (0.005267, 0.000299, 0.449869),
        (0.004085051, -2.543e-06, -6.9455e-05, 0.004185212, -3.726e-06, 0.001807911),
    ),
    "waist_support_link": _DUMMY,
    "left_shoulder_pitch_link": (
        0.718,
        (0, 0.035892, -0.011628),
        (0.0004291, -9.2e-06, 6.4e-06, 0.000453, 2.26e-05, 0.000423),
    ),
    "left_shoulder_roll_link": (
        0.643,
        (-0.000227, 0.00727, -0.063243),
        (0.0006177, -1e-06, 8.7e-06, 0.0006912, -5.3e-06, 0.0003894),
    ),
    "left_shoulder_yaw_link": (
        0.734,
        (0.010773, -0.002949, -0.072009),
        (0.0009988, 7.9e-06, 0.0001412, 0.0010605, -2.86e-05, 0.0004354),
    ),
    "left_elbow_link": (
        0.6,
        (0.064956, 0.004454, -0.010062),
        (0.0002891, 6.53e-05, 1.72e-05, 0.0004152, -5.6e-06, 0.0004197),
    ),
    "left_wrist_roll_link": (
        0.08544498,
        (0.01713944778, 0.00053759094, 0.00000048864),
        (4.821544023e-05, -4.24511021e-06, 5.10599e-09, 3.722899093e-05, -1.23525e-09, 5.482106541e-05),
    ),
    "left_wrist_pitch_link": (
        0.48404956,
        (0.02299989837, -0.00111685314, -0.00111658096),
        (0.00016579646273, -1.231206746e-05, 1.231699194e-05, 0.0004295405741, 8.1417712e-07, 0.00042953697654),
    ),
    "left_wrist_yaw_link": (
        0.08457647,
        (0.02200381568, 0.00049485096, 0.00053861123),
        (4.929128828e-05, -4.5735494e-07, 4.45867591e-06, 5.973338134e-05, 4.3217198e-07, 3.928083826e-05),
    ),
    "left_rubber_hand": (
        0.17,
        (0.05361310808, -0.0029590524, 0.00215413091),
        (
            0.00010099485234748,
            3.618590790516e-05,
            -7.4301518642e-07,
            0.00028135871571621,
            3.30189743286e-06,
            0.00021894770413514,
        ),
    ),
    "left_wrist_roll_rubber_hand": (
        0.35692864,
        (0.1079465665, 0.00163511945, 0.00202244863),
        (0.00019613494735, -4.19816908e-06, -3.95086058e-05, 0.00200280358206, 2.49774203e-06, 0.00194181412808),
    ),
}
OLD_LINKS: Dict[str, Tuple[float, Numbers, Numbers]] = {
    "waist_yaw_link": (
        0.244,
        (0.003964, 0, 0.018769),
        (9.9587e-05, -1.833e-06, -1.2617e-05, 0.00012411, -1.18e-07, 0.00015586),
    ),
    "waist_roll_link": (0.047, (0, -0.000236, 0.010111), (7.515e-06, 0, 0, 6.398e-06, 9.9e-08, 3.988e-06)),
    "torso_link": (
        8.562,
        (0.002601, 0.000257, 0.153719),
        (0.065674966, -8.597e-05, -0.001737252, 0.053535188, 8.6899e-05, 0.030808125),
    ),
}
# Right links and joints are mirror images but for these: link -> inertia xz, joint -> y
RIGHT_XZ = {"right_knee_link": 4.49e-05}
RIGHT_Y = {"right_shoulder_pitch_joint": -0.10021}

X, Y, Z = (1, 0, 0), (0, 1, 0), (0, 0, 1)
Joint = Tuple[str, str, str, Numbers, Numbers, Numbers, Numbers]


def joints_of(model: Model) -> Iterator[Joint]:
    """Joints as name, parent, child, xyz, rpy, axis (none of fixed ones), limits: lower, upper, effort, velocity."""
    old = model.revision == "old"
    lift = -0.054 if old else -0.044  # of what stands in the frame of the waist on the torso
    weak, hip_roll = model.ankles, (88, 32) if old else (139, 20)
    none: Numbers = (0, 0, 0)
    yield "pelvis_contour_joint", "pelvis", "pelvis_contour_link", none, none, (), ()
    yield "imu_in_pelvis_joint", "pelvis", "imu_in_pelvis", (0.04525, 0, -0.08339), none, (), ()
    for name, parent, xyz, pitch, axis, limits in (
        ("hip_pitch", "pelvis", (0, 0.064452, -0.1027), 0, Y, (-2.5307, 2.8798, 88, 32)),
        ("hip_roll", "left_hip_pitch_link", (0, 0.052, -0.030465), -0.1749, X, (-0.5236, 2.9671, *hip_roll)),
        ("hip_yaw", "left_hip_roll_link", (0.025001, 0, -0.12412), 0, Z, (-2.7576, 2.7576, 88, 32)),
        ("knee", "left_hip_yaw_link", (-0.078273, 0.0021489, -0.17734), 0.1749, Y, (-0.087267, 2.8798, 139, 20)),
        ("ankle_pitch", "left_knee_link", (0, -9.4445e-05, -0.30001), 0, Y, (-0.87267, 0.5236, *weak)),
        ("ankle_roll", "left_ankle_pitch_link", (0, 0, -0.017558), 0, X, (-0.2618, 0.2618, *weak)),
    ):
        yield f"left_{name}_joint", parent, f"left_{name}_link", xyz, (0, pitch, 0), axis, limits
    yaw, bend = (-2.618, 2.618, 88, 32), (-0.52, 0.52, *weak)
    if model.hand == "forearm":
        yield "waist_yaw_joint", "pelvis", "torso_link", (-0.0039635, 0, 0.044), none, Z, yaw
    else:
        roll, pitch = (0.035, 0.019) if old else (0.044, 0)
        yield "waist_yaw_joint", "pelvis", "waist_yaw_link", none, none, Z, yaw
        yield "waist_roll_joint", "waist_yaw_link", "waist_roll_link", (-0.0039635, 0, roll), none, X, bend
        yield "waist_pitch_joint", "waist_roll_link", "torso_link", (0, 0, pitch), none, Y, bend
    for name in ("logo", "head", "waist_support") if old else ("logo", "head"):
        yield f"{name}_joint", "torso_link", f"{name}_link", (0.0039635, 0, lift), none, (), ()
    yield "imu_in_torso_joint", "torso_link", "imu_in_torso", (-0.03959, -0.00224, lift + 0.19192), none, (), ()
    camera = (0.0576235, 0.01753, lift + 0.47387)
    yield "d435_joint", "torso_link", "d435_link", camera, (0, 0.8307767239493009, 0), (), ()
    lidar = (0.0002835, 3e-05, lift + 0.46018)
    yield "mid360_joint", "torso_link", "mid360_link", lidar, (0, 0.04014257279586953, 0), (), ()
    shoulder = (0.0039563, 0.10022, lift + 0.29178)
    arm = [
        ("shoulder_pitch", "torso_link", shoulder, (0.27931, 5.4949e-05, -0.00019159), Y, (-3.0892, 2.6704, 25, 37)),
        ("shoulder_roll", "", (0, 0.038, -0.013831), (-0.27925, 0, 0), X, (-1.5882, 2.2515, 25, 37)),
        ("shoulder_yaw", "", (0, 0.00624, -0.1032), none, Z, (-2.618, 2.618, 25, 37)),
        ("elbow", "", (0.015783, 0, -0.080518), none, Y, (-1.0472, 2.0944, 25, 37)),
        ("wrist_roll", "", (0.1, 0.00188791, -0.01), none, X, (-1.972222054, 1.972222054, 25, 37)),
    ]
    if model.hand == "wrists":
        arm.append(("wrist_pitch", "", (0.038, 0, 0), none, Y, (-1.614429558, 1.614429558, 5, 22)))
        arm.append(("wrist_yaw", "", (0.046, 0, 0), none, Z, (-1.614429558, 1.614429558, 5, 22)))
    above = ""
    for name, parent, xyz, rpy, axis, limits in arm:
        child = f"left_{name}_link"
        if name == "wrist_roll" and model.hand == "forearm":
            child = "left_wrist_roll_rubber_hand"
        yield f"left_{name}_joint", parent or above, child, xyz, rpy, axis, limits
        above = child
    if model.hand == "wrists":
        yield "left_hand_palm_joint", above, "left_rubber_hand", (0.0415, 0.003, 0), none, (), ()


def mirrored(joint: Joint) -> Joint:
    """The right-hand joint of a left-hand one."""
    name, parent, child, (x, y, z), (roll, pitch, yaw), axis, limits = joint
    name, parent, child = (text.replace("left_", "right_") for text in (name, parent, child))
    if limits and axis == X:
        limits = (-limits[1], -limits[0], *limits[2:])
    return name, parent, child, (x, RIGHT_Y.get(name, -y), z), (-roll, pitch, -yaw), axis, limits


def numbers_of(link: str, model: Model) -> Optional[Tuple[float, Numbers, Numbers]]:
    """Mass, centre of mass and inertia of a link; None of a frame."""
    left = link.replace("right_", "left_")
    found = (OLD_LINKS if model.revision == "old" else LINKS).get(left, LINKS.get(left))
    if found is None or left == link:
        return found
    mass, (x, y, z), (xx, xy, xz, yy, yz, zz) = found
    return mass, (x, -y, z), (xx, -xy, RIGHT_XZ.get(link, xz), yy, -yz, zz)


# shape: kind, sizes (box: edges, cylinder: radius and length, sphere: radius), position, rpy
Shape = Tuple[str, Numbers, Numbers, Numbers]
_NO: Numbers = (0, 0, 0)
SOLE: List[Shape] = [
    ("sphere", (0.005,), (x, y, -0.03), _NO) for x, y in ((-0.05, 0.025), (-0.05, -0.025), (0.12, 0.03), (0.12, -0.03))
]
SOLE_BOX: List[Shape] = [("box", (0.18, 0.06, 0.016), (0.04, 0, -0.029), _NO)]
SHAPES: Dict[str, List[Shape]] = {
    "pelvis": [("box", (0.11, 0.13, 0.12), (0.0015, 0, -0.09), _NO)],
    "left_hip_yaw_link": [("cylinder", (0.048, 0.14), (-0.039, 0.001, -0.105), (0, 0.488, 0))],
    "left_knee_link": [("cylinder", (0.04, 0.24), (0.012, 0, -0.15), _NO)],
    "torso_link": [("box", (0.15, 0.2, 0.3), (0.008, 0, 0.155), _NO)],
    "head_link": [("cylinder", (0.07, 0.2), (0.005, 0, 0.43), _NO)],
    "left_shoulder_pitch_link": [("cylinder", (0.03, 0.05), (0, 0.04, -0.01), (0, QUARTER, 0))],
    "left_shoulder_roll_link": [("cylinder", (0.03, 0.03), (-0.004, 0.006, -0.053), _NO)],
    "left_shoulder_yaw_link": [("cylinder", (0.035, 0.12), (0.006, 0, -0.045), _NO)],
    "left_elbow_link": [("cylinder", (0.033, 0.11), (0.04, 0.002, -0.008), (0, QUARTER, 0))],
    "left_wrist_roll_link": [("cylinder", (0.03, 0.056), (0.028, 0, 0), (0, QUARTER, 0))],
    "left_wrist_pitch_link": [("cylinder", (0.028, 0.09), (0.023, 0, 0), (0, QUARTER, 0))],
    "left_wrist_yaw_link": [("sphere", (0.03,), (0.012, 0, 0), _NO)],
    "left_rubber_hand": [("box", (0.13, 0.05, 0.085), (0.066, -0.01, 0.01), _NO)],
    "left_wrist_roll_rubber_hand": [
        ("cylinder", (0.03, 0.09), (0.045, 0, 0), (0, QUARTER, 0)),
        ("box", (0.11, 0.05, 0.085), (0.145, -0.007, 0.01), _NO),
    ],
}
# seen and not felt
VISUALS: Dict[str, List[Shape]] = {
    "left_hip_pitch_link": [("cylinder", (0.042, 0.08), (0, 0.055, -0.025), (QUARTER, 0, 0))],
    "left_hip_roll_link": [("cylinder", (0.045, 0.13), (0.027, 0, -0.06), _NO)],
    "left_ankle_roll_link": [("box", (0.2, 0.07, 0.03), (0.04, 0, -0.018), _NO)],
}
DARK = ("pelvis", "ankle", "head", "elbow", "hand", "hip_pitch")


def text_of(numbers: Numbers) -> str:
    """Numbers as they stand in a URDF."""
    return " ".join(f"{number + 0.0:.14g}" for number in numbers)


def shape_lines(link: str, feet: str) -> Iterator[str]:
    """Collision and visual elements of a link."""
    left, side = link.replace("right_", "left_"), -1.0 if link.startswith("right_") else 1.0
    sole = SOLE if feet == "spheres" else SOLE_BOX
    felt = SHAPES.get(left, sole if left == "left_ankle_roll_link" else [])
    seen = VISUALS.get(left, []) if left == "left_ankle_roll_link" else [*felt, *VISUALS.get(left, [])]
    colour = "graphite" if any(part in link for part in DARK) else "silver"
    for element, shapes in (("collision", felt), ("visual", seen)):
        for kind, sizes, (x, y, z), (roll, pitch, yaw) in shapes:
            names = {"box": ["size"], "cylinder": ["radius", "length"], "sphere": ["radius"]}[kind]
            values = [text_of(sizes)] if kind == "box" else [text_of((size,)) for size in sizes]
            size = " ".join(f'{name}="{value}"' for name, value in zip(names, values))
            origin = f'<origin xyz="{text_of((x, side * y, z))}" rpy="{text_of((side * roll, pitch, side * yaw))}"/>'
            tail = f'<material name="{colour}"/>' if element == "visual" else ""
            yield f"    <{element}>{origin}<geometry><{kind} {size}/></geometry>{tail}</{element}>"


def link_lines(link: str, model: Model, feet: str) -> Iterator[str]:
    """The element of a link."""
    numbers = numbers_of(link, model)
    if numbers is None:
        yield f'  <link name="{link}"/>'
        return
    mass, com, inertia = numbers
    moments = " ".join(
        f'{name}="{text_of((value,))}"' for name, value in zip(("ixx", "ixy", "ixz", "iyy", "iyz", "izz"), inertia)
    )
    yield f'  <link name="{link}">'
    yield f'    <inertial><origin xyz="{text_of(com)}"/><mass value="{mass:.12g}"/><inertia {moments}/></inertial>'
    yield from shape_lines(link, feet)
    yield "  </link>"


def joint_lines(joint: Joint, model: Model) -> Iterator[str]:
    """The element of a joint."""
    name, parent, child, xyz, rpy, axis, limits = joint
    fixed = not axis or any(part in name for part in model.welded)
    yield f'  <joint name="{name}" type="{"fixed" if fixed else "revolute"}">'
    yield f'    <parent link="{parent}"/><child link="{child}"/>'
    yield f'    <origin xyz="{text_of(xyz)}" rpy="{text_of(rpy)}"/>'
    if not fixed:
        low, high, effort, velocity = (text_of((limit,)) for limit in limits)
        yield f'    <axis xyz="{text_of(axis)}"/>'
        yield f'    <limit lower="{low}" upper="{high}" effort="{effort}" velocity="{velocity}"/>'
    yield "  </joint>"


def urdf(model: Model, feet: str) -> str:
    """The text of one robot file."""
    listed = list(joints_of(model))
    left = [joint for joint in listed if "left_" in joint[0]]
    joints = [joint for joint in listed if joint not in left] + left + [mirrored(joint) for joint in left]
    order = ["pelvis", *(joint[2] for joint in joints)]
    mass = sum((numbers_of(link, model) or (0.0,))[0] for link in order)
    lines = [
        '<?xml version="1.0"?>',
        f"<!-- Unitree G1: {model.kind}; {mass:.3f} kg. Written by make_urdfs.py; change it there. -->",
        f'<robot name="{model.name}">',
        "  <!-- Read by MuJoCo alone: keep feet as bodies of their own, and keep the visual shapes. -->",
        '  <mujoco><compiler fusestatic="false" discardvisual="false"/></mujoco>',
        '  <material name="graphite"><color rgba="0.17 0.18 0.20 1"/></material>',
        '  <material name="silver"><color rgba="0.75 0.76 0.78 1"/></material>',
    ]
    for link in order:
        lines += link_lines(link, model, feet)
    for joint in joints:
        lines += joint_lines(joint, model)
    return "\n".join([*lines, "</robot>", ""])


def main() -> None:
    """Write all files beside this one."""
    folder = Path(__file__).parent / "urdf"
    folder.mkdir(exist_ok=True)
    for model in MODELS:
        for feet in model.feet:
            name = model.name if feet == "spheres" else f"{model.name}_box"
            (folder / f"{name}.urdf").write_text(urdf(model, feet), encoding="utf-8")


if __name__ == "__main__":
    main()
