"""From a file with more in it than a robot: which body it is, what goes, what its root may be, what names it gets."""

from __future__ import annotations

import os

import numpy as np
import pytest

from legged_gym.errors import UserError
from tests.sim.robots import joints, mjcf, robot_cfg, standing, urdf
from tests.sim.worlds import build

BALL = '<body name="ball" pos="2 0 0.5"><freejoint/><geom type="sphere" size="0.1"/></body>'
FLOOR = '<geom name="floor" type="plane" size="0 0 1" contype="0" conaffinity="0"/>'
PAIRS = "".join(f'<pair geom1="{leg}" geom2="floor"/>' for leg in ("FL", "FR", "RL", "RR"))
SIX = "".join(
    f'<joint name="root_{kind}{axis}" type="{kind}" axis="{" ".join(str(int(a == axis)) for a in "xyz")}"/>'
    for kind in ("slide", "hinge")
    for axis in "xyz"
)
STANDS = {
    "a ball before it": (dict(world=BALL), "base is taken for the robot, which has most of the joints, and not ball"),
    "feet that only pairs let touch": (
        dict(world=FLOOR, geom='contype="0" conaffinity="0"', tail=f"<contact>{PAIRS}</contact>"),
        "contact pairs are left out; shapes that they pair with the world collide with the ground",
    ),
    "contacts switched off": (
        dict(head='<option><flag contact="disable"/></option>'),
        "its <option> is left out (disableflags, with contact disabled)",
    ),
    "gravity switched off": (
        dict(head='<option gravity="0 0 -1"><flag gravity="disable"/></option>'),
        "its <option> is left out (disableflags, gravity, with gravity disabled)",
    ),
    "a free joint in six": (dict(root=SIX), "a free joint takes the place of root_slidex, root_slidey, root_slidez"),
    "a shape with a name of ours": (dict(in_base='<geom name="ground" size="0.01" mass="0"/>'), ""),
    "numbers for the engine": (dict(head='<statistic meaninertia="1e9"/><size memory="1M"/>'), ""),
    "tied to the world": (
        dict(
            world=BALL + '<site name="hook"/>',
            in_base='<site name="eye"/>',
            tail='<contact><exclude body1="base" body2="world"/><exclude body1="ball" body2="base"/></contact>'
            '<equality><weld body1="base"/><connect body1="base" body2="ball" anchor="0 0 0"/></equality>'
            '<tendon><spatial name="rope" stiffness="1e4"><site site="hook"/><site site="eye"/></spatial></tendon>'
            '<actuator><motor tendon="rope"/></actuator><sensor><tendonpos tendon="rope"/></sensor>'
            '<keyframe><key qpos="1 2"/></keyframe>',
        ),
        "couplings with the world are left out (base to world, base to ball, rope)",
    ),
    "held up by gravcomp": (
        dict(in_base='<body name="head" gravcomp="1"><geom size="0.01" mass="0"/></body>'),
        "gravcomp is left out (head)",
    ),
}


@pytest.mark.parametrize("what", STANDS)
def test_the_robot_stands_as_if_it_were_alone(tmp_path, capsys, what):
    pieces, note = STANDS[what]
    env = standing(robot_cfg(tmp_path, mjcf(**pieces)))
    assert note in capsys.readouterr().out
    assert env.dof_names == joints()
    assert float(env.root_states[0, 2]) == pytest.approx(0.288, abs=0.002)
    assert env.feet_forces[0, :, 2].tolist() == pytest.approx([23.5, 23.5, 59.8, 59.8], rel=0.03)
    gravity = env.projected_gravity[0].tolist()
    assert gravity == pytest.approx([-0.075, 0.0, -0.997], abs=0.005)


