"""What the two MuJoCo backends share: from engine arrays to the tensors of the seam.

A backend provides its engine's arrays as torch tensors (`EngineArrays`, zero-copy, any float type), how to advance,
to recompute derived fields, to reset, and its per-environment model fields; this class does the rest, once.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Callable, Dict, Optional, Tuple

import numpy as np
import torch
from torch import Tensor

from legged_gym.errors import UserError
from legged_gym.rotations import quat_rotate, quat_rotate_inverse
from legged_gym.sim.engine_arrays import EngineArrays, engine_sizes
from legged_gym.sim.model import (
    HIDDEN_HALF_SIZE,
    HIDDEN_POSITION,
    RobotModel,
    bodies_in_pose,
    build_model,
    combined_friction,
    shown_groups,
)
from legged_gym.sim.physics_description import describe_physics
from legged_gym.sim.pictures.rendering import SceneRenderer, SceneState
from legged_gym.sim.robot.gains import gains_of, torque_speed_of
from legged_gym.sim.simulator import Camera, Looks, PhysicsFailure, Simulator, Window
from legged_gym.sim.spec import SimSpec

# the model fields that may differ between environments
FIELDS = (
    "geom_friction", "geom_size", "body_mass", "body_inertia", "body_ipos", "actuator_gainprm", "actuator_biasprm",
    "dof_frictionloss",
)  # fmt: skip

# columns of `actuator_gainprm` of a motor with a torque-speed curve, which has a controller of its own
_CONTROLLER_KP, _CONTROLLER_KD = 4, 6

# saved by these names besides the engine's state
_SAVED_BUFFERS = {
    "contact_forces": "contact_forces",
    "torques": "torques",
    "kp": "_kp",
    "kd": "_kd",
    "strength": "_strength",
    "obstacles": "_obstacles",
}


class MujocoSimulator(Simulator):
    """Buffers, frames and domain randomisation over an engine's arrays; see `Simulator` for the contract."""

    def __init__(self, spec: SimSpec, num_envs: int, device: str) -> None:
        """Build the model and the buffers, with N environments and all tensors on a torch device."""
        self.device = torch.device(device)
        self.num_envs = num_envs
        self.robot: RobotModel = build_model(spec)
        self._make_scene = lambda: SceneRenderer(lambda: build_model(spec, visual=True).model, shown_groups)
        self._scene = self._make_scene()
        self.dof_names, self.body_names = self.robot.dof_names, self.robot.body_names
        self.dof_pos_limits = self._tensor(self.robot.dof_pos_limits)
        self.dof_vel_limits = self._tensor(self.robot.dof_vel_limits)
        self.torque_limits = self._tensor(self.robot.torque_limits)
        self.mass = float(self.robot.model.body_subtreemass[self.robot.body_ids[0]])
        self.sim_dt = spec.dt
        self._ground_friction = spec.ground_friction
        dofs, bodies = len(self.dof_names), len(self.body_names)
        # one packed buffer, so that a step converts the whole state with one gather
        self._packed = torch.zeros(num_envs, 13 + 2 * dofs, device=self.device)
        self.root_states = self._packed[:, :13]
        self.dof_pos = self._packed[:, 13 : 13 + dofs]
        self.dof_vel = self._packed[:, 13 + dofs :]
        self.failed = torch.zeros(num_envs, dtype=torch.bool, device=self.device)
        self._reason = "a position, velocity or target became NaN, infinite or huge"
        self._previous = torch.zeros(num_envs, 13 + 3 * dofs, device=self.device)  # state and control before a step
        self.torques = torch.zeros(num_envs, dofs, device=self.device)
        self.contact_forces = torch.zeros(num_envs, bodies, 3, device=self.device)
        self._known_bodies: Dict[int, Tuple[Tensor, Tensor]] = {}  # by id of indices, which stay alive here: states
        self._gather = torch.as_tensor(self._packing_order(), device=self.device)
        self._engine_pose = torch.tensor([0, 1, 2, 6, 3, 4, 5], device=self.device)  # of `root_states`: quaternion wxyz
        self._qpos_ids = torch.as_tensor(self.robot.qpos_ids, device=self.device)
        self._qvel_ids = torch.as_tensor(self.robot.qvel_ids, device=self.device)
        self._kp = self._tensor(gains_of(self.dof_names, spec.stiffness)).repeat(num_envs, 1)
        self._kd = self._tensor(gains_of(self.dof_names, spec.damping)).repeat(num_envs, 1)
        self._strength = torch.ones(num_envs, dofs, device=self.device)
        curved = np.isfinite(torque_speed_of(self.dof_names, spec.torque_speed)[0])
        self._plain, self._curved = (torch.from_numpy(np.flatnonzero(x)).to(self.device) for x in (~curved, curved))
        self._robot_geoms = torch.as_tensor(self.robot.robot_geoms, device=self.device)
        self._obstacle_geoms = torch.as_tensor(self.robot.obstacle_geoms, device=self.device)
        self._obstacle_mocaps = torch.as_tensor(self.robot.obstacle_mocaps, device=self.device)
        self._cylinders = torch.as_tensor(self.robot.cylinders, device=self.device)
        self._hidden = self._tensor(HIDDEN_POSITION)
        self._obstacles = torch.zeros(num_envs, len(spec.obstacles), 10, device=self.device)  # pose, half sizes
        self._obstacles[..., 6] = 1.0

    # ---------------------------------------------------------------- what a backend provides

    _arrays: EngineArrays

    @abstractmethod
    def _advance(self, substeps: int) -> None:
        """Advance all environments, find failures."""

    @abstractmethod
    def _find_bodies(self, bodies: Tensor) -> Tensor:
        """States (N, n, 13) of bodies (n,) as the robots are now."""

    @abstractmethod
    def _reset_engine(self, env_ids: Tensor) -> None:
        """Initial state of the model, no warm start."""

    @abstractmethod
    def _field(self, name: str) -> Tensor:
        """Model field with its values per environment, (N, ...), to read and to write."""

    @abstractmethod
    def _update_constants(self, env_ids: Tensor, inertia: bool) -> None:
        """Recompute what depends on masses and inertias (`inertia`) or on sizes alone."""

    # ---------------------------------------------------------------- stepping

    def step(self, targets: Tensor, decimation: int) -> None:
        """See `Simulator.step`."""
        if not self.robot.position_control:
            raise RuntimeError("the model takes torques: call step_torques, or build it with control_type 'P'")
        self._arrays.ctrl.copy_(targets)
        self._step(decimation)

    def step_torques(self, torques: Tensor) -> None:
        """See `Simulator.step_torques`."""
        if self.robot.position_control:
            raise RuntimeError("the model takes position targets: call step, or build it with another control_type")
        self._arrays.ctrl.copy_(torques)
        if len(self._curved):
            self._arrays.ctrl[:, self._curved] *= self._strength[:, self._curved]
        self._step(1)

    def _step(self, substeps: int) -> None:
        now = torch.cat((self._packed, self._arrays.ctrl.float()), dim=1)
        torch.where(self.failed[:, None], self._previous, now, out=self._previous)  # of who failed, it stays as it was
        self._advance(substeps)
        self._refresh()

    @property
    def failure(self) -> Optional[PhysicsFailure]:
        """See `Simulator.failure`."""
        env_ids = torch.nonzero(self.failed).flatten()
        if not len(env_ids):
            return None
        dofs = len(self.dof_names)
        before = self._previous[env_ids].split((13, dofs, dofs, dofs), dim=1)
        names = ("root_states", "dof_pos", "dof_vel", "ctrl")
        return PhysicsFailure(env_ids=env_ids, reason=self._reason, before=dict(zip(names, before)))

    def _refresh(self) -> None:
        """Engine state -> seam tensors, for every environment."""
        torch.index_select(self._engine_rows(), 1, self._gather, out=self._packed)
        # MuJoCo gives a free joint's angular velocity in the body frame
        self.root_states[:, 10:13] = quat_rotate(self.root_states[:, 3:7], self.root_states[:, 10:13])
        self.torques.copy_(self._arrays.actuator_force)
        # a contact sensor reports the force its body exerts; the force on the body is the opposite
        self.contact_forces.copy_(self._arrays.sensordata.view(self.num_envs, -1, 3)).neg_()
        self._forget_bodies()

    def _engine_rows(self, env_ids: Optional[Tensor] = None) -> Tensor:
        """(n, k) float32: qpos then qvel, and before them the pose and zero velocity of a base that is fixed."""
        arrays = self._arrays
        parts = [arrays.qpos, arrays.qvel]
        if self.robot.fixed_base:
            root, still = self.robot.root_mocap, arrays.qvel.new_zeros(self.num_envs, 6)
            parts = [arrays.mocap_pos[:, root], arrays.mocap_quat[:, root], still, *parts]
        if env_ids is not None:
            parts = [part.index_select(0, env_ids) for part in parts]
        return torch.cat(parts, dim=1).float()

    def _packing_order(self) -> np.ndarray:
        """Columns of `_engine_rows` in the order position, quaternion xyzw, velocities, joints."""
        start = 13 if self.robot.fixed_base else 0
        nq = self.robot.model.nq
        root_velocity = 7 if self.robot.fixed_base else nq
        root = np.concatenate(([0, 1, 2, 4, 5, 6, 3], root_velocity + np.arange(6)))
        return np.concatenate((root, start + self.robot.qpos_ids, start + nq + self.robot.qvel_ids))

    # ---------------------------------------------------------------- bodies

    def states_of(self, bodies: Tensor) -> Tensor:
        """See `Simulator.states_of`; who asks again with the same tensor before the robots move gets the same."""
        if id(bodies) not in self._known_bodies:
            self._known_bodies[id(bodies)] = bodies, self._find_bodies(bodies)
        return self._known_bodies[id(bodies)][1]

    def _forget_bodies(self) -> None:
        """Bodies have moved."""
        self._known_bodies.clear()

    def _teleported(self) -> None:
        """Robots or obstacles have been put somewhere else."""
        self._forget_bodies()

    # ---------------------------------------------------------------- teleports

    def reset(self, env_ids: Tensor) -> None:
        """See `Simulator.reset`."""
        self._reset_engine(env_ids)
        self._place_obstacles(env_ids)
        for tensor in (self.contact_forces, self.torques, self.failed):
            tensor.index_fill_(0, env_ids, 0)
        self._packed.index_copy_(0, env_ids, self._engine_rows(env_ids).index_select(1, self._gather))
        self._teleported()

    def set_root_states(self, env_ids: Tensor, states: Tensor) -> None:
        """See `Simulator.set_root_states`."""
        arrays = self._arrays
        real = arrays.qpos.dtype
        self.root_states[env_ids] = states
        pose = states.index_select(1, self._engine_pose).to(real)
        if self.robot.fixed_base:
            self.root_states[env_ids, 7:] = 0.0
            arrays.mocap_pos[env_ids, self.robot.root_mocap] = pose[:, :3]
            arrays.mocap_quat[env_ids, self.robot.root_mocap] = pose[:, 3:]
        else:
            spin = quat_rotate_inverse(states[:, 3:7], states[:, 10:13])
            arrays.qpos[env_ids, :7] = pose
            arrays.qvel[env_ids, :6] = torch.cat((states[:, 7:10], spin), dim=1).to(real)
        self._teleported()

    def set_dof_states(self, env_ids: Tensor, positions: Tensor, velocities: Tensor) -> None:
        """See `Simulator.set_dof_states`."""
        self.dof_pos[env_ids], self.dof_vel[env_ids] = positions, velocities
        arrays, rows = self._arrays, env_ids[:, None]
        arrays.qpos[rows, self._qpos_ids] = positions.to(arrays.qpos.dtype)
        arrays.qvel[rows, self._qvel_ids] = velocities.to(arrays.qvel.dtype)
        self._teleported()

    def generalized_state(self) -> Tuple[Tensor, Tensor, Tensor]:
        """See `Simulator.generalized_state`."""
        arrays = self._arrays
        return arrays.qpos.double(), arrays.qvel.double(), arrays.qacc_warmstart.double()

    def set_generalized_state(self, env_ids: Tensor, qpos: Tensor, qvel: Tensor, warm_start: Tensor) -> None:
        """See `Simulator.set_generalized_state`."""
        arrays = self._arrays
        for array, values in ((arrays.qpos, qpos), (arrays.qvel, qvel), (arrays.qacc_warmstart, warm_start)):
            array[env_ids] = values.to(array)
        rows = self._engine_rows(env_ids).index_select(1, self._gather)
        rows[:, 10:13] = quat_rotate(rows[:, 3:7], rows[:, 10:13])
        self._packed[env_ids] = rows
        self._teleported()

    # ---------------------------------------------------------------- per-environment model fields

    def set_friction(self, env_ids: Tensor, friction: Tensor) -> None:
        """See `Simulator.set_friction`."""
        value = combined_friction(friction, self._ground_friction)
        self._write("geom_friction", (env_ids[:, None], self._robot_geoms, 0), value[:, None])

    def set_masses(self, env_ids: Tensor, body: str, added_mass: Tensor) -> None:
        """See `Simulator.set_masses`."""
        model = self.robot.model
        index = model.body(body).id
        nominal = float(model.body_mass[index])
        mass = nominal + added_mass
        if bool((mass <= 0).any()):
            raise UserError(f"body {body} of {nominal:.3f} kg would get a mass of {float(mass.min()):.3f} kg")
        inertia = self._tensor(model.body_inertia[index]) * (mass / nominal)[:, None]
        self._write("body_mass", (env_ids, index), mass)
        self._write("body_inertia", (env_ids, index), inertia)
        self._update_constants(env_ids, inertia=True)

    def set_coms(self, env_ids: Tensor, body: str, displacement: Tensor) -> None:
        """See `Simulator.set_coms`."""
        index = self.robot.model.body(body).id
        nominal = self._tensor(self.robot.model.body_ipos[index])
        self._write("body_ipos", (env_ids, index), nominal + displacement)
        self._update_constants(env_ids, inertia=True)

    def set_joint_friction(self, env_ids: Tensor, added_friction: Tensor) -> None:
        """See `Simulator.set_joint_friction`."""
        nominal = self._tensor(self.robot.model.dof_frictionloss[self.robot.qvel_ids])
        self._write("dof_frictionloss", (env_ids[:, None], self._qvel_ids), nominal + added_friction)

    def set_gains(self, env_ids: Tensor, kp: Tensor, kd: Tensor) -> None:
        """See `Simulator.set_gains`."""
        self._kp[env_ids], self._kd[env_ids] = kp, kd
        self._write_actuators(env_ids)

    def set_motor_strength(self, env_ids: Tensor, strength: Tensor) -> None:
        """See `Simulator.set_motor_strength`."""
        self._strength[env_ids] = strength
        self._write_actuators(env_ids)

    def _write_actuators(self, env_ids: Tensor) -> None:
        """Force = gain * ctrl + bias1 * q + bias2 * qd; for torque control gain is the strength alone."""
        strength, rows, plain, curved = self._strength[env_ids], env_ids[:, None], self._plain, self._curved
        if not self.robot.position_control:
            self._write("actuator_gainprm", (rows, plain, 0), strength[:, plain])
            return
        kp, kd = strength * self._kp[env_ids], strength * self._kd[env_ids]
        self._write("actuator_gainprm", (rows, plain, 0), kp[:, plain])
        self._write("actuator_biasprm", (rows, plain, 1), -kp[:, plain])
        self._write("actuator_biasprm", (rows, plain, 2), -kd[:, plain])
        self._write("actuator_gainprm", (rows, curved, _CONTROLLER_KP), kp[:, curved])
        self._write("actuator_gainprm", (rows, curved, _CONTROLLER_KD), kd[:, curved])

    def set_obstacles(self, env_ids: Tensor, poses: Tensor, half_sizes: Optional[Tensor] = None) -> None:
        """See `Simulator.set_obstacles`."""
        self._obstacles[env_ids, :, :7] = poses
        if half_sizes is not None:
            self._obstacles[env_ids, :, 7:] = half_sizes
            sizes = torch.where((half_sizes <= 0).any(-1, keepdim=True), HIDDEN_HALF_SIZE, half_sizes)
            self._write("geom_size", (env_ids[:, None], self._obstacle_geoms), engine_sizes(sizes, self._cylinders))
            self._update_constants(env_ids, inertia=False)
        self._place_obstacles(env_ids)
        self._teleported()

    def _place_obstacles(self, env_ids: Tensor) -> None:
        """Write the poses of the obstacles as they were last set."""
        if self._obstacles.shape[1] == 0:
            return
        arrays, at = self._arrays, (env_ids[:, None], self._obstacle_mocaps)
        placed = self._obstacles[env_ids]
        hidden = (placed[..., 7:] <= 0).any(-1, keepdim=True)
        position = torch.where(hidden, self._hidden, placed[..., :3])
        arrays.mocap_pos[at] = position.to(arrays.mocap_pos.dtype)
        arrays.mocap_quat[at] = placed[..., [6, 3, 4, 5]].to(arrays.mocap_quat.dtype)

    def _write(self, name: str, index: Tuple[Any, ...], value: Tensor) -> None:
        field = self._field(name)
        field[index] = value.to(field.dtype)

    # ---------------------------------------------------------------- the rest

    def bodies_in_pose(self, dof_pos: Tensor) -> Tensor:
        """See `Simulator.bodies_in_pose`."""
        return torch.from_numpy(bodies_in_pose(self.robot, dof_pos.numpy()).astype(np.float32))

    def render(self, env_id: int, camera: Optional[Camera] = None, width: int = 640, height: int = 480) -> np.ndarray:
        """See `Simulator.render`."""
        return self._scene.render(self._scene_state(env_id), camera or Camera(), width, height)

    def open_window(self, camera: Camera, on_key: Callable[[int], None]) -> Window:
        """See `Simulator.open_window`."""
        from legged_gym.sim.pictures.window import MujocoWindow

        return MujocoWindow(self._make_scene(), self._scene_state, camera, on_key)

    def open_looks(self) -> Looks:
        """See `Simulator.open_looks`."""
        from legged_gym.sim.pictures.looks import MujocoLooks

        return MujocoLooks(self._make_scene(), self._scene_state, self.robot.cylinders)

    def _scene_state(self, env_id: int) -> SceneState:
        arrays = self._arrays
        parts = (arrays.qpos, arrays.mocap_pos, arrays.mocap_quat, self._obstacles[..., 7:])
        return SceneState(*(part[env_id].cpu().numpy() for part in parts))

    def describe_physics(self) -> Dict[str, Any]:
        """See `Simulator.describe_physics`."""
        return describe_physics(self.robot)

    def _buffers_state(self) -> Dict[str, Tensor]:
        """Buffers that the engine's state alone does not determine."""
        return {name: getattr(self, attribute).clone() for name, attribute in _SAVED_BUFFERS.items()}

    def _load_buffers(self, state: Dict[str, Tensor]) -> None:
        for name, attribute in _SAVED_BUFFERS.items():
            getattr(self, attribute).copy_(state[name])
        self.failed.zero_()

    def _tensor(self, array: Any) -> Tensor:
        return torch.as_tensor(np.asarray(array), dtype=torch.float32, device=self.device)

    def close(self) -> None:
        """See `Simulator.close`."""
        self._scene.close()
