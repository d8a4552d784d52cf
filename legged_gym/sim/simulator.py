"""The seam: everything an environment may know of physics.

An environment holds a `Simulator` and nothing else of an engine. All tensors are torch float32 on `device` in
Isaac Gym's conventions: world frame z up, quaternions x,y,z,w, velocities of the link frame origin in the world
frame. Joints and bodies come in the order of `dof_names` and `body_names`, never in the engine's.

Shapes: N environments, D joints, B bodies, R rays, K obstacles.
"""

from __future__ import annotations

import functools
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, TypeVar

import numpy as np
import torch

from legged_gym.sim.pictures.camera import FIELD_OF_VIEW as FIELD_OF_VIEW
from legged_gym.sim.pictures.camera import Camera as Camera


@dataclass
class PhysicsFailure:
    """What a simulator knows of environments whose physics broke down.

    Attributes:
        env_ids: (n,) the environments, sorted.
        reason: the engine's message of those that broke down last.
        before: the state before the failing step, by name, each (n, ...): enough to reproduce the failure.
    """

    env_ids: torch.Tensor
    reason: str
    before: Dict[str, torch.Tensor]


class Simulator(ABC):
    """N independent copies of one robot on one ground.

    Attributes:
        device: where all tensors live.
        num_envs: N.
        dof_names: the D joints, in the order of every (.., D) tensor.
        body_names: the B bodies, in the order of every (.., B, ..) tensor; the first is the root.
        dof_pos_limits: (D, 2) rad.
        dof_vel_limits: (D,) rad/s.
        torque_limits: (D,) N m.
        mass: kg of a robot as in its file.
        sim_dt: seconds of one sub-step.
        root_states: (N, 13) position, quaternion xyzw, linear and angular velocity of the root body.
        dof_pos: (N, D) rad.
        dof_vel: (N, D) rad/s.
        torques: (N, D) N m, as applied in the last sub-step, after limits and motor strength.
        contact_forces: (N, B, 3) N, net force of all contacts on each body in the last sub-step, world frame.
        failed: (N,) bool, whose physics broke down and who were not reset since; their state is undefined.

    The tensors are buffers that every call refreshes in place: clone what must survive the next call.
    """

    device: torch.device
    num_envs: int
    dof_names: List[str]
    body_names: List[str]
    dof_pos_limits: torch.Tensor
    dof_vel_limits: torch.Tensor
    torque_limits: torch.Tensor
    mass: float
    sim_dt: float

    root_states: torch.Tensor
    dof_pos: torch.Tensor
    dof_vel: torch.Tensor
    torques: torch.Tensor
    contact_forces: torch.Tensor
    failed: torch.Tensor

    @property
    @abstractmethod
    def failure(self) -> Optional[PhysicsFailure]:
        """What is known of environments that `failed`, or None; on a GPU, reading it waits for the physics."""

    def counts(self) -> Dict[str, torch.Tensor]:
        """What the engine had to leave out in the steps since the last call, 0-d by the name it is logged under.

        Nothing here waits for the device. Empty for an engine that leaves out nothing.
        """
        return {}

    @abstractmethod
    def states_of(self, bodies: torch.Tensor) -> torch.Tensor:
        """(N, n, 13) like `root_states` for bodies (n,); computed on demand and current even after a teleport."""

    @property
    def body_states(self) -> torch.Tensor:
        """The same for all B bodies."""
        return self.states_of(self._every_body)

    @functools.cached_property
    def _every_body(self) -> torch.Tensor:
        return torch.arange(len(self.body_names), device=self.device)

    @abstractmethod
    def step(self, targets: torch.Tensor, decimation: int) -> None:
        """Advance `decimation` sub-steps with the engine's PD controller at every sub-step.

        Args:
            targets: (N, D) joint positions, rad. torque = strength * (Kp (target - q) - Kd qd), then limits.
            decimation: number of sub-steps.

        Raises:
            RuntimeError: the model was built for torques from the caller.
        """

    @abstractmethod
    def step_torques(self, torques: torch.Tensor) -> None:
        """Advance one sub-step with joint torques from the caller.

        Args:
            torques: (N, D) N m; motor strength and the torque limits still apply.

        Raises:
            RuntimeError: the model was built for position targets.
        """

    @abstractmethod
    def reset(self, env_ids: torch.Tensor) -> None:
        """Put environments back to the model's initial state; clears velocities, warm starts and contact forces.

        Per-environment model fields and obstacles stay as they were set.

        Args:
            env_ids: (n,) sorted, unique.
        """

    @abstractmethod
    def set_root_states(self, env_ids: torch.Tensor, states: torch.Tensor) -> None:
        """Teleport root bodies: env_ids (n,) sorted, states (n, 13). Other environments keep every bit.

        A fixed base takes the pose and stays at rest.
        """

    @abstractmethod
    def set_dof_states(self, env_ids: torch.Tensor, positions: torch.Tensor, velocities: torch.Tensor) -> None:
        """Teleport joints: env_ids (n,) sorted, positions and velocities (n, D). Other environments keep every bit."""

    @abstractmethod
    def generalized_state(self) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The engine's own coordinates, verbatim: all that the next step depends on, for data that others replay.

        Float64, in the order and the frames of the engine; they may be buffers, like the tensors above.

        Returns:
            qpos (N, nq), qvel (N, nv), and qacc_warmstart (N, nv), the accelerations that the solver of the contacts
            starts from. A free base comes first in MuJoCo: position, quaternion wxyz; linear velocity in the world
            frame, angular velocity in the base frame.
        """

    @abstractmethod
    def set_generalized_state(
        self, env_ids: torch.Tensor, qpos: torch.Tensor, qvel: torch.Tensor, warm_start: torch.Tensor
    ) -> None:
        """Teleport environments (n,), sorted, to rows of what `generalized_state` returned; others keep every bit."""

    @abstractmethod
    def cast_rays(
        self,
        origins: torch.Tensor,
        directions: torch.Tensor,
        env_ids: Optional[torch.Tensor] = None,
        robot: bool = False,
        max_distance: float = math.inf,
        ground: bool = True,
    ) -> torch.Tensor:
        """Distances from ray origins to the first surface hit.

        Args:
            origins: (n, R, 3) world frame, m; or (n, 1, 3) for rays from one point.
            directions: (n, R, 3) world frame; distances are in units of their length.
            env_ids: (n,) sorted environments of the rows, or None for all.
            robot: whether rays see the environment's own robot besides ground and obstacles.
            max_distance: how far to look, in the same units; what is beyond is a miss. Short rays are cheap ones.
            ground: whether rays see it besides the obstacles.

        Returns:
            (n, R), +inf for a miss.
        """

    @abstractmethod
    def set_friction(self, env_ids: torch.Tensor, friction: torch.Tensor) -> None:
        """Set the robot's friction coefficient, (n,); it is averaged with the ground's, as in PhysX."""

    @abstractmethod
    def set_masses(self, env_ids: torch.Tensor, body: str, added_mass: torch.Tensor) -> None:
        """Add (n,) kg to the nominal mass of one body; its inertia is scaled alike (same shape, other density)."""

    @abstractmethod
    def set_coms(self, env_ids: torch.Tensor, body: str, displacement: torch.Tensor) -> None:
        """Move the nominal centre of mass of one body by (n, 3) m in its own frame."""

    @abstractmethod
    def set_joint_friction(self, env_ids: torch.Tensor, added_friction: torch.Tensor) -> None:
        """Add (n, D) N m to the dry friction that joints have by the robot file."""

    @abstractmethod
    def set_gains(self, env_ids: torch.Tensor, kp: torch.Tensor, kd: torch.Tensor) -> None:
        """Set the PD gains of the engine's controller, kp (n, D) N m/rad and kd (n, D) N m s/rad."""

    @abstractmethod
    def set_motor_strength(self, env_ids: torch.Tensor, strength: torch.Tensor) -> None:
        """Set the factor (n, D) between commanded and produced torque, before the torque limits."""

    @abstractmethod
    def set_obstacles(
        self, env_ids: torch.Tensor, poses: torch.Tensor, half_sizes: Optional[torch.Tensor] = None
    ) -> None:
        """Place obstacles; moving them alone is cheaper than giving them other sizes.

        Args:
            env_ids: (n,) sorted.
            poses: (n, K, 7) position and quaternion xyzw of their middles.
            half_sizes: (n, K, 3) m, those of a cylinder are radius, radius, half length (along z); 0 hides an obstacle,
                None leaves sizes as they are.
        """

    @abstractmethod
    def bodies_in_pose(self, dof_pos: torch.Tensor) -> torch.Tensor:
        """Where bodies are in poses (K, D) of a robot whose root stands upright in the origin, (K, B, 3) m, on the CPU.

        The simulated robots are left alone.
        """

    @abstractmethod
    def render(self, env_id: int, camera: Optional[Camera] = None, width: int = 640, height: int = 480) -> Any:
        """RGB frame (height, width, 3) uint8 of one environment, drawn by OpenGL or, without one, by tracing rays."""

    @abstractmethod
    def open_window(self, camera: Camera, on_key: Callable[[int], None]) -> Window:
        """A window that follows one robot at a time from where `camera` stands.

        Args:
            camera: its lookat is not read.
            on_key: gets the GLFW code of every key that is pressed, in the thread of the window.

        Raises:
            UserError: no window can be opened here.
        """

    @abstractmethod
    def open_looks(self) -> Looks:
        """What robots and obstacles look like, for programs that draw by themselves.

        Raises:
            UserError: a package is missing.
        """

    @abstractmethod
    def describe_physics(self) -> Dict[str, Any]:
        """What the robot file does not say and the motion depends on, nominal, as values that JSON can hold.

        Its ``joints`` are a list in the order of `dof_names`; a user's program that reads all of it and the robot file
        has the same robot on the same ground.
        """

    @abstractmethod
    def state_dict(self) -> Dict[str, Any]:
        """Everything needed to go on bit for bit, per-environment model fields included."""

    @abstractmethod
    def load_state_dict(self, state: Dict[str, Any]) -> None:
        """Restore what `state_dict` returned, from a simulator built alike."""

    @abstractmethod
    def close(self) -> None:
        """Free engine and rendering resources."""

    def body_indices(self, names: Sequence[str]) -> torch.Tensor:
        """Indices (n,) of the bodies whose name contains any of the given substrings, in body order."""
        found = [i for i, body in enumerate(self.body_names) if any(name in body for name in names)]
        return torch.tensor(found, dtype=torch.long, device=self.device)


