"""What a simulated world is made of: a robot, its motors, the ground, obstacles and the solver."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np


class TriangleMesh(NamedTuple):
    """Vertices (V, 3), m, and faces (F, 3), counter-clockwise seen from outside."""

    vertices: np.ndarray
    faces: np.ndarray


@dataclass(frozen=True)
class HeightField:
    """Arguments of a MuJoCo height field and of the geom that shows it.

    Attributes:
        data: (nrow, ncol) float32 in 0..1; rows along +y, columns along +x; the ground is data * elevation range above
            the geom's frame. Vertices lie on the edge too: x from -size_x to +size_x, y from -size_y to +size_y.
        size: (size_x, size_y, elevation range, base thickness), m; the first two are half lengths.
        pos: position of the geom, m, in the frame of the map.
        mesh: the true surface, which rays see in the place of the field; None where that is the field itself.
    """

    data: np.ndarray
    size: Tuple[float, float, float, float]
    pos: Tuple[float, float, float]
    mesh: Optional[TriangleMesh] = None


@dataclass
class Solver:
    """MuJoCo's integrator and constraint solver, in the names and with the defaults of its options."""

    integrator: str = "euler"
    cone: str = "pyramidal"
    impratio: float = 1.0
    iterations: int = 100
    ls_iterations: int = 50
    tolerance: float = 1e-8


@dataclass
class SimSpec:
    """One robot on one ground.

    Attributes:
        file: URDF or MJCF; a scene may hold other things than the robot.
        joint_names: some joints of the robot, to find it in a scene.
        foot_name: feet are the bodies whose name contains this.
        dof_names, body_names: their order, None for depth first; the root is the first body.
        fixed_base: the root stays where `start_pos` (m) and `start_rot` (x, y, z, w) put it.
        self_collisions: whether the robot's parts collide with each other.
        armature: kg m^2 that joints have at least, for all or by part of a joint's name.
        position_control: whether the engine runs a PD controller with `stiffness` and `damping` by parts of names of
            joints (the last match wins); else it takes torques.
        torque_speed: stall torque (N m) and no-load speed (rad/s) of motors, by parts of names likewise: at speed v a
            motor gives from -stall (1 + v / no-load) to stall (1 - v / no-load), never past stall torque or the file's
            limit; faster than at no load it brakes.
        dt: s, a sub-step.
        ground: None for the plane z = 0.
        ground_friction: averaged with the robot's.
        obstacles: "box" or "cylinder" for each of the K obstacles that every environment has; they are hidden until
            `Simulator.set_obstacles` places them.
        num_threads: of the CPU backend; 0 for all CPUs of the process.
        contact_margin: memory of MuJoCo Warp for contacts, as a factor on what tumbling robots needed.
    """

    file: str
    joint_names: Sequence[str] = ()
    foot_name: str = "None"
    dof_names: Optional[Sequence[str]] = None
    body_names: Optional[Sequence[str]] = None
    collapse_fixed_joints: bool = True
    fixed_base: bool = False
    start_pos: Sequence[float] = (0.0, 0.0, 0.0)
    start_rot: Sequence[float] = (0.0, 0.0, 0.0, 1.0)
    self_collisions: bool = True
    armature: Union[float, Dict[str, float]] = 0.0
    position_control: bool = True
    stiffness: Dict[str, float] = field(default_factory=dict)
    damping: Dict[str, float] = field(default_factory=dict)
    torque_speed: Mapping[str, Sequence[float]] = field(default_factory=dict)
    dt: float = 0.005
    gravity: Sequence[float] = (0.0, 0.0, -9.81)
    solver: Solver = field(default_factory=Solver)
    ground: Optional[HeightField] = None
    ground_friction: float = 1.0
    obstacles: Sequence[str] = ()
    num_threads: int = 0
    contact_margin: float = 2.0
