"""A robot of 15 kg as a URDF and as an MJCF file, with holes for what a test is about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg

LEGS = {"FL": (0.2, 0.1), "FR": (0.2, -0.1), "RL": (-0.2, 0.1), "RR": (-0.2, -0.1)}
ANGLES = {"hip": 0.0, "thigh": 0.7, "calf": -1.4}
LIMIT = 'lower="-1.5" upper="1.5" effort="30" velocity="20"'
MOTOR = '<position joint="{0}" kp="40" forcerange="-30 30"/>'
FOOT = '<geom name="{0}" class="foot" pos="0 0 -0.2"/>'
INERTIAL = (
    '<inertial><origin xyz="0 0 {1}"/><mass value="{0}"/>'
    '<inertia ixx="{2}" ixy="0" ixz="0" iyy="{2}" iyz="0" izz="{2}"/></inertial>'
)
TRUNK = INERTIAL.format(8.0, 0, 0.1)


def joints() -> list:
    return [f"{leg}_{part}_joint" for leg in LEGS for part in ANGLES]


def urdf(limit: str = LIMIT, trunk: str = TRUNK, more: str = "", shapes: str = "collision", axis: str = "") -> str:
    """The robot; `axis` goes into each joint, `more` into the file."""

    def link(name: str, inertial: str, shape: str = "", origin: str = "0 0 0") -> str:
        seen = f'<{shapes}><origin xyz="{origin}"/><geometry>{shape}</geometry></{shapes}>' if shape else ""
        return f'<link name="{name}">{inertial}{seen}</link>'

    def joint(name: str, parent: str, child: str, at: str, how: str) -> str:
        return f'<joint name="{name}" {how}<parent link="{parent}"/><child link="{child}"/><origin xyz="{at}"/></joint>'

    text = link("base", trunk, '<box size="0.4 0.2 0.1"/>')
    leg_inertial, box = INERTIAL.format(0.6, -0.05, 0.002), '<box size="0.03 0.03 0.16"/>'
    for leg, (x, y) in LEGS.items():
        hip, thigh, calf, foot = (f"{leg}_{part}" for part in ("hip", "thigh", "calf", "foot"))
        text += link(hip, leg_inertial) + link(thigh, leg_inertial, box, "0 0 -0.1")
        text += link(calf, leg_inertial, box, "0 0 -0.1")
        text += link(foot, INERTIAL.format(0.06, 0, 0.0001), '<sphere radius="0.02"/>')
        turns = f'type="revolute"><limit {limit}/>{axis}<axis xyz="'
        text += joint(f"{hip}_joint", "base", hip, f"{x} {y} 0", turns + '1 0 0"/>')
        text += joint(f"{thigh}_joint", hip, thigh, f"0 {0.8 * y} 0", turns + '0 1 0"/>')
        text += joint(f"{calf}_joint", thigh, calf, "0 0 -0.2", turns + '0 1 0"/>')
        text += joint(f"{foot}_fixed", calf, foot, "0 0 -0.2", 'type="fixed">')
    return f'<robot name="q">{text}{more}</robot>'


def mjcf(
    foot: str = FOOT, head: str = "", classes: str = "", world: str = "", root: str = "<freejoint/>", geom: str = "",
    motor: str = MOTOR, in_base: str = "", tail: str = "", foot_class: str = 'type="sphere" size="0.02"',
) -> str:  # fmt: skip
    """The same robot; `foot` is of a leg, `motor` of a joint, `geom` of each class; the rest says where it goes."""
    inertia = '<inertial pos="0 0 {1}" mass="{0}" diaginertia="{2} {2} {2}"/>'
    legs = ""
    for leg, (x, y) in LEGS.items():
        heavy, joint = inertia.format(0.6, -0.1, 0.002), '<joint name="{0}_joint" axis="{1}" range="-1.5 1.5"/>'
        shape = '<geom class="leg" type="capsule" size="{0}" fromto="0 0 -0.03 0 0 {1}"/>'
        legs += f"""
        <body name="{leg}_hip" pos="{x} {y} 0">{inertia.format(0.6, 0, 0.002)}{joint.format(f"{leg}_hip", "1 0 0")}
          <body name="{leg}_thigh" pos="0 {0.8 * y} 0">{heavy}{joint.format(f"{leg}_thigh", "0 1 0")}
            {shape.format(0.015, -0.17)}
            <body name="{leg}_calf" pos="0 0 -0.2">{heavy}{joint.format(f"{leg}_calf", "0 1 0")}
              {shape.format(0.012, -0.15)}{foot.format(leg)}</body></body></body>"""
    return f"""
    <mujoco><compiler angle="radian"/>{head}
    <default><default class="leg"><geom {geom}/></default><default class="foot"><geom {foot_class} {geom}/></default>
      {classes}</default>
    <worldbody>{world}<body name="base" pos="0 0 0.42">{root}{inertia.format(8, 0, 0.1)}
      <geom class="leg" type="box" size="0.2 0.1 0.05"/>{in_base}{legs}</body></worldbody>
    <actuator>{"".join(motor.format(name) for name in joints())}</actuator>{tail}</mujoco>"""


def robot_cfg(folder: Path, text: str, **asset: Any) -> LeggedRobotCfg:
    """A config that starts the robot on a plane, without anything random."""
    file = folder / ("robot.urdf" if "<robot" in text else "robot.xml")
    file.write_text(text)
    cfg = LeggedRobotCfg()
    cfg.env.num_envs = cfg.sim.num_threads = 1
    cfg.terrain.mesh_type, cfg.terrain.measure_heights = "plane", False
    cfg.observations.policy.heights = None
    cfg.init_state.pos, cfg.init_state.dof_pos_factor, cfg.init_state.max_random_vel = [0.0, 0.0, 0.42], [1.0, 1.0], 0.0
    cfg.domain_rand.push_robots = cfg.domain_rand.randomize_friction = False
    cfg.init_state.default_joint_angles = {name: ANGLES[name.split("_")[1]] for name in joints()}
    cfg.control.stiffness, cfg.control.damping, cfg.control.action_scale = {"joint": 40.0}, {"joint": 1.0}, 0.25
    cfg.asset.file, cfg.asset.foot_name, cfg.asset.mirror_negates = str(file), "foot", ["hip"]
    for name, value in asset.items():
        setattr(cfg.asset, name, value)
    return cfg


def standing(cfg: LeggedRobotCfg, steps: int = 25) -> LeggedRobot:
    """The robot half a second after it was put down."""
    env = LeggedRobot(cfg, sim="mujoco", seed=1)
    env.reset()
    for _ in range(steps):
        env.step(torch.zeros(env.num_envs, env.num_actions))
    return env
