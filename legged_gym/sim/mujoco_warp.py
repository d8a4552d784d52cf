"""MuJoCo Warp: N worlds on an NVIDIA GPU, or on Warp's CPU device, where the tests run it.

State, sensors and per-environment model fields are torch tensors over the engine's own memory; nothing is copied to the
host. The sub-steps of a step are recorded once as a graph and replayed. A step ends with kinematics and body velocities
for the new state: they cost 3 % of one sub-step, and leave the contact forces and torques of the last sub-step as they
are. Needs MuJoCo >= 4.0 and mujoco_warp; imported only when chosen.
"""

from __future__ import annotations

import copy
import functools
import math
import operator
import os
import sys
from typing import Any, Callable, ContextManager, Dict, Optional, Sequence, Set, Tuple

import mujoco
import mujoco_warp as mjw
import numpy as np
import torch
import warp as wp
from torch import Tensor

from legged_gym.errors import UserError
from legged_gym.sim.engine_arrays import EngineArrays, fill_body_states
from legged_gym.sim.model import ROBOT_GROUP
from legged_gym.sim.mujoco_base import FIELDS, MujocoSimulator
from legged_gym.sim.scene_rays import SceneRays
from legged_gym.sim.simulator import PhysicsFailure
from legged_gym.sim.spec import SimSpec
from legged_gym.sim.warp.contacts import contact_sizes, impossible_contact_filter
from legged_gym.sim.warp.order import keep_order
from legged_gym.sim.warp.overflow import Overflow

# what mjw.set_const derives from the fields that may differ
DERIVED_OF_INERTIA = ("body_subtreemass", "dof_invweight0", "body_invweight0", "actuator_acc0")
DERIVED_OF_SIZE = ("geom_aabb", "geom_rbound")

# a position or velocity beyond this is a failure, as in MuJoCo's mj_checkPos
HUGE = 1e10