def test_the_config_says_which_of_two_robots(tmp_path):
    links = "".join(f'<body name="c{k}"><joint name="crane_{k}"/><geom size="0.1"/>' for k in range(13))
    text = mjcf(world=f'<body name="crane"><geom size="0.1"/>{links}{"</body>" * 13}</body>')
    assert build(robot_cfg(tmp_path, text)).dof_names == joints()
    cfg = robot_cfg(tmp_path, text)
    cfg.init_state.default_joint_angles = {"no": 0.0, "such": 0.0}
    assert build(cfg).body_names[0] == "crane"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            mjcf(root='<joint name="rail" type="slide"/><joint name="turn"/>'),
            "the root base moves by rail, turn: it needs",
        ),
        (
            mjcf(root='<joint name="ball" type="ball"/>'),
            "the root base moves by ball: it needs one free joint, or none",
        ),
        ('<mujoco><worldbody><body><freejoint/><geom size="1"/></body></worldbody></mujoco>', "no robot in it"),
        (mjcf(geom='contype="0" conaffinity="0"'), "no shape of the robot collides"),
        (urdf(shapes="visual"), "no shape of the robot collides"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path, text, message):
    with pytest.raises(UserError, match=message) as caught:
        build(robot_cfg(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_parts_without_name_get_one(tmp_path, capsys):
    tail = (
        '<body pos="-0.2 0 0.1"><joint axis="0 1 0" armature="0.01"/><geom size="0.02" mass="0.1"/>'
        '<body><geom size="0.01"/></body></body><body><geom size="0.01"/></body>'
    )
    robot = build(robot_cfg(tmp_path, mjcf(in_base=tail)))
    assert "base_part_joint" in robot.dof_names and "base_part" in robot.body_names
    out = capsys.readouterr().out
    assert "parts without name are called body base_part (at -0.2 0 0.1 in base), joint base_part_joint" in out


def test_mimic_joints_are_said_not_to_be(tmp_path, capsys):
    equality = '<equality><joint joint1="FL_calf_joint" joint2="FR_calf_joint"/></equality>'
    for text in (
        mjcf(tail=equality),
        urdf().replace('<joint name="FL_calf_joint" type="revolute">', '<joint name="FL_calf_joint" type="revolute">'
                       '<mimic joint="FR_calf_joint" multiplier="1" offset="0"/>'),
    ):  # fmt: skip
        robot = build(robot_cfg(tmp_path, text))
        assert "mimic joints are not supported (FL_calf_joint follows FR_calf_joint)" in capsys.readouterr().out
        assert robot.model.neq == 0 and len(robot.dof_names) == 12


def test_names_of_the_scene_are_not_in_the_way_of_pictures(tmp_path):
    assets = (
        '<asset><texture name="ground" type="2d" builtin="flat" width="8" height="8"/><material name="ground"/>'
        '<texture name="sky" type="skybox" builtin="flat" width="8" height="8"/>'
        '<hfield name="ground" nrow="2" ncol="2" size="1 1 1 1"/></asset>'
    )
    world = '<geom name="ground" type="hfield" hfield="ground"/><light name="sun"/>'
    cfg = robot_cfg(tmp_path, mjcf(head=assets, world=world))
    assert build(cfg, visual=True).model.nlight == 1


def test_a_bad_file_leaves_no_log(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    for text in (mjcf().replace('range="-1.5 1.5"', 'range="nan 1"'), urdf().replace("0.6", "nan"), "<robot><"):
        with pytest.raises(UserError):
            build(robot_cfg(tmp_path / "sub", text))
    assert os.listdir(tmp_path) == ["sub"]


def test_a_fixed_base_stands_as_the_config_has_it(tmp_path):
    cfg = robot_cfg(tmp_path, mjcf(root="<freejoint/>").replace('pos="0 0 0.42"', 'pos="0 0 0.42" euler="1 0 0"'))
    cfg.asset.fix_base_link = True
    cfg.init_state.pos, cfg.init_state.rot = [0.3, 0.2, 1.0], [0.0, 0.7071068, 0.0, 0.7071068]
    np.testing.assert_allclose(build(cfg).model.body("base").quat, [0.7071068, 0.0, 0.7071068, 0.0], atol=1e-6)
    env = standing(cfg, steps=3)
    assert env.root_states[0, :7].tolist() == pytest.approx([0.3, 0.2, 1.0, 0.0, 0.7071068, 0.0, 0.7071068], abs=1e-6)
    assert env.projected_gravity[0].tolist() == pytest.approx([1.0, 0.0, 0.0], abs=1e-6)


def test_fixed_bases_stand_on_their_tiles(tmp_path):
    cfg = robot_cfg(tmp_path, mjcf(), fix_base_link=True)
    cfg.env.num_envs = 4
    cfg.terrain.mesh_type, cfg.terrain.selected, cfg.terrain.border_size = "heightfield", True, 1.0
    cfg.terrain.terrain_kwargs = {"type": "pyramid_sloped_terrain", "slope": 0.5}
    cfg.terrain.num_rows = cfg.terrain.num_cols = 2
    cfg.terrain.max_init_terrain_level = 1
    cfg.init_state.pos, cfg.init_state.max_random_pos = [0.0, 0.0, 1.0], [0.0, 0.0]
    env = standing(cfg, steps=2)
    expected = env.env_origins.clone()
    expected[:, 2] += 1.0
    assert np.abs(env.env_origins[:, 2].numpy()).max() > 0.5, "a hill"
    np.testing.assert_allclose(env.root_states[:, :3], expected, atol=1e-5)
    heights = env.sim.body_states[:, 0, :3]
    np.testing.assert_allclose(heights, expected, atol=1e-5)
