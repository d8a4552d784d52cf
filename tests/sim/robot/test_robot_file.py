"""MJCF robots: scenes, feet that are geoms, and the same physics as the URDF they were made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest
import torch

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.envs.go2.go2 import Go2
from legged_gym.envs.go2.go2_dynaflow_config import Go2Cfg
from legged_gym.errors import UserError
from tests.sim.worlds import build

LEGS = ("FL", "FR", "RL", "RR")
URDF = f"{LEGGED_GYM_ROOT_DIR}/resources/robots/go2/urdf/go2.urdf"
FOOT_MASS = 0.04


def go2_scene() -> Any:
    """The Go2 as a scene in the manner of MuJoCo Menagerie.

    A foot is a geom of the calf, called after its leg, of the class "foot"; the trunk has a free joint; the scene has a
    floor, a lamp and a ball to play with.
    """
    spec = mujoco.MjSpec.from_file(URDF)
    spec.add_default("foot", spec.default).geom.friction = [0.3, 0.02, 0.01]
    for leg in LEGS:
        spec.delete(spec.body(f"{leg}_foot"))
        calf = spec.body(f"{leg}_calf")
        geom = calf.add_geom(spec.find_default("foot"), name=leg, type=mujoco.mjtGeom.mjGEOM_SPHERE)
        geom.pos, geom.size = [-0.002, 0.0, -0.213], [0.022, 0.0, 0.0]
    spec.body("base").add_freejoint(name="floating")
    spec.worldbody.add_geom(name="floor", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[5, 5, 1], pos=[0, 0, 0.5])
    spec.worldbody.add_light(pos=[0, 0, 3])
    spec.worldbody.add_body(name="ball", pos=[1, 0, 0]).add_geom(size=[0.1, 0, 0])
    return spec


def go2_cfg(folder: Path, spec: Any) -> Go2Cfg:
    spec.compile()
    file = folder / "go2.xml"
    file.write_text(spec.to_xml())
    cfg = Go2Cfg()
    cfg.asset.file, cfg.sim.num_threads, cfg.env.num_envs = str(file), 1, 2
    return cfg


def test_a_scene_becomes_the_same_robot_as_the_urdf(tmp_path, capsys):
    theirs, ours = build(go2_cfg(tmp_path, go2_scene())), build(Go2Cfg())
    assert "go2.xml: parts of its world are left out (floor, ball)" in capsys.readouterr().out
    assert theirs.body_names == [name for name in ours.body_names if "Head" not in name], "MJCF keeps none apart"
    assert theirs.dof_names == ours.dof_names
    np.testing.assert_allclose(theirs.torque_limits, ours.torque_limits)
    np.testing.assert_allclose(theirs.dof_pos_limits, ours.dof_pos_limits)
    assert np.isinf(theirs.dof_vel_limits).all(), "MJCF has no speed limits"
    masses = np.array([theirs.model.body_mass[i] for i in theirs.body_ids])
    expected = [0.0 if name.endswith("_foot") else ours.model.body(name).mass[0] for name in theirs.body_names]
    expected[0] += sum(ours.model.body(name).mass[0] for name in ("Head_upper", "Head_lower"))
    np.testing.assert_allclose(masses, expected, atol=1e-9)
    names = [theirs.model.geom(i).name for i in range(theirs.model.ngeom)]
    assert "floor" not in names and "ground" in names and theirs.model.nlight == 0


def test_feet_stand_where_those_of_the_urdf_do_and_feel_the_weight(tmp_path):
    env = Go2(go2_cfg(tmp_path, go2_scene()), sim="mujoco", seed=1)
    env.reset()
    feet = env.sim.body_states[0, env.feet_indices, :3].clone()
    reference = Go2Cfg()
    reference.env.num_envs, reference.sim.num_threads = 1, 1
    other = Go2(reference, sim="mujoco", seed=1)
    other.reset()
    expected = other.sim.body_states[0, other.feet_indices, :3]
    # the origin of this foot is the centre of its ball, that of the URDF's is 2 mm in front of it
    torch.testing.assert_close(feet, expected, atol=0.0021, rtol=0.0)
    for _ in range(150):
        _, _, dones, _ = env.step(torch.zeros(2, 12))
        assert not dones.any()
    weight = 9.81 * float(env.sim.robot.model.body_mass.sum())
    assert weight == pytest.approx(9.81 * (15.019 - 4 * FOOT_MASS), rel=1e-6)
    torch.testing.assert_close(env.feet_forces[:, :, 2].sum(1), torch.full((2,), weight), rtol=0.02, atol=0.0)


def test_inertia_from_geoms_moves_with_the_foot(tmp_path):
    file = tmp_path / "hopper.xml"
    file.write_text("""
    <mujoco><worldbody><body name="trunk"><freejoint/><geom size="0.1" mass="1"/>
      <body name="shank"><joint name="knee" axis="0 1 0"/>
        <geom type="capsule" size="0.02" fromto="0 0 0 0 0 -0.2" mass="0.3"/>
        <geom name="left_foot" size="0.03" pos="0 0 -0.2" mass="0.2"/></body></body></worldbody></mujoco>""")
    cfg = Go2Cfg()
    cfg.asset.file, cfg.asset.dof_names = str(file), None
    robot = build(cfg)
    assert robot.body_names == ["trunk", "shank", "left_foot"]
    np.testing.assert_allclose(robot.model.body_mass[robot.body_ids], [1.0, 0.3, 0.2])
    np.testing.assert_allclose(robot.model.body("left_foot").pos, [0.0, 0.0, -0.2])


def test_a_file_without_a_robot_is_refused(tmp_path):
    file = tmp_path / "floor.xml"
    file.write_text('<mujoco><worldbody><geom type="plane" size="1 1 1"/></worldbody></mujoco>')
    cfg = Go2Cfg()
    cfg.asset.file = str(file)
    with pytest.raises(UserError, match=r"floor\.xml has no body with a joint"):
        build(cfg)


def test_missing_joints_and_feet_are_named(tmp_path):
    spec = go2_scene()
    spec.delete(spec.body("RL_calf"))
    cfg = go2_cfg(tmp_path, spec)
    with pytest.raises(UserError, match=r"missing in it: RL_calf_joint; more in it: none"):
        build(cfg)
    cfg.asset.dof_names = None
    with pytest.raises(UserError, match=r"go2\.xml lacks joints of init_state\.default_joint_angles: RL_calf_joint"):
        Go2(cfg, sim="mujoco")
    cfg = go2_cfg(tmp_path, go2_scene())
    cfg.asset.foot_name = "paw"
    with pytest.raises(UserError, match=r"asset\.foot_name: no body contains 'paw'; the robot has base, FL_hip"):
        Go2(cfg, sim="mujoco")