class WarpEngine:
    """The worlds of one MuJoCo Warp model.

    Attributes:
        engine_model, data: of MuJoCo Warp.
        per_env: model fields of which each environment has its own.
        arrays: of the engine, as tensors.
        overflow: contacts that had no room.
    """

    def __init__(
        self,
        model: Any,
        num_envs: int,
        device: torch.device,
        per_env: Sequence[str],
        sizes: Tuple[int, int],
        deterministic: bool = False,
    ) -> None:
        """Put N copies of a model on the device.

        Args:
            model: a MuJoCo model.
            num_envs: N.
            device: of torch.
            per_env: model fields of which each environment has its own.
            sizes: room for contacts and constraints, see `contact_sizes`.
            deterministic: see `MujocoWarpSimulator`.
        """
        _start_warp()
        self.model, self.device, self.per_env = model, device, list(per_env)
        self._wp_device = wp.device_from_torch(device)
        self._graphs: Dict[Any, Any] = {}
        with wp.ScopedDevice(self._wp_device):
            self.engine_model = mjw.put_model(model, batch_sizes={name: num_envs for name in per_env})
            self.engine_model.opt.deterministic = deterministic
            self.engine_model.opt.warn_overflow = 0  # a kernel would print at every sub-step; see Overflow
            # without it the solver's loop is unrolled to its last iteration; CUDA has it from 12.4
            self.engine_model.opt.graph_conditional = wp.is_conditional_graph_supported() or self._wp_device.is_cpu
            if model.nhfield:
                filter_ = impossible_contact_filter(model, self._wp_device)
                self.engine_model.callback.contactfilter = filter_
            self.data = mjw.make_data(model, nworld=num_envs, nconmax=sizes[0], njmax=sizes[1])
            if deterministic:
                keep_order(self.engine_model, self.data, self._wp_device)
        self.arrays = EngineArrays(
            **{name: wp.to_torch(getattr(self.data, name)) for name in EngineArrays.__annotations__}
        )
        self.overflow = Overflow(self.data, device, deterministic)
        self._initial = {name: getattr(self.arrays, name)[0].clone() for name in ("qpos", "mocap_pos", "mocap_quat")}
        # once for all, so that doing it for one environment later does not change the last digits of the others
        self._stale_constants: Set[bool] = {True}
        self.settle_constants()
        self.forward()

    # ---------------------------------------------------------------- running kernels

    def run(self, key: Any, work: Callable[[], None]) -> None:
        """Do work that launches kernels: the first time as it is, which compiles them; then recorded, then replayed."""
        if key not in self._graphs:
            self._synchronize()
            with wp.ScopedDevice(self._wp_device):
                work()
            self._synchronize()
            self._graphs[key] = None
            return
        if self._graphs[key] is None:
            with wp.ScopedDevice(self._wp_device), wp.ScopedCapture(device=self._wp_device) as capture:
                work()
            self._graphs[key] = capture.graph
        stream = wp.stream_from_torch(self.device) if self._wp_device.is_cuda else None
        wp.capture_launch(self._graphs[key], stream=stream)

    def on_stream(self) -> ContextManager[Any]:
        """Kernels launched inside run in order with torch's."""
        if self._wp_device.is_cpu:
            return wp.ScopedDevice(self._wp_device)
        return wp.ScopedStream(wp.stream_from_torch(self.device))

    def _synchronize(self) -> None:
        if self._wp_device.is_cuda:
            torch.cuda.synchronize(self.device)
            wp.synchronize_device(self._wp_device)

    # ---------------------------------------------------------------- stepping

    def advance(self, substeps: int) -> None:
        """Advance all; poses and velocities are current, forces those of the last sub-step."""
        self.settle_constants()
        self.run(("step", substeps), lambda: self._substeps(substeps))
        self.overflow.look()

    def _substeps(self, count: int) -> None:
        for _ in range(count):
            mjw.step(self.engine_model, self.data)
        self.overflow.note()
        self._current()

    def _current(self) -> None:
        """Make poses and velocities of bodies current, and nothing else: forces stay those of the last sub-step."""
        mjw.kinematics(self.engine_model, self.data)
        mjw.com_pos(self.engine_model, self.data)
        mjw.com_vel(self.engine_model, self.data)

    def forward(self, stale: Optional[Tensor] = None) -> None:
        """Recompute poses and velocities of bodies, for all: what was current comes out the same."""
        self.run(("forward",), self._current)

    def reset(self, env_ids: Tensor) -> None:
        """Initial state of the model, no warm start."""
        arrays = self.arrays
        for name, value in self._initial.items():
            getattr(arrays, name)[env_ids] = value
        for tensor in (arrays.qvel, arrays.qacc_warmstart, arrays.ctrl, arrays.actuator_force, arrays.sensordata):
            tensor[env_ids] = 0.0

    def fill_bodies(self, out: Tensor, bodies: Tensor, roots: Tensor) -> None:
        """Write states of bodies (B,) with the roots (B,) or (1,) of their trees; see `fill_body_states`."""
        fill_body_states(out, self.arrays, bodies, roots, torch.linalg.cross)

    # ---------------------------------------------------------------- model fields

    def field(self, name: str) -> Tensor:
        """Model field with its values per environment, (N, ...); of an option (1, ...)."""
        return wp.to_torch(operator.attrgetter(name)(self.engine_model))

    def write(self, name: str, index: Tuple[Any, ...], value: Tensor) -> None:
        """Set values of a model field."""
        field = self.field(name)
        field[index] = value.to(field)

    def update_constants(self, env_ids: Tensor, inertia: bool) -> None:
        """Recompute what depends on masses and inertias (`inertia`) or on sizes alone, before the next step."""
        # the engine does it for all environments at once, at an eighth of the cost of a step
        self._stale_constants.add(inertia)

    def settle_constants(self) -> bool:
        """Derive what depends on masses, inertias and sizes, if any have changed; whether that made poses stale."""
        if not self._stale_constants:
            return False
        inertia = True in self._stale_constants
        groups = mjw.SetConstGroup.ALL if inertia else mjw.SetConstGroup.FIXED
        self.run(("constants", inertia), lambda: mjw.set_const(self.engine_model, self.data, groups))
        self._stale_constants.clear()
        # body poses have been put back to what they were, velocities have not
        return inertia

    def forget_constants(self) -> None:
        """All that would be derived has been loaded."""
        self._stale_constants.clear()

    # ---------------------------------------------------------------- rays

    def cast(
        self, origins: Tensor, directions: Tensor, groups: np.ndarray, env_ids: Optional[Tensor] = None
    ) -> Tuple[Tensor, Tensor]:
        """Distances (n, R) to the first geoms of some groups, infinite for a miss, and their ids."""
        origins = origins.expand_as(directions)
        count, rays = origins.shape[:2]
        model, data = self.engine_model, self.data
        if env_ids is not None:
            # rays read poses and sizes of geoms alone: a shallow copy with the rows of these environments will do
            model, data = copy.copy(model), copy.copy(data)
            data.nworld = count
            data.geom_xpos = self._rows(data.geom_xpos, env_ids)
            data.geom_xmat = self._rows(data.geom_xmat, env_ids)
            if "geom_size" in self.per_env:
                model.geom_size = self._rows(model.geom_size, env_ids)
        shown = wp.types.vector(length=6, dtype=float)(0.0)
        for group in np.flatnonzero(groups):
            shown[int(group)] = 1.0
        distance = torch.empty(count, rays, device=self.device)
        geoms = torch.empty(count, rays, dtype=torch.int32, device=self.device)
        with self.on_stream():
            mjw.rays(
                model,
                data,
                pnt=wp.from_torch(origins.contiguous(), dtype=wp.vec3),
                vec=wp.from_torch(directions.contiguous(), dtype=wp.vec3),
                geomgroup=shown,
                flg_static=True,
                bodyexclude=wp.full(rays, -1, dtype=int),
                dist=wp.from_torch(distance),
                geomid=wp.from_torch(geoms),
                normal=wp.empty((count, rays), dtype=wp.vec3),
            )
        return distance.masked_fill_(distance < 0, math.inf), geoms

    @staticmethod
    def _rows(array: Any, env_ids: Tensor) -> Any:
        return wp.from_torch(wp.to_torch(array)[env_ids].contiguous(), dtype=array.dtype)

    def close(self) -> None:
        """Free the graphs."""
        self.overflow.tell()
        self._graphs.clear()


