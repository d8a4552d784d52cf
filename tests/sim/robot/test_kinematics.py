"""Forward kinematics of many robots, against the engine's of each."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
import torch

from legged_gym.sim.robot.kinematics import Kinematics

# axes beside the origin, two joints of one body, slides, angles at which a file has its pose, parts that are fixed
EVERYTHING = """<mujoco><worldbody>
<body name="base" pos="1 2 3"><freejoint/><geom size="0.1"/>
  <body name="arm" pos="0 0.1 0.2" euler="20 30 40">
    <joint name="shoulder" axis="1 2 0.5" pos="0.1 0.2 -0.05" ref="20"/><joint name="twist" axis="0 1 0" pos="0 0 0.3"/>
    <geom size="0.05"/>
    <body name="rod" pos="0.3 0 0" euler="0 50 0"><joint name="rail" type="slide" axis="0.6 0 0.8" ref="0.1"/>
      <geom size="0.03"/>
      <body name="tip" pos="0 0.2 0.1" euler="10 0 70"><geom size="0.02"/>
        <body name="wheel" pos="0.1 0 0"><joint name="spin" axis="0 0 1"/><geom size="0.02"/></body>
      </body></body></body>
  <body name="leg" pos="0 -0.2 -0.1"><joint name="hip" axis="0 1 0"/><geom size="0.04"/></body>
</body>
<body name="beside"><freejoint/><geom size="0.1"/></body>
</worldbody></mujoco>"""
JOINTS = ["hip", "spin", "rail", "shoulder", "twist"]
BODIES = ["base", "tip", "wheel", "rod", "leg", "arm"]


@pytest.fixture
def model():
    return mujoco.MjModel.from_xml_string(EVERYTHING)


def test_bodies_are_where_the_engine_finds_them(model):
    count, rng = 5, np.random.default_rng(3)
    joints, bodies = [model.joint(name).id for name in JOINTS], [model.body(name).id for name in BODIES]
    quats = rng.normal(size=(count, 4))
    quats /= np.linalg.norm(quats, axis=1, keepdims=True)
    roots = np.concatenate((3.0 * rng.normal(size=(count, 3)), quats, rng.normal(size=(count, 6))), axis=1)
    angles, speeds = rng.normal(size=(2, count, len(joints)))
    given = (torch.from_numpy(each).float() for each in (roots, angles, speeds))
    kinematics = Kinematics(model, bodies, joints)
    states = kinematics.states(*given)[kinematics.frame_of]
    assert states.shape == (len(bodies), 13, count)
    for k in range(count):
        np.testing.assert_allclose(states[..., k], expected(model, bodies, roots[k], angles[k], speeds[k]), atol=2e-5)


def expected(model, bodies, root, angles, speeds):
    """(B, 13) of one robot, by plain MuJoCo; quaternions with the sign that they have there."""
    data, rotation, twist = mujoco.MjData(model), np.zeros(9), np.zeros(6)
    data.qpos[:3], data.qpos[3:7], data.qvel[:3] = root[:3], np.roll(root[3:7], 1), root[7:10]
    mujoco.mju_quat2Mat(rotation, data.qpos[3:7])
    data.qvel[3:6] = rotation.reshape(3, 3).T @ root[10:]
    for name, angle, speed in zip(JOINTS, angles, speeds):
        data.joint(name).qpos, data.joint(name).qvel = angle, speed
    mujoco.mj_forward(model, data)
    states = []
    for body in bodies:
        mujoco.mj_objectVelocity(model, data, mujoco.mjtObj.mjOBJ_XBODY, body, twist, 0)
        states.append(np.concatenate((data.xpos[body], np.roll(data.xquat[body], -1), twist[3:], twist[:3])))
    return np.array(states)


def test_a_robot_of_one_body_is_its_root(model):
    roots = torch.randn(4, 13, generator=torch.Generator().manual_seed(0))
    nothing = torch.zeros(4, 0)
    states = Kinematics(model, [model.body("base").id], []).states(roots, nothing, nothing)
    torch.testing.assert_close(states[0].t(), roots)
