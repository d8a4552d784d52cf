"""The A1 of this project against the A1 description that the package `example-robot-data` publishes.

Every number of the physical model is compared: masses, centres of mass, inertias, origins, axes, limits, collision
shapes. Where ours is meant to differ, `DIFFERENCES` says how and why, and a difference that is gone fails as well.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Tuple

import mujoco
import numpy as np
import pytest

from tests.resources.urdf_numbers import published, read_urdf, same

OURS = Path(__file__).parents[2] / "resources/robots/a1/urdf/a1.urdf"
LEGS = ("FR", "FL", "RR", "RL")
JOINTS = [f"{leg}_{part}_joint" for leg in LEGS for part in ("hip", "thigh", "calf")]

# (what, quantity) -> (the package's numbers, ours). Trunk and hips: the package follows Unitree's second description of
# the A1; ours is the first one, on which the published policies were trained. The two go together: it is the trunk that
# holds the hips. The box of the IMU, 1 mm wide inside the trunk, touches nothing.
DIFFERENCES: Dict[Tuple[str, str], Tuple[Any, Any]] = {
    ("base", "mass"): ((6.0,), (4.713,)),
    ("base", "com"): ((0.0, 0.0041, -0.0005), (0.012731, 0.002186, 0.000515)),
    ("base", "inertia"): (
        (0.0158533, -3.66e-05, -6.11e-05, 0.0377999, -2.75e-05, 0.0456542),
        (0.01683993, 8.3902e-05, 0.000597679, 0.056579028, 2.5134e-05, 0.064713601),
    ),
    ("FR_hip_joint", "origin"): ((0.1805, -0.047, 0, 0, 0, 0), (0.183, -0.047, 0, 0, 0, 0)),
    ("FL_hip_joint", "origin"): ((0.1805, 0.047, 0, 0, 0, 0), (0.183, 0.047, 0, 0, 0, 0)),
    ("RR_hip_joint", "origin"): ((-0.1805, -0.047, 0, 0, 0, 0), (-0.183, -0.047, 0, 0, 0, 0)),
    ("RL_hip_joint", "origin"): ((-0.1805, 0.047, 0, 0, 0, 0), (-0.183, 0.047, 0, 0, 0, 0)),
    ("FR_thigh_joint", "origin"): ((0, -0.0838, 0, 0, 0, 0), (0, -0.08505, 0, 0, 0, 0)),
    ("FL_thigh_joint", "origin"): ((0, 0.0838, 0, 0, 0, 0), (0, 0.08505, 0, 0, 0, 0)),
    ("RR_thigh_joint", "origin"): ((0, -0.0838, 0, 0, 0, 0), (0, -0.08505, 0, 0, 0, 0)),
    ("RL_thigh_joint", "origin"): ((0, 0.0838, 0, 0, 0, 0), (0, 0.08505, 0, 0, 0, 0)),
    ("imu_link", "collision"): ([("box", (0, 0, 0, 0, 0, 0), (0.001, 0.001, 0.001))], []),
}


def _read_package() -> Dict[str, Dict[str, Any]]:
    """The package's A1 with its two kinds of auxiliary links folded away, as ours has them.

    Its trunk hangs on an empty link `base`: ours is one link, `base`. Its `<leg>_thigh_shoulder` is a massless link
    fixed to the hip that carries one collision shape: ours belongs to the hip.
    """
    robot = read_urdf(published("a1_description/urdf/a1.urdf"))
    assert robot.pop("floating_base")["origin"] == (0, 0, 0, 0, 0, 0)
    robot["base"] = robot.pop("trunk")
    for leg in LEGS:
        shoulder, mount = robot.pop(f"{leg}_thigh_shoulder"), robot.pop(f"{leg}_hip_fixed")
        assert shoulder["mass"] == (0,) and mount["parent"] == f"{leg}_hip"
        for kind, origin, sizes in shoulder["collision"]:
            moved = tuple(np.add(origin, mount["origin"]))  # the mount is not turned, so the frames add up
            robot[f"{leg}_hip"]["collision"].append((kind, moved, sizes))
    for element in robot.values():
        if element.get("parent") == "trunk":
            element["parent"] = "base"
    return robot


@pytest.fixture(scope="module")
def model() -> mujoco.MjModel:
    """Our A1, compiled as it stands."""
    return mujoco.MjSpec.from_file(str(OURS)).compile()


def test_every_number_is_the_published_one() -> None:
    ours, theirs = read_urdf(OURS), _read_package()
    assert set(ours) == set(theirs)
    wrong = []
    for name, element in theirs.items():
        assert set(ours[name]) == set(element)
        for quantity, value in element.items():
            expected = DIFFERENCES.get((name, quantity), (value, value))
            if not (same(value, expected[0]) and same(ours[name][quantity], expected[1])):
                wrong.append(f"{name} {quantity}: published {value}, ours {ours[name][quantity]}")
    assert not wrong, "\n".join(wrong)


def test_compiles_with_published_names_in_unitree_order(model: mujoco.MjModel) -> None:
    assert [model.joint(i).name for i in range(model.njnt)] == JOINTS
    bodies = [model.body(i).name for i in range(1, model.nbody)]
    assert bodies[0] == "base"
    assert [name for name in bodies if name.endswith("_foot")] == [f"{leg}_foot" for leg in LEGS]
    assert [name for name in bodies if "base" in name] == ["base"], "configs address the trunk by this substring"


def test_total_mass_is_that_of_the_first_description(model: mujoco.MjModel) -> None:
    # trunk + imu + 4 x (hip + thigh + calf + foot)
    assert model.body_mass.sum() == pytest.approx(4.713 + 0.001 + 4 * (0.696 + 1.013 + 0.166 + 0.06), abs=1e-9)


def test_compiled_inertias_are_physical_and_mirror_images(model: mujoco.MjModel) -> None:
    inertia = model.body_inertia[1:]
    assert (inertia.sum(axis=1) - 2 * inertia.max(axis=1) > 0).all(), "triangle inequality of principal moments"
    for part in ("hip", "thigh", "calf", "foot"):
        for right, left in (("FR", "FL"), ("RR", "RL")):
            a, b = model.body(f"{right}_{part}"), model.body(f"{left}_{part}")
            np.testing.assert_allclose(a.inertia, b.inertia, rtol=1e-9)
            np.testing.assert_allclose(a.ipos * (1, -1, 1), b.ipos, rtol=1e-9, atol=1e-15)


def test_feet_of_the_straight_pose_are_where_the_link_lengths_put_them(model: mujoco.MjModel) -> None:
    """All angles zero: a foot hangs thigh + calf = 0.4 m below its hip, 0.08505 m further out."""
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    for leg, x, y in (("FR", 1, -1), ("FL", 1, 1), ("RR", -1, -1), ("RL", -1, 1)):
        expected = (x * 0.183, y * (0.047 + 0.08505), -0.4)
        np.testing.assert_allclose(data.body(f"{leg}_foot").xpos, expected, atol=1e-12)


def test_only_collision_shapes_collide(model: mujoco.MjModel) -> None:
    colliding = {model.body(body).name for body in model.geom_bodyid[model.geom_contype != 0]}
    assert colliding == {"base"} | {f"{leg}_{part}" for leg in LEGS for part in ("hip", "thigh", "calf", "foot")}
    count = 1 + 4 * (2 + 1 + 1 + 1)  # trunk; hip has two cylinders, the others one shape each
    assert (model.geom_contype != 0).sum() == count
    assert (model.geom_type != mujoco.mjtGeom.mjGEOM_MESH).all(), "no mesh files"