class Shape(NamedTuple):
    """A rigid piece of what a robot looks like.

    Attributes:
        part: what it moves with, a row of `Looks.poses`.
        vertices: (V, 3) m, in the frame of the part.
        faces: (F, 3) indices of vertices.
        color: red, green, blue, 0 to 1.
    """

    part: int
    vertices: np.ndarray
    faces: np.ndarray
    color: Tuple[float, float, float]


class Looks(ABC):
    """Shapes, which stay, and poses, which are asked for again and again; reading them changes nothing.

    Attributes:
        parts: names of what moves; the first is the root.
        parents: index of the part that a part hangs on; -1 for the root.
        shapes: what a robot is made of.
        obstacles: "box" or "cylinder" of each of the K obstacles.
    """

    parts: List[str]
    parents: List[int]
    shapes: List[Shape]
    obstacles: List[str]

    @abstractmethod
    def poses(self, env_id: int) -> np.ndarray:
        """(P, 7) position, quaternion xyzw of the parts of an environment's robot."""

    @abstractmethod
    def obstacle_poses(self, env_id: int) -> Tuple[np.ndarray, np.ndarray]:
        """(K, 7) poses and (K, 3) half sizes of the obstacles of an environment; 0 for one that is not there."""

    @abstractmethod
    def snapshot(self, env_id: int) -> Any:
        """What `picture` needs to draw an environment later as it is now."""

    @abstractmethod
    def picture(self, snapshot: Any, camera: Camera, width: int, height: int) -> np.ndarray:
        """(height, width, 3) uint8, as `Simulator.render` draws it; from one thread alone, which closes it."""

    @abstractmethod
    def close(self) -> None:
        """Free what pictures need."""


W = TypeVar("W", bound="Window")


class Window(ABC):
    """Shows robots in real time; a context manager that closes it."""

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether the user has not closed it."""

    @abstractmethod
    def show(self, env_id: int, text: str) -> None:
        """Show the present state of an environment, and text in a corner."""

    @abstractmethod
    def wait(self, seconds: float) -> None:
        """Sleep until `seconds` after the last call, so that the robot moves in real time."""

    def __enter__(self: W) -> W:
        return self

    @abstractmethod
    def __exit__(self, *error: Any) -> None: ...
