"""MJCF files: order of the document, several hinges a body, drives of the file's actuators."""

from __future__ import annotations

import pytest

from legged_gym.errors import UserError
from legged_gym.isaacgym import gymapi
from tests.isaacgym.scenes import Scene, at, gym

DOLL = """
<mujoco>
  <worldbody>
    <light pos="0 0 3"/>
    <body name="torso" pos="0 0 1">
      <freejoint/><geom type="capsule" size="0.1" fromto="0 0 -0.1 0 0 0.1" density="500"/>
      <body name="right" pos="0.2 0 0">
        <joint name="right_x" axis="1 0 0" range="-90 90" armature="0.02" damping="1"/>
        <joint name="right_y" axis="0 1 0" range="-45 30" stiffness="3"/>
        <geom type="sphere" size="0.05" friction="0.4"/>
      </body>
      <body name="left" pos="-0.2 0 0"><joint name="left_x" axis="1 0 0" limited="false"/>
        <geom type="box" size="0.05 0.06 0.07"/></body>
    </body>
  </worldbody>
  <contact><exclude body1="left" body2="right"/></contact>
  <actuator><motor joint="right_x" gear="45"/><position joint="left_x" kp="20" forcerange="-7 7"/></actuator>
</mujoco>
"""


@pytest.fixture
def doll(tmp_path):
    (tmp_path / "doll.xml").write_text(DOLL)
    return gym.load_asset(None, str(tmp_path), "doll.xml", gymapi.AssetOptions())


def test_order_and_properties_are_the_document_s(doll) -> None:
    assert gym.get_asset_rigid_body_names(doll) == ["torso", "right", "left"]
    assert gym.get_asset_dof_names(doll) == ["right_x", "right_y", "left_x"]
    dofs = gym.get_asset_dof_properties(doll)
    assert dofs["driveMode"].tolist() == [gymapi.DOF_MODE_EFFORT, gymapi.DOF_MODE_NONE, gymapi.DOF_MODE_POS]
    assert dofs["upper"][:2].tolist() == pytest.approx([1.5708, 0.5236], abs=1e-4) and not dofs["hasLimits"][2]
    assert dofs["stiffness"].tolist() == [0.0, 3.0, 20.0] and dofs["effort"][2] == 7.0
    assert dofs["armature"][0] == pytest.approx(0.02) and dofs["damping"][0] == 1.0
    assert [shape.friction for shape in gym.get_asset_rigid_shape_properties(doll)] == [1.0, 0.4, 1.0]
    assert [actuator.motor_effort for actuator in gym.get_asset_actuator_properties(doll)] == [45.0, 1.0]


def test_it_stands_free_and_falls(doll) -> None:
    scene = Scene([doll], [at(z=2.0)], filter=-1)
    scene.step(40)
    assert scene.root[0, 2] < 1.9 and scene.dof.shape == (6, 2)
    assert scene.sim.world.model.nexclude == 1


def test_a_ball_joint_is_refused(tmp_path) -> None:
    (tmp_path / "ball.xml").write_text(
        DOLL.replace('<joint name="left_x" axis="1 0 0" limited="false"/>', '<joint name="b" type="ball"/>').split(
            "<contact>"
        )[0]
        + "</mujoco>"
    )
    with pytest.raises(UserError, match="joint b is a ball"):
        gym.load_asset(None, str(tmp_path), "ball.xml", gymapi.AssetOptions())
