"""The G1 robot files: revision 1.0 against the package `example-robot-data`, all of them against published masses."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import mujoco
import numpy as np
import pytest

from tests.resources.urdf_numbers import published, read_urdf, same

FOLDER = Path(__file__).parents[2] / "resources/robots/g1"
PACKAGE = "g1_description/urdf/g1_29dof_rev_1_0.urdf"
LEG = ("hip_pitch", "hip_roll", "hip_yaw", "knee", "ankle_pitch", "ankle_roll")
WAIST = ("waist_yaw", "waist_roll", "waist_pitch")
ARM = ("shoulder_pitch", "shoulder_roll", "shoulder_yaw", "elbow")
WRIST = ("wrist_roll", "wrist_pitch", "wrist_yaw")
# file -> kg, joints of the waist, of an arm
PUBLISHED = {
    "g1_12dof": (32.107, (), ()),
    "g1_12dof_box": (32.107, (), ()),
    "g1_23dof_rev_1_0": (32.107, WAIST[:1], (*ARM, *WRIST[:1])),
    "g1_29dof_rev_1_0": (33.341, WAIST, (*ARM, *WRIST)),
    "g1_29dof": (35.115, WAIST, (*ARM, *WRIST)),
    "g1_29dof_welded_wrists": (35.115, WAIST, ARM),
    "g1_29dof_welded_wrists_box": (35.115, WAIST, ARM),
}


def model_of(name: str) -> mujoco.MjModel:
    return mujoco.MjSpec.from_file(str(FOLDER / f"urdf/{name}.urdf")).compile()


def has_package() -> bool:
    try:
        return bool(importlib.metadata.files("example-robot-data"))
    except importlib.metadata.PackageNotFoundError:
        return False


@pytest.mark.skipif(not has_package(), reason="the package example-robot-data is not installed")
def test_every_number_of_revision_1_0_is_the_published_one() -> None:
    ours, theirs = read_urdf(FOLDER / "urdf/g1_29dof_rev_1_0.urdf"), read_urdf(published(PACKAGE))
    assert set(ours) == set(theirs)
    wrong = []
    for name, element in theirs.items():
        for quantity, value in element.items():
            if quantity == "collision" or (element.get("type") == "fixed" and quantity == "axis"):
                continue
            if not same(ours[name][quantity], value):
                wrong.append(f"{name} {quantity}: published {value}, ours {ours[name][quantity]}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", PUBLISHED)
def test_joints_and_mass(name: str) -> None:
    mass, waist, arm = PUBLISHED[name]
    model = model_of(name)
    expected = {f"{side}_{joint}_joint" for joint in (*LEG, *arm) for side in ("left", "right")}
    expected |= {f"{joint}_joint" for joint in waist}
    assert {model.joint(i).name for i in range(model.njnt)} == expected
    assert model.body_mass.sum() == pytest.approx(mass, abs=0.0005)
    inertia = model.body_inertia[model.body_mass > 0.0]
    assert (inertia.sum(axis=1) - 2 * inertia.max(axis=1) > -1e-12).all(), "triangle inequality of principal moments"


def test_limits_differ_by_model() -> None:
    """Numbers of the 12-joint file and of the older model; N m."""
    for name, hip_roll, ankle in (
        ("g1_12dof", 139, 50),
        ("g1_29dof_rev_1_0", 139, 35),
        ("g1_29dof_welded_wrists", 88, 50),
    ):
        joints = read_urdf(FOLDER / f"urdf/{name}.urdf")
        for side in ("left", "right"):
            assert joints[f"{side}_hip_roll_joint"]["effort"] == (hip_roll,)
            assert joints[f"{side}_ankle_pitch_joint"]["effort"] == (ankle,)
            assert joints[f"{side}_knee_joint"]["effort"] == (139.0,)
        assert joints["right_hip_roll_joint"]["lower"] == (-2.9671,)
        assert joints["left_hip_pitch_joint"]["upper"] == (2.8798,)


@pytest.mark.parametrize(("name", "kind", "count"), [("g1_12dof", "SPHERE", 4), ("g1_12dof_box", "BOX", 1)])
def test_soles(name: str, kind: str, count: int) -> None:
    """Feet reach 0.035 m (spheres) or 0.037 m (box) below the ankle."""
    model = model_of(name)
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    for side in ("left", "right"):
        ankle = model.body(f"{side}_ankle_roll_link")
        geoms = np.flatnonzero((model.geom_bodyid == ankle.id) & (model.geom_contype != 0))
        assert len(geoms) == count and (model.geom_type[geoms] == getattr(mujoco.mjtGeom, f"mjGEOM_{kind}")).all()
        lowest = (data.geom_xpos[geoms, 2] - model.geom_size[geoms, -1 if kind == "BOX" else 0]).min()
        assert data.body(ankle.id).xpos[2] - lowest == pytest.approx(0.035 if kind == "SPHERE" else 0.037, abs=1e-9)
    assert not (model.geom_type == mujoco.mjtGeom.mjGEOM_MESH).any(), "primitives alone"


def test_the_files_are_what_the_script_writes(tmp_path: Path) -> None:
    copy = tmp_path / "make_urdfs.py"
    copy.write_bytes((FOLDER / "make_urdfs.py").read_bytes())
    subprocess.run([sys.executable, str(copy)], check=True)
    written = {path.name: path.read_text() for path in (tmp_path / "urdf").iterdir()}
    assert written == {path.name: path.read_text() for path in (FOLDER / "urdf").iterdir()}
    assert set(written) == {f"{name}.urdf" for name in PUBLISHED}
