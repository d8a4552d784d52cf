"""From robot file and config to a compiled model."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from legged_gym.envs.go2.go2_config import Go2RoughCfg
from legged_gym.errors import UserError
from legged_gym.sim.robot.gains import gains_of
from tests.sim.worlds import A1_MASS, BENCH, a1_cfg, build, sloped_ground, urdf_cfg

LEGS = ["FL", "FR", "RL", "RR"]


def test_order_is_isaac_gyms():
    robot = build(a1_cfg())
    assert robot.dof_names == [f"{leg}_{part}_joint" for leg in LEGS for part in ("hip", "thigh", "calf")]
    parts = ("hip", "thigh", "calf", "foot")
    assert robot.body_names == ["base", *(f"{leg}_{part}" for leg in LEGS for part in parts)]
    # the file's own order is another one
    assert list(robot.qpos_ids) == [10, 11, 12, 7, 8, 9, 16, 17, 18, 13, 14, 15]


def test_children_come_by_the_names_of_their_joints_and_who_came_otherwise_is_told(tmp_path, capsys):
    cfg = urdf_cfg(tmp_path, BENCH.replace('"swing"', '"a_swing"'), fix_base_link=True)
    assert build(cfg).dof_names == ["a_swing", "rail"]
    assert "asset.dof_names = ['rail', 'a_swing']" in capsys.readouterr().out
    assert build(urdf_cfg(tmp_path, BENCH, fix_base_link=True)).dof_names == ["rail", "swing"]
    assert "sorted by their own names" not in capsys.readouterr().out


# a trunk of 3 kg that stands on a box under it and carries two more by fixed joints
STAND = """
<robot name="stand">
  <link name="trunk"><inertial><mass value="3"/>
    <inertia ixx="0.1" ixy="0" ixz="0" iyy="0.1" iyz="0" izz="0.1"/></inertial></link>
  {links}
  <link name="arm"><inertial><mass value="1"/>
    <inertia ixx="0.01" ixy="0" ixz="0" iyy="0.01" iyz="0" izz="0.01"/></inertial></link>
  <joint name="a" type="fixed" dont_collapse="true"><origin xyz="0 0 -0.2"/><parent link="trunk"/>
    <child link="kept"/></joint>
  <joint name="b" type="fixed"><origin xyz="0 0 0.1"/><parent link="trunk"/>
    <child link="merged"/></joint>
  <joint name="c" type="fixed" dont_collapse="false"><origin xyz="0 0 0.2"/><parent link="trunk"/>
    <child link="other"/></joint>
  <joint name="d" type="revolute"><parent link="trunk"/><child link="arm"/><axis xyz="0 1 0"/>
    <limit lower="-1" upper="1" effort="5" velocity="5"/></joint>
