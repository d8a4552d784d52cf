"""Robot files read by the rules of the API."""

from __future__ import annotations

import numpy as np
import pytest

from legged_gym.errors import UserError
from tests.isaacgym.robots import BOX, FOOT, joint, link, robot
from tests.isaacgym.scenes import Scene, asset, at, gym


def names(made) -> tuple[list[str], list[str]]:
    return gym.get_asset_rigid_body_names(made), gym.get_asset_dof_names(made)


def test_children_come_by_the_names_of_their_joints_after_fixed_joints_were_collapsed(tmp_path) -> None:
    # by declaration q, p, s; by link names p, q, s; before the collapse 'm_mount' would put s first or in the middle
    parts = [
        link("base"), link("q"), link("p"), link("mount"), link("s"),
        joint("a_q", "base", "q"), joint("k_p", "base", "p"),
        joint("a_mount", "base", "mount", "fixed"), joint("z_s", "mount", "s"),
    ]  # fmt: skip
    assert names(asset(tmp_path, robot(parts))) == (["base", "q", "p", "s"], ["a_q", "k_p", "z_s"])


def test_a_link_that_is_not_to_be_collapsed_stays_and_is_sorted_by_its_fixed_joint(tmp_path) -> None:
    parts = [
        link("base"), link("arm"), link("trunk"), link("gone"), link("leg"),
        joint("z1_waist", "base", "arm"), joint("floating_base", "base", "trunk", "fixed", more='dont_collapse="true"'),
        joint("x", "trunk", "gone", "fixed"), joint("hip", "trunk", "leg"),
    ]  # fmt: skip
    made = asset(tmp_path, robot(parts))
    assert names(made) == (["base", "trunk", "leg", "arm"], ["hip", "z1_waist"])
    assert made.bodies[1, 0] == pytest.approx(2.0)


def test_nothing_is_collapsed_unless_asked(tmp_path) -> None:
    parts = [link("base"), link("foot"), joint("ankle", "base", "foot", "fixed")]
    assert names(asset(tmp_path, robot(parts), collapse_fixed_joints=False))[0] == ["base", "foot"]


def test_a_collapsed_link_gives_mass_centre_and_inertia(tmp_path) -> None:
    parts = [link("base", 2.0), link("load", 6.0, com="0 0 0.1"), joint("j", "base", "load", "fixed", at="0.4 0 -0.1")]
    row = asset(tmp_path, robot(parts)).bodies[0]
    np.testing.assert_allclose(row[:4], [8.0, 0.3, 0.0, 0.0], atol=1e-12)
    # 0.1 kg m^2 a kg each, and two points 0.4 m apart: 2 * 6 / 8 * 0.16
    np.testing.assert_allclose(row[4:].reshape(3, 3), np.diag([0.8, 1.04, 1.04]), atol=1e-12)


def test_a_link_without_inertial_weighs_by_its_shapes(tmp_path) -> None:
    parts = [link("base"), link("box", None, BOX), joint("j", "base", "box")]
    row = asset(tmp_path, robot(parts), density=1000.0).bodies[1]
    assert row[0] == pytest.approx(8.0)
    np.testing.assert_allclose(row[[4, 8, 12]], 8.0 / 12 * np.array([0.05, 0.17, 0.2]))
    assert asset(tmp_path, robot(parts)).bodies[1, 0] == pytest.approx(8e-6)


def test_cylinders_become_capsules_of_the_same_straight_part(tmp_path) -> None:
    made = asset(tmp_path, robot([link("base", 1.0, '<cylinder radius="0.1" length="0.6"/>')]))
    assert made.root.shapes[0].kind.name == "mjGEOM_CYLINDER"
    made = asset(
        tmp_path, robot([link("base", 1.0, '<cylinder radius="0.1" length="0.6"/>')]),
        replace_cylinder_with_capsule=True,
    )  # fmt: skip
    assert made.root.shapes[0].kind.name == "mjGEOM_CAPSULE" and made.root.shapes[0].size[:2] == [0.1, 0.3]


def test_limits_and_dynamics_are_the_dofs(tmp_path) -> None:
    limited = joint("a", "base", "x", more="").replace("</joint>", '<dynamics damping="0.2" friction="0.3"/></joint>')
    parts = [link("base"), link("x"), link("y"), limited, joint("b", "base", "y", "continuous")]
    one, two = gym.get_asset_dof_properties(asset(tmp_path, robot(parts), armature=0.01))
    for name, value in (("lower", -1), ("upper", 1), ("effort", 10), ("velocity", 20), ("damping", 0.2)):
        assert one[name] == pytest.approx(value)
    assert one["friction"] == pytest.approx(0.3) and one["armature"] == pytest.approx(0.01)
    assert one["hasLimits"] and not two["hasLimits"] and one["driveMode"] == 3
    assert two["lower"] + two["upper"] == 0.0


def test_a_limit_of_effort_alone_leaves_the_joint_free(tmp_path) -> None:
    parts = [link("base"), link("x"), joint("a", "base", "x", limit='effort="80" velocity="20"')]
    made = asset(tmp_path, robot(parts))
    (dof,) = gym.get_asset_dof_properties(made)
    assert not dof["hasLimits"] and dof["effort"] == 80.0 and dof["lower"] < -100.0
    Scene([made], [at(z=1.0)]).step()


def test_shapes_stand_in_the_order_of_bodies(tmp_path) -> None:
    parts = [
        link("base", 1.0, BOX), link("leg", 1.0, BOX), link("foot", 1.0, FOOT), link("head", 1.0, FOOT),
        joint("leg", "base", "leg"), joint("ankle", "leg", "foot", "fixed"), joint("neck", "base", "head", "fixed"),
    ]  # fmt: skip
    made = asset(tmp_path, robot(parts))
    assert [(part.start, part.count) for part in gym.get_asset_rigid_body_shape_indices(made)] == [(0, 2), (2, 2)]
    assert gym.get_asset_rigid_shape_count(made) == 4


def test_what_programs_for_other_simulators_wrote_is_left_alone(tmp_path) -> None:
    other = '<mujoco><compiler meshdir="nowhere" discardvisual="false"/></mujoco><transmission name="t"/><gazebo/>'
    parts = [link("base"), link("x"), joint("a", "base", "x").replace("</joint>", '<mimic joint="a"/></joint>'), other]
    assert names(asset(tmp_path, robot(parts)))[1] == ["a"]


@pytest.mark.parametrize(
    "parts, says",
    [
        ([link("a"), link("b")], "one root link"),
        ([link("a"), link("b"), joint("j", "a", "b", "planar")], "joint j is 'planar'"),
        ([link("a"), joint("j", "a", "b")], "child link 'b' is not in the file"),
        ([link("a", 1.0, '<mesh filename="no.stl"/>'), link("b"), joint("j", "a", "b")], "there is no mesh"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path, parts, says) -> None:
    with pytest.raises(UserError, match=says):
        made = asset(tmp_path, robot(parts))
        Scene([made], [at()])
