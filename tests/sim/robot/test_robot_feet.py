"""Geoms that become feet: where they are, whatever way their place is written."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from tests.sim.robots import FOOT, LEGS, mjcf, robot_cfg, standing
from tests.sim.worlds import build

TETRAHEDRON = '<asset><mesh name="wedge" vertex="0 0 0  0.1 0 0  0 0.06 0  0 0 0.04"/></asset>'
# how a foot is written, and where in the calf its middle is
PLACES = {
    "on the geom": (dict(foot=FOOT), (0, 0, -0.2)),
    "in the class": (
        dict(foot='<geom name="{0}" class="foot"/>', foot_class='type="sphere" size="0.02" pos="0 0 -0.2"'),
        (0, 0, -0.2),
    ),
    "in a class of another": (
        dict(
            foot='<geom name="{0}" class="pad_foot"/>',
            classes='<default class="all"><geom group="3"/><default class="pad_foot">'
            '<geom size="0.02" pos="0 0 -0.2" condim="6"/></default></default>',
        ),
        (0, 0, -0.2),
    ),
    "as two ends": (
        dict(foot='<geom name="{0}" class="foot" type="capsule" size="0.012" fromto="0 0 -0.16 0 0 -0.2"/>'),
        (0, 0, -0.18),
    ),
    "two ends in the class": (
        dict(
            foot='<geom name="{0}" class="foot"/>',
            foot_class='type="capsule" size="0.012" fromto="0.01 0 -0.16 0.01 0 -0.2"',
        ),
        (0.01, 0, -0.18),
    ),
    "in a frame": (
        # a quarter turn about y takes the frame's x to -z
        dict(foot='<frame pos="0 0 -0.1" euler="0 1.5707963 0"><geom name="{0}" class="foot" pos="0.1 0 0"/></frame>'),
        (0, 0, -0.2),
    ),
    "turned by euler": (
        dict(foot='<geom name="{0}" class="foot" type="box" size="0.03 0.02 0.01" pos="0 0 -0.2" euler=".1 .2 .3"/>'),
        (0, 0, -0.2),
    ),
    "turned by axisangle": (
        dict(
            foot='<geom name="{0}" class="foot" type="box" size="0.03 0.02 0.01" pos="0 0 -0.2" axisangle="1 1 0 0.4"/>'
        ),
        (0, 0, -0.2),
    ),
    "turned by xyaxes in the class": (
        dict(
            foot='<geom name="{0}" class="foot" pos="0 0 -0.2"/>',
            foot_class='type="box" size="0.03 0.02 0.01" xyaxes="0 1 0 -1 0 1"',
        ),
        (0, 0, -0.2),
    ),
    "turned by zaxis": (
        dict(foot='<geom name="{0}" class="foot" type="cylinder" size="0.03 0.01" pos="0 0 -0.2" zaxis="1 0 1"/>'),
        (0, 0, -0.2),
    ),
    # the middle of a tetrahedron is the mean of its corners
    "a mesh": (
        dict(
            head=TETRAHEDRON,
            foot='<geom name="{0}" class="foot" type="mesh" mesh="wedge" pos="0 0 -0.2" euler="0 0 1.5707963"/>',
        ),
        (-0.015, 0.025, -0.19),
    ),
    "fitted to a mesh": (
        dict(head=TETRAHEDRON, foot='<geom name="{0}" class="foot" type="box" mesh="wedge" pos="0 0 -0.2"/>'),
        None,
    ),
    "without a name": (dict(foot='<geom class="foot" pos="0 0 -0.2"/>'), (0, 0, -0.2)),
}


@pytest.mark.parametrize("how", PLACES)
def test_a_foot_is_where_the_file_has_the_geom(tmp_path, how):
    pieces, place = PLACES[how]
    text = mjcf(**pieces)
    robot = build(robot_cfg(tmp_path, text))
    feet = [name for name in robot.body_names if "foot" in name]
    # the engine alone says where the shapes of the file are and how they are turned; bodies of the model are the same
    plain, ours = mujoco.MjModel.from_xml_string(text), robot.model
    states = [mujoco.MjData(model) for model in (plain, ours)]
    for model, data in zip((plain, ours), states):
        for name in robot.dof_names:
            data.joint(name).qpos[:] = 0.1 * (1 + len(name) % 3)
        data.qpos[:3] = [0.0, 0.0, 1.0]
        mujoco.mj_kinematics(model, data)
    assert feet == [f"{leg}_foot" if how != "without a name" else f"{leg}_calf_foot" for leg in LEGS]
    for leg, foot in zip(LEGS, feet):
        theirs = int(plain.body(f"{leg}_calf").geomadr[0]) + 1
        mine = int(ours.body(foot).geomadr[0])
        np.testing.assert_allclose(states[1].geom_xpos[mine], states[0].geom_xpos[theirs], atol=1e-9)
        np.testing.assert_allclose(states[1].geom_xmat[mine], states[0].geom_xmat[theirs], atol=1e-7)
        np.testing.assert_allclose(ours.geom_size[mine], plain.geom_size[theirs], atol=1e-9)
        assert ours.geom_type[mine] == plain.geom_type[theirs]
        np.testing.assert_allclose(states[1].body(foot).xpos, states[1].geom_xpos[mine], atol=1e-9)
        if place is not None:
            np.testing.assert_allclose(ours.body(foot).pos, place, atol=1e-6)
    assert ours.body_mass.sum() == pytest.approx(15.2)


@pytest.mark.parametrize("how", ["on the geom", "in a class of another", "in a frame"])
def test_it_stands_on_them(tmp_path, how):
    env = standing(robot_cfg(tmp_path, mjcf(**PLACES[how][0])))
    assert float(env.root_states[0, 2]) == pytest.approx(0.288, abs=0.003)
    heights = env.sim.body_states[0, env.feet_indices, 2].tolist()
    assert heights == pytest.approx([0.015, 0.015, 0.006, 0.006], abs=0.003)
    forces = env.feet_forces[0, :, 2].tolist()
    assert forces == pytest.approx([23.5, 23.5, 59.8, 59.8], rel=0.02)


def test_a_foot_of_several_geoms_without_name_is_one_body(tmp_path):
    spheres = "".join(f'<geom class="foot" size="0.005" pos="{x} 0 -0.2"/>' for x in (-0.02, 0.02))
    robot = build(robot_cfg(tmp_path, mjcf(foot=spheres)))
    assert [name for name in robot.body_names if "foot" in name] == [f"{leg}_calf_foot" for leg in LEGS]
    assert int(robot.model.body("FL_calf_foot").geomnum[0]) == 2


def test_masses_of_geoms_stay_what_the_file_says(tmp_path):
    # inertias come from the geoms of groups 0 to 2 alone; the program has groups of its own
    text = mjcf(
        head='<compiler inertiafromgeom="true" inertiagrouprange="0 2"/>',
        geom='mass="0.5"',
        in_base='<geom type="sphere" size="0.05" group="3" mass="9"/>',
    )
    plain = mujoco.MjModel.from_xml_string(text)
    assert build(robot_cfg(tmp_path, text)).model.body_mass.sum() == pytest.approx(plain.body_mass.sum())


def test_feet_that_cannot_be_meant_are_named(tmp_path, capsys):
    bare = '<body name="{0}_foot" pos="0 0 -0.2"/>'
    build(robot_cfg(tmp_path, mjcf(foot=bare)))
    assert "feet that can never touch: FL_foot, FR_foot, RL_foot, RR_foot have no collision" in capsys.readouterr().out
    nested = '<body name="{0}_foot" pos="0 0 -0.2"><geom size="0.02"/><body name="{0}_foot_sensor"/></body>'
    build(robot_cfg(tmp_path, mjcf(foot=nested)))
    out = capsys.readouterr().out
    assert "asset.foot_name 'foot' matches FL_foot and, below it, FL_foot_sensor" in out
