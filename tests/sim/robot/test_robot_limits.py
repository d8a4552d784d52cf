"""Limits and masses of robot files: one reading for both formats, and one line for what cannot be."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from legged_gym.errors import UserError
from tests.sim.robots import INERTIAL, LIMIT, mjcf, robot_cfg, standing, urdf
from tests.sim.worlds import build

ALL = "all 12 joints"


def limit(**changes: str) -> str:
    values = dict(lower="-1.5", upper="1.5", effort="30", velocity="20") | changes
    return " ".join(f'{key}="{value}"' for key, value in values.items())


@pytest.mark.parametrize(
    ("motor", "torque"),
    [
        ('<motor joint="{0}" gear="-1" ctrlrange="-25 25"/>', (-25.0, 25.0)),
        ('<motor joint="{0}" gear="-2" ctrlrange="-5 25"/>', (-50.0, 10.0)),
        ('<motor joint="{0}" forcerange="-25 0"/>', (-25.0, 0.0)),
        ('<position joint="{0}" gear="-3" forcerange="-5 5"/>', (-15.0, 15.0)),
        ('<general joint="{0}" gainprm="-4" ctrlrange="-1 2"/>', (-8.0, 4.0)),
        ('<motor jointinparent="{0}" forcerange="-25 25"/>', (-25.0, 25.0)),
        ('<position joint="{0}"/><motor joint="{0}" forcerange="-25 25"/>', (-25.0, 25.0)),
        ('<motor joint="{0}" forcelimited="false" forcerange="-25 25"/>', None),
        ('<motor joint="{0}" ctrllimited="false" ctrlrange="-25 25"/>', None),
        ('<motor joint="{0}"/>', None),
    ],
)
def test_torque_limits_of_motors(tmp_path, capsys, motor, torque):
    robot = build(robot_cfg(tmp_path, mjcf(motor=motor)))
    assert robot.torque_limits.tolist() == [max(-torque[0], torque[1]) if torque else np.inf] * 12
    if torque:
        assert robot.model.actuator_forcerange[0].tolist() == list(torque)
    assert (f"no torque limit: {ALL}" in capsys.readouterr().out) == (torque is None)


def test_limits_that_are_switched_on_one_by_one(tmp_path):
    motor = '<position joint="{0}" forcelimited="true" forcerange="-30 30"/>'
    text = mjcf(head='<compiler autolimits="false"/>', motor=motor).replace(" range=", ' limited="true" range=')
    robot = build(robot_cfg(tmp_path, text))
    assert robot.torque_limits.tolist() == [30.0] * 12
    assert robot.dof_pos_limits.tolist() == [[-1.5, 1.5]] * 12


@pytest.mark.parametrize(
    ("numbers", "note", "torque", "speed", "end"),
    [
        (limit(), "", 30.0, 20.0, 1.5),
        (limit(velocity="0"), f"no velocity limit: {ALL}", 30.0, np.inf, 1.5),
        (limit(velocity="inf"), f"no velocity limit: {ALL}", 30.0, np.inf, 1.5),
        (limit(effort="0"), f"no torque limit: {ALL}", np.inf, 20.0, 1.5),
        (limit(effort="inf"), f"no torque limit: {ALL}", np.inf, 20.0, 1.5),
        (limit(lower="-inf", upper="inf"), f"no range: {ALL}", 30.0, 20.0, np.inf),
        (
            limit(lower="0", upper="0", effort="0", velocity="0"),
            f"no torque limit: {ALL}; no range: {ALL}; no velocity limit: {ALL}",
            np.inf,
            np.inf,
            np.inf,
        ),
    ],
)
def test_zero_is_no_limit_and_is_told(tmp_path, capsys, numbers, note, torque, speed, end):
    robot = build(robot_cfg(tmp_path, urdf(limit=numbers)))
    out = capsys.readouterr().out
    assert out == (f"note: robot.urdf: {note}\n" if note else "")
    assert robot.torque_limits.tolist() == [torque] * 12
    assert robot.dof_vel_limits.tolist() == [speed] * 12
    assert robot.dof_pos_limits.tolist() == [[-end, end]] * 12


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (urdf(limit=limit(velocity="")), "joint FL_hip_joint: velocity is '': give a number, without a unit"),
        (urdf(limit=limit(velocity="20 rad/s")), "joint FL_hip_joint: velocity is '20 rad/s': give a number"),
        (urdf(limit=limit(velocity="nan")), "joint FL_hip_joint: velocity is 'nan'"),
        (urdf(limit=limit(velocity="-1")), "joint FL_hip_joint: velocity is -1; it cannot be negative"),
        (urdf(limit=limit(effort="nan")), "joint FL_hip_joint: effort is 'nan'"),
        (urdf(limit=limit(effort="-5")), "joint FL_hip_joint: effort is -5; it cannot be negative"),
        (urdf(limit=limit(lower="99")), "joint FL_hip_joint: lower is 99 and upper 1.5: lower must be below upper"),
        (urdf(limit=limit(lower="nan")), "joint FL_hip_joint: lower is 'nan'"),
        (urdf(axis='<dynamics damping="-1"/>'), "joint FL_hip_joint: damping is -1; it cannot be negative"),
        (urdf(axis='<dynamics friction="nan"/>'), "joint FL_hip_joint: frictionloss is nan"),
        (mjcf().replace('range="-1.5 1.5"', 'range="1.5 -1.5"'), "FL_hip_joint: range is 1.5 to -1.5: the lower end"),
        (mjcf().replace('range="-1.5 1.5"', 'range="nan 1"'), "joint FL_hip_joint: range is nan to 1: give numbers"),
        (mjcf().replace(" range=", ' armature="-1" range='), "joint FL_hip_joint: armature is -1"),
        (mjcf().replace(" range=", ' stiffness="-1" range='), "joint FL_hip_joint: stiffness is -1"),
        (mjcf(motor='<motor joint="{0}" forcerange="9 -9"/>'), "FL_hip_joint: forcerange is 9 to -9: the lower end"),
        (mjcf().replace(" range=", ' actuatorfrcrange="nan 5" range='), "FL_hip_joint: torque limit is nan to 5"),
        (mjcf().replace('axis="0 1 0"', 'axis="nan 1 0"'), "jnt_axis of body FL_thigh has a NaN or an infinity"),
        (mjcf(foot='<geom name="{0}" class="foot" pos="0 inf 0"/>'), "geom_pos of body FL_calf has a NaN or an inf"),
        # what this parser of XML refuses and the engine's does not
        (urdf().replace("<robot", "<!-- a -- b --><robot"), "is no sound XML: .*mend that place"),
    ],
)
def test_numbers_that_cannot_be_are_one_line(tmp_path, text, message):
    with pytest.raises(UserError, match=message) as caught:
        build(robot_cfg(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_another_encoding_is_one_line(tmp_path):
    cfg = robot_cfg(tmp_path, urdf())
    with open(cfg.asset.file, "wb") as stream:
        stream.write(urdf().replace("<robot", "<!-- Gerät --><robot").encode("latin-1"))
    with pytest.raises(UserError, match="save it as UTF-8"):
        build(cfg)


DUMMY = INERTIAL.format(1e-6, 0, 1e-6).replace('ixy="0"', 'ixy="1e-6"').replace('iyz="0"', 'iyz="1e-6"')
BESIDE = (
    f'<link name="weight">{INERTIAL.format(8.0, 0, 0.1)}</link>'
    '<joint name="w" type="fixed"><parent link="base"/><child link="weight"/></joint>'
)


@pytest.mark.parametrize("trunk", ["", DUMMY])
def test_the_mass_of_a_base_may_stand_on_a_link_beside_it(tmp_path, capsys, trunk):
    model = build(robot_cfg(tmp_path, urdf(trunk=trunk, more=BESIDE))).model
    assert model.body_mass.sum() == pytest.approx(15.44)
    assert model.body("base").mass[0] == pytest.approx(8.0)
    assert capsys.readouterr().out == ""


def test_made_up_masses_are_named(tmp_path, capsys):
    # a box of 0.4 x 0.2 x 0.1 m at 1000 kg/m^3
    model = build(robot_cfg(tmp_path, urdf(trunk=""))).model
    assert model.body("base").mass[0] == pytest.approx(8.0)
    assert "1000 kg/m^3, for want of an inertial: base 8.000 kg" in capsys.readouterr().out


def test_a_robot_that_floats_by_a_joint_of_its_own(tmp_path, capsys):
    odom = (
        '<link name="odom"/><joint name="odom_joint" type="floating"><parent link="odom"/><child link="base"/>'
        '<origin xyz="1 2 3"/></joint>'
    )
    cfg = robot_cfg(tmp_path, urdf(more=odom))
    alone = build(robot_cfg(tmp_path, urdf()))
    cfg = robot_cfg(tmp_path, urdf(more=odom))
    floating = build(cfg)
    assert "links above the floating joint are left out (odom)" in capsys.readouterr().out
    assert floating.body_names == alone.body_names and floating.dof_names == alone.dof_names
    np.testing.assert_allclose(floating.model.body_mass, alone.model.body_mass)
    assert floating.dof_vel_limits.tolist() == [20.0] * 12
    assert float(standing(cfg).root_states[0, 2]) == pytest.approx(0.299, abs=0.002)


def test_a_floating_robot_keeps_its_meshes(tmp_path):
    (tmp_path / "tetra.obj").write_text(
        "v 0 0 0\nv 0.1 0 0\nv 0 0.1 0\nv 0 0 0.1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n"
    )
    odom = '<link name="odom"/><joint name="o" type="floating"><parent link="odom"/><child link="base"/></joint>'
    text = urdf(more=odom).replace('<sphere radius="0.02"/>', '<mesh filename="tetra.obj"/>')
    assert build(robot_cfg(tmp_path, text)).model.nmesh == 1


def test_something_that_floats_beside_joints_is_refused(tmp_path):
    ball = (
        '<link name="ball"><inertial><mass value="1"/><inertia ixx="1" ixy="0" ixz="0" iyy="1" iyz="0" izz="1"/>'
        '</inertial></link><joint name="held" type="floating"><parent link="FL_calf"/><child link="ball"/></joint>'
    )
    with pytest.raises(UserError, match="joint held floats beside joint FL_hip_joint, which moves"):
        build(robot_cfg(tmp_path, urdf(more=ball)))


def test_the_engines_own_reading_is_kept(tmp_path):
    robot = build(robot_cfg(tmp_path, urdf(axis='<dynamics damping="0.2" friction="0.1"/>')))
    np.testing.assert_allclose(robot.model.dof_damping[robot.qvel_ids], 0.2)
    np.testing.assert_allclose(robot.model.dof_frictionloss[robot.qvel_ids], 0.1)
    plain = mujoco.MjModel.from_xml_string(urdf(LIMIT))
    np.testing.assert_allclose(robot.dof_pos_limits[0], plain.joint("FL_hip_joint").range)
