"""The package isaacgym behind the seam: robots on PhysX, for who has NVIDIA's package (Python 3.8).

Written against its API alone, and tested on our own implementation of that. Motors are PD controllers in torch at every
sub-step. The API has no rays, no obstacles of changing sizes and no access to the solver's state: a call that needs one
of these says so. On its GPU pipeline, states of bodies are those of before a teleport until the next step.
"""

from __future__ import annotations

import importlib
import math
import os
from typing import Any, Callable, Dict, NoReturn, Optional, Tuple

import numpy as np
import torch
from torch import Tensor

from legged_gym.errors import UserError
from legged_gym.sim.robot.gains import gains_of
from legged_gym.sim.simulator import Camera, Looks, PhysicsFailure, Simulator, Window
from legged_gym.sim.spec import SimSpec

_INT16_MAX = 32_767
_NO_LIMIT = 1e30  # N m


LACKS = {
    "obstacles": "obstacles that change their sizes", "torque_speed": "torque-speed curves",
    "rays": "rays, which cameras need", "solver": "state of the solver", "render": "pictures without its own window",
    "window": "window of ours", "looks": "shapes to draw", "description": "description of its physics",
}  # fmt: skip
"""What the API has not: name -> in words."""


def _lacks(name: str) -> NoReturn:
    raise UserError(f"--sim=isaacgym: its API has no {LACKS[name]}; use --sim=mujoco for this")


