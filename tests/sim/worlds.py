"""Small worlds with known physics, on either backend."""

from __future__ import annotations

import dataclasses
import os

import numpy as np
import torch

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.base.world import sim_spec
from legged_gym.sim.factory import make_simulator
from legged_gym.sim.model import RobotModel, build_model
from legged_gym.sim.spec import HeightField, SimSpec

GRAVITY = 9.81
A1 = os.path.join(LEGGED_GYM_ROOT_DIR, "resources", "robots", "a1", "urdf", "a1.urdf")
# FL, FR, RL, RR, each hip, thigh, calf
A1_POSE = torch.tensor([0.1, 0.8, -1.5, -0.1, 0.8, -1.5, 0.1, 1.0, -1.5, -0.1, 1.0, -1.5])
A1_MASS = 12.454

# a box of 5 kg that floats freely; a light disk spins on it, as a robot has at least one joint
SLED = """
<robot name="sled">
  <link name="sled">
    <inertial><mass value="5.0"/>
      <inertia ixx="0.0208" ixy="0" ixz="0" iyy="0.0417" iyz="0" izz="0.0542"/></inertial>
    <collision><geometry><box size="0.3 0.2 0.1"/></geometry></collision>
  </link>
  <link name="disk">
    <inertial><mass value="0.001"/><inertia ixx="1e-6" ixy="0" ixz="0" iyy="1e-6" iyz="0" izz="1e-6"/></inertial>
  </link>
  <joint name="spin" type="revolute"><parent link="sled"/><child link="disk"/><axis xyz="0 0 1"/>
    <limit lower="-3" upper="3" effort="1" velocity="10"/></joint>
</robot>
"""
SLED_MASS = 5.001
SLED_HALF_HEIGHT = 0.05
# they stand on a slope; the coefficients that act on the four of them: two below its tangent, two above
SLOPE_TANGENT = 0.3
SLED_FRICTION = (0.1, 0.2, 0.4, 0.8)

# two machines on a fixed base that do not feel each other: a cart of 2 kg on a rail along x, and a pendulum of 1.5 kg
# whose centre of mass hangs 0.4 m under its hinge (axis y)
BENCH = """
<robot name="bench">
  <link name="bench"><inertial><mass value="1"/>
    <inertia ixx="1" ixy="0" ixz="0" iyy="1" iyz="0" izz="1"/></inertial></link>
  <link name="cart"><inertial><mass value="2.0"/>
    <inertia ixx="0.01" ixy="0" ixz="0" iyy="0.01" iyz="0" izz="0.01"/></inertial></link>
  <link name="pendulum"><inertial><origin xyz="0 0 -0.4"/><mass value="1.5"/>
    <inertia ixx="0.02" ixy="0" ixz="0" iyy="0.02" iyz="0" izz="0.001"/></inertial></link>
  <joint name="rail" type="prismatic"><parent link="bench"/><child link="cart"/><axis xyz="1 0 0"/>
    <limit lower="-100" upper="100" effort="12" velocity="50"/></joint>
  <joint name="swing" type="continuous"><parent link="bench"/><child link="pendulum"/><axis xyz="0 1 0"/></joint>
</robot>
"""
CART_MASS, CART_LIMIT = 2.0, 12.0
PENDULUM_MASS, PENDULUM_ARM, PENDULUM_INERTIA = 1.5, 0.4, 0.02


def base_cfg() -> LeggedRobotCfg:
    cfg = LeggedRobotCfg()
    cfg.sim.num_threads = 2
    return cfg


def a1_cfg(control_type: str = "P") -> LeggedRobotCfg:
    cfg = base_cfg()
    cfg.asset.file = A1
    cfg.asset.foot_name = "foot"
    cfg.asset.self_collisions = 1
    cfg.asset.armature = 0.01
    cfg.control.control_type = control_type
    cfg.control.stiffness, cfg.control.damping = {"joint": 20.0}, {"joint": 0.5}
    return cfg


def urdf_cfg(folder, text: str, **asset) -> LeggedRobotCfg:
    file = folder / "robot.urdf"
    file.write_text(text)
    cfg = base_cfg()
    cfg.asset.file = str(file)
    cfg.control.control_type = "T"
    for name, value in asset.items():
        setattr(cfg.asset, name, value)
    return cfg


def spec_of(cfg, **changes) -> SimSpec:
    """The world of a config; `ground` and `obstacles` are the test's own."""
    return dataclasses.replace(sim_spec(cfg), **changes)


def build(cfg, visual: bool = False, **changes) -> RobotModel:
    return build_model(spec_of(cfg, **changes), visual)


def make(backend: str, cfg, num_envs: int, deterministic: bool = False, **changes):
    return make_simulator(spec_of(cfg, **changes), num_envs, backend, "cpu", deterministic)


def sloped_ground() -> HeightField:
    """9 x 9 m that rise by a tenth along +x from z = 0.2 at x = 0; cells of 0.1 m."""
    x = np.linspace(-4.5, 4.5, 91)
    heights = np.tile(0.2 + 0.1 * x, (91, 1)).astype(np.float32)
    low, high = heights.min(), heights.max()
    return HeightField((heights - low) / (high - low), (4.5, 4.5, float(high - low), 1.0), (0.0, 0.0, float(low)))


def root_states(n: int, height: float, spread: float = 0.0) -> torch.Tensor:
    """(n, 13) upright at rest, `spread` m apart along x."""
    states = torch.zeros(n, 13)
    states[:, 0] = spread * torch.arange(n)
    states[:, 2] = height
    states[:, 6] = 1.0
    return states


def everyone(sim) -> torch.Tensor:
    return torch.arange(sim.num_envs)


def place_a1(sim, height: float = 0.36) -> None:
    """All robots from the model's initial state into the standing pose; friction and the like stay as they are."""
    ids = everyone(sim)
    sim.reset(ids)
    sim.set_root_states(ids, root_states(sim.num_envs, height))
    sim.set_dof_states(ids, A1_POSE.repeat(sim.num_envs, 1), torch.zeros(sim.num_envs, 12))


def stand(sim, steps: int) -> None:
    for _ in range(steps):
        sim.step(A1_POSE.repeat(sim.num_envs, 1), 4)


def trajectory(sim, steps: int, decimation: int = 4, amplitude: float = 0.0) -> torch.Tensor:
    """(steps, N, 37): root and joint states under reproducible targets."""
    generator = torch.Generator().manual_seed(7)
    out = []
    for _ in range(steps):
        noise = amplitude * torch.randn(sim.num_envs, 12, generator=generator)
        sim.step(A1_POSE + noise, decimation)
        out.append(torch.cat((sim.root_states, sim.dof_pos, sim.dof_vel), dim=1).clone())
    return torch.stack(out)
