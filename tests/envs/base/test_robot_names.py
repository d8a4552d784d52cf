"""Settings that go by parts of names, and settings that contradict the robot file."""

from __future__ import annotations

import itertools

import pytest

from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.base.name_checks import check_gains, check_names
from legged_gym.envs.terms.mirror import mirror_grid, partners
from legged_gym.errors import UserError
from rsl_rl.extensions.symmetry import Mirror
from tests.sim.robots import LIMIT, robot_cfg, urdf

LEGS = ("FL", "FR", "RL", "RR")
JOINTS = [f"{leg}_{part}_joint" for leg in LEGS for part in ("hip", "thigh", "calf")]
LONG = {"FL": "L_FRONT", "FR": "R_FRONT", "RL": "L_REAR", "RR": "R_REAR"}
LONG_JOINTS = [f"{leg}_{part}_JOINT" for leg in LONG.values() for part in ("HIP_ROLL", "HIP_PITCH", "KNEE")]


def long_names(text: str) -> str:
    """The robot with names such as L_FRONT_HIP_ROLL_JOINT, in which 'L_' and 'R_' stand more than once."""
    for leg, (old, new) in itertools.product(LEGS, (("hip", "HIP_ROLL"), ("thigh", "HIP_PITCH"), ("calf", "KNEE"))):
        text = text.replace(f"{leg}_{old}_joint", f"{LONG[leg]}_{new}_JOINT").replace(
            f"{leg}_{old}", f"{LONG[leg]}_{new}"
        )
        text = text.replace(f"{leg}_foot", f"{LONG[leg]}_foot")
    return text


def long_cfg(folder, **asset):
    cfg = robot_cfg(folder, long_names(urdf()), mirror_negates=["HIP_ROLL"])
    cfg.init_state.default_joint_angles = dict(zip(LONG_JOINTS, [0.0, 0.7, -1.4] * 4))
    cfg.control.stiffness, cfg.control.damping = {"JOINT": 40.0}, {"JOINT": 1.0}
    for name, value in asset.items():
        setattr(cfg.asset, name, value)
    return cfg


def test_names_in_which_left_and_right_stand_more_than_once(tmp_path):
    env = LeggedRobot(long_cfg(tmp_path), sim="mujoco")
    maps = env.mirror_maps()
    index, sign = maps["actions"]
    image = [env.dof_names[i] for i in index.tolist()]
    assert image == [name.replace("L_", "R_", 1) if name[0] == "L" else "L" + name[1:] for name in env.dof_names]
    assert sign.tolist() == [-1.0, 1.0, 1.0] * 4
    Mirror(maps, ["policy"], env.device)


@pytest.mark.parametrize(
    ("asset", "message"),
    [
        (dict(left_right=[["links", "rechts"]]), r"joints without partner on the other side: L_FRONT_HIP_ROLL_JOINT.*"
         r"asset\.left_right is \[\['links', 'rechts'\]\]"),
        (dict(left_right=[["L_FRONT", "R_FRONT"]]), r"joints without partner on the other side: L_REAR_HIP_ROLL_JOINT"),
        (dict(left_right=[["FRONT", "REAR"]]), r"a mirrored pose has .* m from where"),
        (dict(mirror_negates=["hip_joint"]), r"angles that change sign: no joint, asset\.mirror_negates is"),
    ],
)  # fmt: skip
def test_a_mirror_that_is_none_is_refused_when_it_is_asked_for(tmp_path, asset, message):
    env = LeggedRobot(long_cfg(tmp_path, **asset), sim="mujoco")
    with pytest.raises(UserError, match=f"algorithm.symmetry: .*{message}"):
        env.mirror_maps()


def test_partners():
    names = ["left_arm", "right_arm", "torso", "head_left", "head_right", "left_leg_left", "right_leg_right"]
    assert partners(names, [["left", "right"]]) == [1, 0, 2, 4, 3, 6, 5]


def test_points_of_the_height_scan_have_mirror_images():
    # two columns; y in an order of its own: -0.1 <-> 0.1, 0 on itself
    assert mirror_grid([0.0, 0.5], [-0.1, 0.1, 0.0]) == ([1, 0, 2, 4, 3, 5], [1.0] * 6)
    with pytest.raises(UserError, match=r"terrain\.measured_points_y that are symmetric: there is no -0.2 for 0.2"):
        mirror_grid([0.0], [-0.1, 0.1, 0.2])


def test_a_default_pose_beyond_the_stops_is_refused(tmp_path):
    narrow = urdf(limit=LIMIT.replace("1.5", "1.0"))
    with pytest.raises(UserError, match=r"default_joint_angles are beyond the ranges of .*: FL_calf_joint \(-1.4, but"):
        LeggedRobot(robot_cfg(tmp_path, narrow), sim="mujoco")


@pytest.mark.parametrize(
    ("gains", "said"),
    [
        ({"joint": 20.0}, ""),
        ({"joint": 20.0, "calf": 30.0}, ""),
        ({"hip": 1.0, "thigh": 2.0, "calf": 3.0}, ""),
        ({"": 40.0}, ""),
        ({"hip": 1.0, "thigh": 2.0}, "warning: control.x matches no part of FL_calf_joint, FR_calf_joint"),
        ({"joint": 1.0, "knee": 2.0}, "note: control.x: no joint contains 'knee'"),
        ({"calf": 30.0, "joint": 20.0}, "'calf' has no effect, as later entries match its joints too: joint"),
        ({"joint": 1.0, "hip": 2.0, "FL": 3.0}, "'hip' matches joints that FL match too; the last one wins"),
        ({"joint": 1.0, "hip": 2.0, "FL_hip": 2.0}, ""),
    ],
)  # fmt: skip
def test_gains_say_what_is_unused_or_ambiguous(capsys, gains, said):
    check_gains(JOINTS, gains, "control.x")
    out = capsys.readouterr().out
    assert said in out and len(out.splitlines()) == bool(said)


@pytest.mark.parametrize(
    ("part", "pieces"),
    [("foot", ["footrest"]), ("hip", ["whip_tip"]), ("base", []), ("leg", [])],
)
def test_matches_that_were_not_meant(capsys, part, pieces):
    bodies = ["base", "base2", "FL_foot", "FRfoot", "footrest", "leg_1", "hip_l", "hipR", "whip_tip", "legLeft"]
    check_names(bodies, [part], "asset.foot_name")
    expected = [f"note: asset.foot_name: '{part}' also matches {name}: is that meant?" for name in pieces]
    assert capsys.readouterr().out.splitlines() == expected


def test_a_mirror_about_a_pose_that_is_none_of_its_own_is_refused(tmp_path):
    cfg = robot_cfg(tmp_path, urdf())
    cfg.init_state.default_joint_angles["FL_hip_joint"] = 0.4  # the right hip would need -0.4
    with pytest.raises(UserError, match="differ between the sides: FL_hip_joint, FR_hip_joint"):
        LeggedRobot(cfg, sim="mujoco").mirror_maps()