class MujocoWarpSimulator(MujocoSimulator):
    """N environments as the worlds of one MuJoCo Warp model."""

    def __init__(self, spec: SimSpec, num_envs: int, device: str = "cuda:0", deterministic: bool = False) -> None:
        """Put model and data on the device.

        Args:
            spec: the world.
            num_envs: N.
            device: a torch device, 'cuda:0' or 'cpu'.
            deterministic: contacts, constraint rows and sums in the same order in every run, for some speed, as long as
                there is room for all contacts. A CPU repeats without.
        """
        if device == "cuda":
            device = f"cuda:{torch.cuda.current_device()}"
        super().__init__(spec, num_envs, device)
        self._body_ids = torch.as_tensor(self.robot.body_ids, device=self.device)
        self._stale = False  # whether poses and velocities of bodies are of before a teleport
        per_env = [*FIELDS, *DERIVED_OF_INERTIA, *DERIVED_OF_SIZE]
        if not spec.obstacles:
            per_env = [name for name in per_env if name not in ("geom_size", *DERIVED_OF_SIZE)]
        sizes = contact_sizes(self.robot, spec.contact_margin)
        self.engine = WarpEngine(self.robot.model, num_envs, self.device, per_env, sizes, deterministic)
        self._arrays, self._run = self.engine.arrays, self.engine.run
        self.engine_model, self.data = self.engine.engine_model, self.engine.data
        self._refresh()

    # ---------------------------------------------------------------- what the base class asks for

    def _advance(self, substeps: int) -> None:
        self.engine.advance(substeps)
        self._stale = False

    def _refresh(self) -> None:
        super()._refresh()
        # a target that is no number has to be looked for by itself, as the torque limits turn it into a number;
        # not "> HUGE", as every comparison with NaN is false
        largest = torch.maximum(self._packed.abs().amax(dim=1), self._arrays.ctrl.abs().amax(dim=1))
        self.failed |= ~(largest < HUGE)

    @property
    def failure(self) -> Optional[PhysicsFailure]:
        """See `Simulator.failure`."""
        failure = super().failure
        if failure is not None:
            self.engine.overflow.tell()
        return failure

    def counts(self) -> Dict[str, Tensor]:
        """See `Simulator.counts`."""
        return self.engine.overflow.take()

    def _find_bodies(self, bodies: Tensor) -> Tensor:
        self._flush()
        states = torch.empty(self.num_envs, len(bodies), 13, device=self.device)
        self.engine.fill_bodies(states, self._body_ids[bodies], self._body_ids[:1])
        return states

    def _flush(self) -> None:
        """Recompute poses and velocities of bodies, if robots were teleported."""
        if self._stale:
            self.engine.forward()
            self._stale = False

    def _teleported(self) -> None:
        super()._teleported()
        self._stale = True

    def _reset_engine(self, env_ids: Tensor) -> None:
        self.engine.reset(env_ids)

    def _field(self, name: str) -> Tensor:
        return self.engine.field(name)

    def _update_constants(self, env_ids: Tensor, inertia: bool) -> None:
        self.engine.update_constants(env_ids, inertia)

    # ---------------------------------------------------------------- the rest

    def cast_rays(
        self,
        origins: Tensor,
        directions: Tensor,
        env_ids: Optional[Tensor] = None,
        robot: bool = False,
        max_distance: float = math.inf,
        ground: bool = True,
    ) -> Tensor:
        """See `Simulator.cast_rays`; the engine casts rays at robots alone."""
        obstacles = self._obstacles if env_ids is None else self._obstacles[env_ids]
        with self.engine.on_stream():
            distance = self._scene_rays.cast(origins, directions, obstacles, max_distance, ground)
        if robot:
            self._flush()
            groups = np.zeros(mujoco.mjNGROUP, np.uint8)
            groups[ROBOT_GROUP] = 1
            seen, _ = self.engine.cast(origins, directions, groups, env_ids)
            torch.minimum(distance, seen.masked_fill_(seen > max_distance, math.inf), out=distance)
        return distance

    @functools.cached_property
    def _scene_rays(self) -> SceneRays:
        return SceneRays(self.robot.model, self.device, 1, self.robot.cylinders.tolist(), self.robot.ground_mesh)

    def state_dict(self) -> Dict[str, Any]:
        """See `Simulator.state_dict`."""
        if self.engine.settle_constants():
            self._stale = True
        arrays = self._arrays
        names = ("qpos", "qvel", "qacc_warmstart", "ctrl", "mocap_pos", "mocap_quat")
        state = {name: getattr(arrays, name).clone() for name in names}
        fields = {name: self._field(name).clone() for name in self.engine.per_env}
        return {"state": state, "fields": fields, "buffers": self._buffers_state()}

    def load_state_dict(self, state: Dict[str, Any]) -> None:
        """See `Simulator.load_state_dict`."""
        saved, own = state["state"], tuple(self._arrays.qpos.shape)
        alike = isinstance(saved, dict) and set(state["fields"]) <= set(self.engine.per_env)
        if not alike or tuple(saved["qpos"].shape) != own:
            raise UserError(
                f"the saved physics state does not fit this simulator, mujoco_warp for {own[0]} environments of size"
                f" {own[1]}: resume with the same simulator, robot, task and num_envs"
            )
        self.engine.forget_constants()
        for name in self.engine.per_env:  # those that are younger than the state are as in the model
            nominal = getattr(self.robot.model, name)
            self._field(name).copy_(torch.as_tensor(state["fields"].get(name, nominal)))
        for name, values in saved.items():
            getattr(self._arrays, name).copy_(values)
        self._stale = True
        self._refresh()
        self._load_buffers(state["buffers"])

    def close(self) -> None:
        """See `Simulator.close`."""
        self.engine.close()
        super().close()


def _start_warp() -> None:
    """Initialise Warp without a line for each kernel, but tell of the long wait if there are none compiled yet."""
    wp.config.log_level = max(wp.config.log_level, wp.LOG_WARNING)
    wp.init()
    if not os.listdir(wp.config.kernel_cache_dir):
        print("MuJoCo Warp compiles its kernels for this machine; it takes minutes, once", file=sys.stderr)