</robot>
"""
BOX = '<link name="{}"><collision><geometry><box size="0.2 0.2 0.1"/></geometry></collision></link>'


def test_links_that_ask_for_it_feel_contacts_of_their_own(tmp_path):
    """As with Isaac Gym, whose Go2 may knock its head on a step without having fallen on its trunk."""
    text = STAND.format(links="".join(BOX.format(name) for name in ("kept", "merged", "other")))
    cfg = urdf_cfg(tmp_path, text)
    robot = build(cfg)
    assert robot.body_names == ["trunk", "kept", "arm"]
    data = mujoco.MjData(robot.model)
    data.qpos[2] = 0.25
    for _ in range(600):
        mujoco.mj_step(robot.model, data)
    trunk, kept, _ = np.abs(data.sensordata.reshape(3, 3)[:, 2])
    assert trunk == 0.0 and kept == pytest.approx(4.0 * 9.81, rel=1e-3)


def test_heads_of_the_go2_are_bodies_as_published():
    names = build(Go2RoughCfg()).body_names
    legs = [[f"{leg}_{part}" for part in ("hip", "thigh", "calf", "foot")] for leg in LEGS]
    assert names == ["base", *legs[0], *legs[1], "Head_upper", "Head_lower", *legs[2], *legs[3]]


def test_order_can_be_given():
    cfg = a1_cfg()
    cfg.asset.dof_names = sorted(build(cfg).dof_names, reverse=True)
    robot = build(cfg)
    assert robot.dof_names == cfg.asset.dof_names
    joints = [robot.model.joint(name) for name in robot.dof_names]
    assert [joint.qposadr[0] for joint in joints] == list(robot.qpos_ids)
    assert [robot.model.actuator(i).name for i in range(12)] == robot.dof_names


def test_what_the_file_says_is_kept():
    robot = build(a1_cfg())
    assert robot.model.body_subtreemass[1] == pytest.approx(A1_MASS, abs=2e-3)
    np.testing.assert_allclose(robot.torque_limits, 33.5)
    np.testing.assert_allclose(robot.dof_vel_limits, 21.0)
    for name, limits in zip(robot.dof_names, robot.dof_pos_limits):
        np.testing.assert_allclose(robot.model.joint(name).range, limits)
    np.testing.assert_allclose(robot.model.dof_armature[robot.qvel_ids], 0.01)


def test_friction_is_the_mean_and_the_robots_rules():
    cfg = a1_cfg()
    cfg.terrain.static_friction = 0.4
    model = build(cfg).model
    robot_geoms = model.geom_contype == 2
    assert robot_geoms.sum() > 10
    np.testing.assert_allclose(model.geom_friction[robot_geoms, 0], 0.7)
    assert (model.geom_priority[robot_geoms] == 1).all()
    assert model.geom("ground").priority == 0


def test_self_collisions_are_legged_gyms_switch():
    def self_contacts(value):
        cfg = a1_cfg()
        cfg.asset.self_collisions = value
        robot = build(cfg)
        data = mujoco.MjData(robot.model)
        data.qpos[2] = 2.0
        data.qpos[robot.qpos_ids] = [0.8, 2.0, -1.0, -0.8, 2.0, -1.0, 0.8, -0.5, -1.0, -0.8, -0.5, -1.0]
        data.qpos[robot.qpos_ids[::3]] *= -1.0
        mujoco.mj_forward(robot.model, data)
        return data.ncon

    assert self_contacts(0) > 0
    assert self_contacts(1) == 0


def test_scenery_is_for_pictures_alone():
    plain, seen = build(a1_cfg()).model, build(a1_cfg(), visual=True).model
    assert (plain.nlight, plain.ntex, plain.nmat) == (0, 0, 0)
    assert seen.nlight == 1
    assert seen.ngeom > plain.ngeom
    assert seen.nq == plain.nq


def test_height_field_is_where_it_was_described():
    model = build(a1_cfg(), ground=sloped_ground()).model
    assert model.geom("ground").type == mujoco.mjtGeom.mjGEOM_HFIELD
    np.testing.assert_allclose(model.hfield_size[0], [4.5, 4.5, 0.9, 1.0], rtol=1e-5)
    np.testing.assert_allclose(model.geom("ground").pos, [0.0, 0.0, -0.25], atol=1e-6)


def test_fixed_base_hangs_where_the_config_starts_it(tmp_path):
    cfg = urdf_cfg(tmp_path, BENCH, fix_base_link=True)
    cfg.init_state.pos = [0.1, 0.2, 1.3]
    robot = build(cfg)
    assert robot.model.nv == 2
    np.testing.assert_allclose(robot.dof_pos_limits, [[-100.0, 100.0], [-np.inf, np.inf]])
    assert robot.root_mocap == 0
    np.testing.assert_allclose(robot.model.body("bench").pos, [0.1, 0.2, 1.3])


def test_gains_by_parts_of_names():
    table = {"joint": 10.0, "calf": 30.0}
    np.testing.assert_allclose(gains_of(["FL_hip_joint", "FL_calf_joint", "wheel"], table), [10.0, 30.0, 0.0])


def test_mjcf_keeps_the_torque_limits_of_its_actuators(tmp_path):
    file = tmp_path / "robot.xml"
    legs = "".join(
        f'<body name="leg_{name}"><joint name="{name}" axis="0 1 0"/><geom size="0.05" mass="0.1"/></body>'
        for name in ("force", "geared", "motor", "free")
    )
    file.write_text(f"""
    <mujoco><worldbody><body name="trunk"><freejoint/><geom size="0.1" mass="1"/>{legs}</body></worldbody>
    <actuator><position joint="force" kp="5" forcerange="-20 20"/>
      <motor joint="geared" gear="3" forcerange="-4 4"/><motor joint="motor" gear="2" ctrlrange="-5 5"/>
      <position joint="free" ctrlrange="-1 1"/></actuator></mujoco>""")
    cfg = a1_cfg()
    cfg.asset.file = str(file)
    cfg.asset.foot_name = "leg"
    robot = build(cfg)
    limits = dict(zip(robot.dof_names, robot.torque_limits))
    # a gear multiplies the force; the range of a position target says nothing of torques
    assert limits == {"force": 20.0, "geared": 12.0, "motor": 10.0, "free": np.inf}
    assert np.isinf(robot.dof_pos_limits).all()


def test_mjcf_loses_its_own_actuators_and_sensors(tmp_path):
    file = tmp_path / "robot.xml"
    file.write_text("""
    <mujoco><worldbody><body name="trunk"><freejoint/><geom size="0.1" mass="1"/>
      <body name="leg"><joint name="knee" axis="0 1 0" range="-1 1"/><geom size="0.05" mass="0.1"/></body>
    </body></worldbody>
    <actuator><motor joint="knee"/><motor joint="knee"/></actuator>
    <sensor><jointpos joint="knee"/></sensor><keyframe><key qpos="0 0 1 1 0 0 0 0"/></keyframe></mujoco>""")
    cfg = a1_cfg()
    cfg.asset.file = str(file)
    cfg.asset.foot_name = "leg"
    robot = build(cfg)
    assert robot.model.nu == 1
    assert robot.model.nsensordata == 6
    assert robot.model.nkey == 0
    assert robot.body_names == ["trunk", "leg"]


@pytest.mark.parametrize(
    ("group", "key", "value", "message"),
    [
        ("asset", "file", "/nowhere/robot.urdf", "no robot file at /nowhere/robot.urdf"),
        ("asset", "dof_names", ["FL_hip_joint"], "asset.dof_names must list each joint"),
        ("asset", "body_names", ["FL_hip", "base"], "asset.body_names must start with base"),
        ("sim.mujoco", "integrator", "leapfrog", "sim.mujoco.integrator is 'leapfrog'; MuJoCo knows euler"),
        ("sim.mujoco", "cone", "round", "sim.mujoco.cone is 'round'; MuJoCo knows pyramidal, elliptic"),
    ],
)
def test_mistakes_are_one_line(group, key, value, message):
    cfg = a1_cfg()
    section = cfg
    for name in group.split("."):
        section = getattr(section, name)
    setattr(section, key, value)
    with pytest.raises(UserError, match=message) as caught:
        build(cfg)
    assert "\n" not in str(caught.value)


def test_broken_file(tmp_path):
    with pytest.raises(UserError, match="MuJoCo cannot read") as caught:
        build(urdf_cfg(tmp_path, "<robot name='x'><link></robot>"))
    assert "\n" not in str(caught.value)
