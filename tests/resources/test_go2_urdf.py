"""The Go2 of this project against the Go2 description that the package `example-robot-data` publishes.

Masses, centres of mass, inertias, origins, axes and limits are compared number by number, collision shapes by the space
they take up: the package has meshes, ours has primitives.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Tuple

import mujoco
import numpy as np
import pytest

from tests.resources.urdf_numbers import published, read_urdf, same

OURS = Path(__file__).parents[2] / "resources/robots/go2/urdf/go2.urdf"
PACKAGE = "go2_description/urdf/go2.urdf"
# leg -> (forward, left) signs, in the order of the file
LEGS = {"FR": (1, -1), "FL": (1, 1), "RR": (-1, -1), "RL": (-1, 1)}

# (what, quantity) -> (the package's numbers, ours). Two pairs of limits are published for the calf joints, and ours is
# the one with the lower torque.
DIFFERENCES: Dict[Tuple[str, str], Tuple[Any, Any]] = {
    (f"{leg}_calf_joint", quantity): values
    for leg in LEGS
    for quantity, values in (("effort", ((45.43,), (35.55,))), ("velocity", ((15.7,), (20.07,))))
}
# Only in the package: rotors as links of 0.089 kg, and two empty frames. Only in ours: the head, which is a part of the
# package's mesh of the base.
ROTOR_MASS, NUM_ROTORS = 0.089, 12
HEAD = {"Head_upper", "Head_lower", "Head_upper_joint", "Head_lower_joint"}


@pytest.fixture(scope="module")
def model() -> mujoco.MjModel:
    """Our Go2, compiled as it stands."""
    return mujoco.MjSpec.from_file(str(OURS)).compile()


def test_every_number_is_the_published_one() -> None:
    ours, theirs = read_urdf(OURS), read_urdf(published(PACKAGE))
    rotors = {name for name in theirs if name.endswith("_rotor")}
    assert len(rotors) == NUM_ROTORS and all(theirs[name]["mass"] == (ROTOR_MASS,) for name in rotors)
    others = rotors | {f"{name}_joint" for name in rotors} | {"imu", "imu_joint", "radar", "radar_joint"}
    assert set(ours) - HEAD == set(theirs) - others
    wrong = []
    for name in set(ours) - HEAD:
        fixed = theirs[name].get("type") == "fixed"
        for quantity, value in theirs[name].items():
            if quantity == "collision" or (fixed and quantity == "axis"):
                continue
            expected = DIFFERENCES.get((name, quantity), (value, value))
            if not (same(value, expected[0]) and same(ours[name][quantity], expected[1])):
                wrong.append(f"{name} {quantity}: published {value}, ours {ours[name][quantity]}")
    assert not wrong, "\n".join(wrong)


def test_total_mass_is_the_published_one_without_rotors(model: mujoco.MjModel) -> None:
    theirs = sum(element["mass"][0] for element in read_urdf(published(PACKAGE)).values() if "mass" in element)
    assert model.body_mass.sum() == pytest.approx(theirs - NUM_ROTORS * ROTOR_MASS + 2 * 0.001, abs=1e-9)


def test_names_and_inertias(model: mujoco.MjModel) -> None:
    joints = [f"{leg}_{part}_joint" for leg in LEGS for part in ("hip", "thigh", "calf")]
    assert [model.joint(i).name for i in range(model.njnt)] == joints
    inertia = model.body_inertia[1:]
    assert (inertia.sum(axis=1) - 2 * inertia.max(axis=1) > 0).all(), "triangle inequality of principal moments"
    for part in ("hip", "thigh", "calf", "foot"):
        for right, left in (("FR", "FL"), ("RR", "RL")):
            a, b = model.body(f"{right}_{part}"), model.body(f"{left}_{part}")
            np.testing.assert_allclose(a.inertia, b.inertia, rtol=1e-9)
            np.testing.assert_allclose(a.ipos * (1, -1, 1), b.ipos, rtol=1e-9, atol=1e-15)


def test_feet_of_the_straight_pose_are_where_the_link_lengths_put_them(model: mujoco.MjModel) -> None:
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    for leg, (x, y) in LEGS.items():
        expected = (x * 0.1934, y * (0.0465 + 0.0955), -0.426)
        np.testing.assert_allclose(data.body(f"{leg}_foot").xpos, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("body", "meshes", "tolerance"),
    [
        ("FL_foot", ["foot_convex.stl"], 0.0065),
        ("FL_calf", ["calf_upper_convex.stl", "calf_lower_convex.stl"], 0.035),
        ("FL_thigh", ["thigh_convex.stl"], 0.06),
    ],
)
def test_collision_shapes_take_up_the_space_of_the_published_meshes(
    model: mujoco.MjModel, body: str, meshes: list, tolerance: float
) -> None:
    folder = published(PACKAGE).parent.parent / "collisions"
    points = np.concatenate([_vertices(folder / name) for name in meshes])
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    frame = data.body(body)
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for geom in np.flatnonzero((model.geom_bodyid == frame.id) & (model.geom_contype != 0)):
        # half sizes of the box around the geom in its own frame, turned into the body's (whose axes are the world's)
        half = np.abs(data.geom_xmat[geom].reshape(3, 3)) @ model.geom_aabb[geom, 3:]
        centre = data.geom_xpos[geom] - frame.xpos
        low, high = np.minimum(low, centre - half), np.maximum(high, centre + half)
    np.testing.assert_allclose(low, points.min(0), atol=tolerance)
    np.testing.assert_allclose(high, points.max(0), atol=tolerance)
    assert (low >= points.min(0) - 0.0065).all() and (high <= points.max(0) + 0.0065).all(), "nothing sticks out"


def _vertices(path: Path) -> np.ndarray:
    """Vertices (V, 3) of a binary STL file: 84 bytes, then 50 a triangle (normal, 3 points, attribute)."""
    triangle = np.dtype([("normal", "<f4", 3), ("points", "<f4", (3, 3)), ("attribute", "<u2")])
    return np.frombuffer(path.read_bytes()[84:], dtype=triangle)["points"].reshape(-1, 3)