class IsaacGymSimulator(Simulator):
    """N environments of one robot in a simulation of Isaac Gym."""

    def __init__(self, spec: SimSpec, num_envs: int, device: str = "cuda:0", deterministic: bool = False) -> None:
        """Create the simulation; `deterministic` changes nothing, which a note says; obstacles are refused."""
        if deterministic:
            print("note: --deterministic changes nothing with --sim=isaacgym: PhysX has no such switch in its API")
        if spec.obstacles or spec.torque_speed:
            _lacks("obstacles" if spec.obstacles else "torque_speed")
        self._api: Any = importlib.import_module("isaacgym.gymapi")
        self._torch: Any = importlib.import_module("isaacgym.gymtorch")
        self._gym, self.num_envs, self.sim_dt = self._api.acquire_gym(), num_envs, spec.dt
        self.device = torch.device(device)
        self._spec, self._position_control = spec, spec.position_control
        self._sim = self._gym.create_sim(self.device.index or 0, -1, self._api.SIM_PHYSX, self._params())
        if self._sim is None:
            raise UserError(f"--sim=isaacgym: it cannot make a simulation on {device}; look at its own message above")
        self._add_ground()
        self._create_robots()
        self._gym.prepare_sim(self._sim)
        self._make_buffers()
        self.reset(torch.arange(num_envs, device=self.device))

    # ---------------------------------------------------------------- creation

    def _params(self) -> Any:
        params, gpu = self._api.SimParams(), self.device.type == "cuda"
        params.dt, params.substeps, params.up_axis = self._spec.dt, 1, self._api.UP_AXIS_Z
        params.gravity = self._api.Vec3(*(float(part) for part in self._spec.gravity))
        params.use_gpu_pipeline = params.physx.use_gpu = gpu
        physx = params.physx
        physx.num_threads, physx.solver_type = self._spec.num_threads or 10, 1
        physx.num_position_iterations, physx.num_velocity_iterations = 4, 0
        physx.contact_offset, physx.rest_offset = 0.01, 0.0
        physx.bounce_threshold_velocity, physx.max_depenetration_velocity = 0.5, 1.0
        physx.max_gpu_contact_pairs, physx.default_buffer_size_multiplier = 2**23, 5
        return params

    def _add_ground(self) -> None:
        field, friction = self._spec.ground, self._spec.ground_friction
        if field is None:
            params = self._api.PlaneParams()
            params.normal = self._api.Vec3(0.0, 0.0, 1.0)
        else:
            rows, cols = field.data.shape
            params = self._api.HeightFieldParams()
            params.nbRows, params.nbColumns = rows, cols
            params.row_scale = params.column_scale = 2.0 * field.size[0] / (cols - 1)
            params.vertical_scale = field.size[2] / _INT16_MAX
            corner = field.pos[0] - field.size[0], field.pos[1] - field.size[1], field.pos[2]
            params.transform.p = self._api.Vec3(*(float(part) for part in corner))
        params.static_friction = params.dynamic_friction = friction
        params.restitution = 0.0
        if field is None:
            self._gym.add_ground(self._sim, params)
        else:
            samples = np.rint(field.data.T * _INT16_MAX).astype(np.int16)  # along x first
            self._gym.add_heightfield(self._sim, np.ascontiguousarray(samples), params)

    def _create_robots(self) -> None:
        gym, api, spec = self._gym, self._api, self._spec
        options = api.AssetOptions()
        options.collapse_fixed_joints, options.fix_base_link = spec.collapse_fixed_joints, spec.fixed_base
        options.default_dof_drive_mode, options.density = int(api.DOF_MODE_EFFORT), 0.001
        options.angular_damping = options.linear_damping = 0.0
        options.max_angular_velocity = options.max_linear_velocity = 1000.0
        folder, file = os.path.split(os.path.abspath(spec.file))
        asset = gym.load_asset(self._sim, folder, file, options)
        names, bodies = gym.get_asset_dof_names(asset), gym.get_asset_rigid_body_names(asset)
        self.dof_names, self.body_names = list(spec.dof_names or names), list(spec.body_names or bodies)
        self._dofs = [names.index(name) for name in self.dof_names]
        self._bodies = [bodies.index(name) for name in self.body_names]
        dofs = gym.get_asset_dof_properties(asset)
        dofs["driveMode"].fill(int(api.DOF_MODE_EFFORT))
        table = spec.armature if isinstance(spec.armature, dict) else {"": spec.armature}
        dofs["armature"] = np.maximum(dofs["armature"], gains_of(names, table))
        self._limits = dofs[self._dofs]
        nowhere = api.Vec3(0.0, 0.0, 0.0)
        start = api.Transform(api.Vec3(*map(float, spec.start_pos)), api.Quat(*map(float, spec.start_rot)))
        self._envs = []
        for number in range(self.num_envs):
            env = gym.create_env(self._sim, nowhere, nowhere, int(math.sqrt(self.num_envs)))
            gym.create_actor(env, asset, start, "robot", number, 0 if spec.self_collisions else 1, 0)
            gym.set_actor_dof_properties(env, 0, dofs)
            self._envs.append(env)
        self._nominal = gym.get_actor_rigid_body_properties(self._envs[0], 0)
        self.mass = float(sum(body.mass for body in self._nominal))

    def _make_buffers(self) -> None:
        gym, sim, count, size = self._gym, self._sim, self.num_envs, len(self.dof_names)

        def wrapped(name: str) -> Tensor:
            tensor: Tensor = self._torch.wrap_tensor(getattr(gym, f"acquire_{name}_tensor")(sim))
            return tensor

        self.root_states, self._dof_state = wrapped("actor_root_state"), wrapped("dof_state")
        self._body_state, self._contact = wrapped("rigid_body_state"), wrapped("net_contact_force")

        def zeros(*shape: int) -> Tensor:
            return torch.zeros(count, *shape, device=self.device)

        self.dof_pos, self.dof_vel, self.torques = zeros(size), zeros(size), zeros(size)
        self.contact_forces, self.failed = zeros(len(self.body_names), 3), zeros().bool()
        limits = self._limits
        free = np.where(limits["hasLimits"], 0.0, np.inf)
        self.dof_pos_limits = self._tensor(np.stack((limits["lower"] - free, limits["upper"] + free), axis=1))
        efforts = np.where(limits["effort"] < _NO_LIMIT, limits["effort"], np.inf)
        self.dof_vel_limits, self.torque_limits = self._tensor(limits["velocity"]), self._tensor(efforts)
        self._kp = self._tensor(gains_of(self.dof_names, self._spec.stiffness)).repeat(count, 1)
        self._kd = self._tensor(gains_of(self.dof_names, self._spec.damping)).repeat(count, 1)
        self._strength = torch.ones_like(self._kp)
        shapes = self._gym.get_actor_rigid_shape_properties(self._envs[0], 0)
        self._friction = zeros() + (shapes[0].friction if shapes else 0.0)
        self._masses: Dict[str, Tensor] = {}  # kg added, by body
        self._coms: Dict[str, Tensor] = {}  # m moved, by body
        self._before: Dict[str, Tensor] = {}
        self._start = self._tensor([*self._spec.start_pos, *self._spec.start_rot, *[0.0] * 6])

    def _tensor(self, values: Any) -> Tensor:
        return torch.from_numpy(np.array(values, dtype=np.float32, order="C")).to(self.device)

    # ---------------------------------------------------------------- stepping

    def step(self, targets: Tensor, decimation: int) -> None:
        """See `Simulator.step`."""
        if not self._position_control:
            raise RuntimeError("the model takes torques: call step_torques, or build it with control_type 'P'")
        self._remember(targets)
        for _ in range(decimation):
            self._advance(self._strength * (self._kp * (targets - self.dof_pos) - self._kd * self.dof_vel))
        self._refresh()

    def step_torques(self, torques: Tensor) -> None:
        """See `Simulator.step_torques`."""
        if self._position_control:
            raise RuntimeError("the model takes position targets: call step, or build it with another control_type")
        self._remember(torques)
        self._advance(self._strength * torques)
        self._refresh()

    def _remember(self, command: Tensor) -> None:
        """What there was before a step, for who wants to know why it failed."""
        now = {"root_states": self.root_states, "dof_pos": self.dof_pos, "dof_vel": self.dof_vel, "ctrl": command}
        failed = self.failed[:, None]
        self._before = {name: torch.where(failed, self._before.get(name, own), own) for name, own in now.items()}

    def _advance(self, torques: Tensor) -> None:
        # asked before the step too: an engine may put what is no number right by itself
        self.failed |= ~torch.isfinite(torques + self.dof_pos + self.dof_vel).all(1)
        self.torques.copy_(torch.clip(torques, -self.torque_limits, self.torque_limits))
        efforts = torch.zeros_like(self.torques)
        efforts[:, self._dofs] = self.torques
        gym, sim = self._gym, self._sim
        gym.set_dof_actuation_force_tensor(sim, self._torch.unwrap_tensor(efforts))
        gym.simulate(sim)
        if self.device.type == "cpu":
            gym.fetch_results(sim, True)
        self._refresh_dofs()

    def _refresh_dofs(self) -> None:
        self._gym.refresh_dof_state_tensor(self._sim)
        states = self._dof_state.view(self.num_envs, -1, 2)[:, self._dofs]
        self.dof_pos.copy_(states[..., 0])
        self.dof_vel.copy_(states[..., 1])

    def _refresh(self) -> None:
        gym, sim = self._gym, self._sim
        gym.refresh_actor_root_state_tensor(sim)
        gym.refresh_net_contact_force_tensor(sim)
        self.contact_forces.copy_(self._contact.view(self.num_envs, -1, 3)[:, self._bodies])
        self.failed |= ~(torch.isfinite(self.root_states).all(1) & torch.isfinite(self.dof_pos).all(1))

    @property
    def failure(self) -> Optional[PhysicsFailure]:
        """See `Simulator.failure`."""
        env_ids = torch.nonzero(self.failed).flatten()
        before = {name: tensor[env_ids] for name, tensor in self._before.items()}
        why = "a position, velocity or torque became NaN or infinite"
        return PhysicsFailure(env_ids, why, before) if len(env_ids) else None

    def states_of(self, bodies: Tensor) -> Tensor:
        """See `Simulator.states_of`."""
        self._gym.refresh_rigid_body_state_tensor(self._sim)
        return self._body_state.view(self.num_envs, -1, 13)[:, self._bodies][:, bodies]

    # ---------------------------------------------------------------- teleports

    def reset(self, env_ids: Tensor) -> None:
        """See `Simulator.reset`."""
        self.set_root_states(env_ids, self._start.repeat(len(env_ids), 1))
        nothing = torch.zeros(len(env_ids), len(self.dof_names), device=self.device)
        self.set_dof_states(env_ids, nothing, nothing)
        for tensor in (self.contact_forces, self.torques, self.failed):
            tensor[env_ids] = 0

    def set_root_states(self, env_ids: Tensor, states: Tensor) -> None:
        """See `Simulator.set_root_states`."""
        self.root_states[env_ids] = states
        if self._spec.fixed_base:
            self.root_states[env_ids, 7:] = 0.0
        self._set("actor_root_state", self.root_states, env_ids)

    def set_dof_states(self, env_ids: Tensor, positions: Tensor, velocities: Tensor) -> None:
        """See `Simulator.set_dof_states`."""
        self.dof_pos[env_ids], self.dof_vel[env_ids] = positions, velocities
        states = self._dof_state.view(self.num_envs, -1, 2)
        states[:, self._dofs] = torch.stack((self.dof_pos, self.dof_vel), dim=-1)
        self._set("dof_state", self._dof_state, env_ids)

    def _set(self, name: str, tensor: Tensor, env_ids: Tensor) -> None:
        indices, unwrap = env_ids.to(torch.int32), self._torch.unwrap_tensor
        call = getattr(self._gym, f"set_{name}_tensor_indexed")
        call(self._sim, unwrap(tensor), unwrap(indices), len(indices))

    def bodies_in_pose(self, dof_pos: Tensor) -> Tensor:
        """See `Simulator.bodies_in_pose`; the first robot poses, and goes back to where it was."""
        first = torch.zeros(1, dtype=torch.int64, device=self.device)
        before = self.root_states[:1].clone(), self.dof_pos[:1].clone(), self.dof_vel[:1].clone()
        upright = torch.zeros(1, 13, device=self.device)
        upright[:, 6], places = 1.0, []
        for pose in dof_pos.to(self.device):
            self.set_root_states(first, upright)
            self.set_dof_states(first, pose[None], torch.zeros_like(pose[None]))
            if self.device.type == "cuda":  # states of bodies are made by a step
                self._gym.simulate(self._sim)
            bodies = self.body_states[0, :, :3]
            places.append((bodies - bodies[:1]).cpu())
        self.set_root_states(first, before[0])
        self.set_dof_states(first, before[1], before[2])
        return torch.stack(places)

    # ---------------------------------------------------------------- what differs between environments

    def set_friction(self, env_ids: Tensor, friction: Tensor) -> None:
        """See `Simulator.set_friction`."""
        self._friction[env_ids] = friction.to(self.device)
        for number, value in zip(env_ids.tolist(), friction.tolist()):
            shapes = self._gym.get_actor_rigid_shape_properties(self._envs[number], 0)
            for shape in shapes:
                shape.friction = value
            self._gym.set_actor_rigid_shape_properties(self._envs[number], 0, shapes)

    def set_masses(self, env_ids: Tensor, body: str, added_mass: Tensor) -> None:
        """See `Simulator.set_masses`."""
        index = self._bodies[self.body_names.index(body)]
        nominal = float(self._nominal[index].mass)
        if bool((nominal + added_mass <= 0).any()):
            least = nominal + float(added_mass.min())
            raise UserError(f"body {body} of {nominal:.3f} kg would get a mass of {least:.3f} kg")
        self._masses.setdefault(body, torch.zeros_like(self._friction))[env_ids] = added_mass.to(self.device)
        for number, value in zip(env_ids.tolist(), added_mass.tolist()):
            bodies = self._gym.get_actor_rigid_body_properties(self._envs[number], 0)
            bodies[index].mass = nominal + value
            self._gym.set_actor_rigid_body_properties(self._envs[number], 0, bodies, recomputeInertia=True)

    def set_coms(self, env_ids: Tensor, body: str, displacement: Tensor) -> None:
        """See `Simulator.set_coms`."""
        index = self._bodies[self.body_names.index(body)]
        own = self._nominal[index].com
        self._coms.setdefault(body, self.root_states.new_zeros(self.num_envs, 3))[env_ids] = displacement.to(
            self.device
        )
        for number, shift in zip(env_ids.tolist(), displacement.tolist()):
            bodies = self._gym.get_actor_rigid_body_properties(self._envs[number], 0)
            place = [part + by for part, by in zip((own.x, own.y, own.z), shift)]
            bodies[index].com = self._api.Vec3(*place)
            self._gym.set_actor_rigid_body_properties(self._envs[number], 0, bodies, recomputeInertia=False)

    def set_joint_friction(self, env_ids: Tensor, added_friction: Tensor) -> None:
        """See `Simulator.set_joint_friction`; PhysX has a unit of its own for it."""
        for number, added in zip(env_ids.tolist(), added_friction.cpu().numpy()):
            joints = self._gym.get_actor_dof_properties(self._envs[number], 0)
            joints["friction"][self._dofs] = self._limits["friction"] + added
            self._gym.set_actor_dof_properties(self._envs[number], 0, joints)

    def set_gains(self, env_ids: Tensor, kp: Tensor, kd: Tensor) -> None:
        """See `Simulator.set_gains`."""
        self._kp[env_ids], self._kd[env_ids] = kp, kd

    def set_motor_strength(self, env_ids: Tensor, strength: Tensor) -> None:
        """See `Simulator.set_motor_strength`."""
        self._strength[env_ids] = strength

    def state_dict(self) -> Dict[str, Any]:
        """See `Simulator`; the solver's memory is out of reach, so a run that goes on does so a little otherwise."""
        saved: Dict[str, Any] = {name: getattr(self, attribute).clone() for name, attribute in _SAVED.items()}
        for name, table in (("masses", self._masses), ("coms", self._coms)):
            saved[name] = {body: by.clone() for body, by in table.items()}
        return {"state": saved}

    def load_state_dict(self, state: Dict[str, Any]) -> None:
        """See `state_dict`."""
        saved, own = state["state"], self.root_states.shape
        if not isinstance(saved, dict) or "root_states" not in saved or saved["root_states"].shape != own:
            raise UserError("saved physics does not fit: resume with the same simulator, robot, task and num_envs")
        every = torch.arange(self.num_envs, device=self.device)
        self.set_root_states(every, saved["root_states"].to(self.device))
        self.set_dof_states(every, saved["dof_pos"].to(self.device), saved["dof_vel"].to(self.device))
        # what is as it was is not set: PhysX takes some of it once alone
        if not torch.equal(saved["friction"].to(self.device), self._friction):
            self.set_friction(every, saved["friction"])
        for name, table, setter in (("masses", self._masses, self.set_masses), ("coms", self._coms, self.set_coms)):
            for body in {**table, **saved[name]}:
                wanted = saved[name][body] if body in saved[name] else torch.zeros_like(table[body])
                if body not in table or not torch.equal(wanted.to(self.device), table[body]):
                    setter(every, body, wanted)
        for name, attribute in _SAVED.items():
            getattr(self, attribute).copy_(saved[name])
        self.failed.zero_()

    # ---------------------------------------------------------------- what the API has not

    def set_obstacles(self, env_ids: Tensor, poses: Tensor, half_sizes: Optional[Tensor] = None) -> None:
        """See `Simulator.set_obstacles`; there are none."""

    def cast_rays(
        self,
        origins: Tensor,
        directions: Tensor,
        env_ids: Optional[Tensor] = None,
        robot: bool = False,
        max_distance: float = math.inf,
        ground: bool = True,
    ) -> Tensor:
        """Not there."""
        _lacks("rays")

    def generalized_state(self) -> Tuple[Tensor, Tensor, Tensor]:
        """Not there."""
        _lacks("solver")

    def set_generalized_state(self, env_ids: Tensor, qpos: Tensor, qvel: Tensor, warm_start: Tensor) -> None:
        """Not there."""
        _lacks("solver")

    def render(self, env_id: int, camera: Optional[Camera] = None, width: int = 640, height: int = 480) -> Any:
        """Not there."""
        _lacks("render")

    def open_window(self, camera: Camera, on_key: Callable[[int], None]) -> Window:
        """Not there."""
        _lacks("window")

    def open_looks(self) -> Looks:
        """Not there."""
        _lacks("looks")

    def describe_physics(self) -> Dict[str, Any]:
        """Not there."""
        _lacks("description")

    def close(self) -> None:
        """See `Simulator.close`."""
        self._gym.destroy_sim(self._sim)


_SAVED = {
    "root_states": "root_states", "dof_pos": "dof_pos", "dof_vel": "dof_vel", "torques": "torques",
    "contact_forces": "contact_forces", "kp": "_kp", "kd": "_kd", "strength": "_strength", "friction": "_friction",
}  # fmt: skip
