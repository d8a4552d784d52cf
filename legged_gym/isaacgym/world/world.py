"""A prepared simulation: model, engine, state tensors and drives."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any, Dict, List, Set, Tuple

import numpy as np
import torch

from legged_gym.errors import UserError
from legged_gym.isaacgym.world.build import Slot, build_model, find_slots
from legged_gym.isaacgym.world.cameras import Cameras
from legged_gym.isaacgym.world.control import Control
from legged_gym.isaacgym.world.properties import FIELDS, upload, upload_all
from legged_gym.isaacgym.world.scene import Sim
from legged_gym.isaacgym.world.sensors import Dynamics, ForceSensors
from legged_gym.isaacgym.world.states import States
from legged_gym.sim.model import RobotModel

_TELL_EVERY = 100
# of MuJoCo Warp: on what was measured, and for each actor besides
_CONTACT_MARGIN, _CONTACTS_OF_OTHERS = 2.0, 32


class World:
    """What `prepare_sim` makes.

    Attributes:
        engine: steps N copies of the model.
        slots: places of actors, the same in all environments.
        states: tensors of states.
        control: what drives and forces are told.
        dynamics: Jacobians and mass matrices that were asked for, by name of actor.
        frames: how many steps were made.
        changed: kinds of properties, by slot, of environments that were changed since the last step.
    """

    def __init__(self, sim: Sim) -> None:
        """Compile the scene and upload all properties."""
        _check(sim)
        self.sim, self.num_envs = sim, len(sim.envs)
        self.model = build_model(sim)
        self.slots: List[Slot] = find_slots(sim, self.model)
        self.engine = _make_engine(self.model, sim, self.slots)
        upload_all(self.engine, sim, self.slots)
        self.states = States(sim, self.engine, self.slots)
        self.control = Control(sim, self.engine, self.slots, self.states)
        self.states.start()
        self.cameras, self.force_sensors = Cameras(self), ForceSensors(self)
        self.dynamics: Dict[str, Dynamics] = {}
        self.frames, self._failures = 0, 0
        self.changed: Dict[Tuple[str, int], Set[int]] = {}

    def change(self, kind: str, actor: Any) -> None:
        """Remember that a table of an actor was replaced."""
        self.changed.setdefault((kind, actor.index), set()).add(actor.env.index)

    def settle(self) -> None:
        """Upload what was changed."""
        for (kind, number), envs in self.changed.items():
            upload(self.engine, self.sim, self.slots[number], kind, sorted(envs))
            if kind == "dofs":
                self.control.read_drives()
        self.changed.clear()
        self.states.known_coms = None

    def simulate(self) -> None:
        """One step of `dt`."""
        if self.changed:
            self.settle()
        self.control.apply()
        failed, reason = self.states.advance(max(int(self.sim.params.substeps), 1))
        self.control.clear()
        self.control.hold_speeds()
        self.frames += 1
        if len(failed):
            self._restore(failed, reason)

    def _restore(self, failed: np.ndarray, reason: str) -> None:
        """Put environments whose physics broke down back to how they were created."""
        before = self._failures
        self._failures += len(failed)
        if before == 0 or before // _TELL_EVERY != self._failures // _TELL_EVERY:
            text = f"physics of environment {failed[0]} broke down ({reason}) and began anew; {self._failures} so far"
            print(f"warning: {text}", file=sys.stderr)
        self.states.restore(torch.from_numpy(failed).to(self.sim.device))

    def dynamics_of(self, name: str) -> Dynamics:
        """Of the actors of a name, which is that of the first environment's."""
        names = [actor.name for actor in self.sim.envs[0].actors]
        if name not in names:
            raise UserError(f"there is no actor '{name}', there are {', '.join(names)}")
        if name not in self.dynamics:
            self.dynamics[name] = Dynamics(self, self.slots[names.index(name)])
        return self.dynamics[name]

    def set_gravity(self, gravity: List[float]) -> None:
        """m/s^2, of all environments."""
        field = self.engine.field("opt.gravity")
        field[...] = torch.tensor(gravity, dtype=field.dtype, device=field.device)


def choose_device(index: int, gpu_pipeline: bool) -> torch.device:
    """Where tensors and engine live: on the GPU if the GPU pipeline is asked for, and there is one with Warp."""
    gpu = gpu_pipeline and torch.cuda.is_available() and importlib.util.find_spec("mujoco_warp") is not None
    return torch.device(f"cuda:{max(index, 0)}" if gpu else "cpu")


def _check(sim: Sim) -> None:
    """All environments must be alike, as they share one model."""
    if not sim.envs or not sim.envs[0].actors:
        raise UserError("prepare_sim: there is no actor: create environments and actors first")
    first = [actor.asset.scene_key for actor in sim.envs[0].actors]
    for env in sim.envs:
        if [actor.asset.scene_key for actor in env.actors] != first:
            raise UserError(
                f"prepare_sim: environment {env.index} has other actors than environment 0, which MuJoCo's batches"
                " cannot have: give all environments the same assets in the same order"
            )


def _make_engine(model: Any, sim: Sim, slots: List[Slot]) -> Any:
    if sim.device.type == "cpu":
        from legged_gym.sim.mujoco_cpu import CpuEngine

        return CpuEngine(model, len(sim.envs))
    return warp_engine(model, sim, slots)


def warp_engine(model: Any, sim: Sim, slots: List[Slot]) -> Any:
    """MuJoCo Warp, with room for what the first actor meets when it tumbles, and some for the others."""
    from legged_gym.sim.mujoco_warp import DERIVED_OF_INERTIA, WarpEngine
    from legged_gym.sim.warp.contacts import contact_sizes

    sizes = contact_sizes(_first_robot(model, slots[0]), _CONTACT_MARGIN) if len(slots[0].geom_ids) else (0, 0)
    more = _CONTACTS_OF_OTHERS * len(slots)
    per_env = [*FIELDS, *DERIVED_OF_INERTIA]
    return WarpEngine(model, len(sim.envs), sim.device, per_env, (sizes[0] + more, sizes[1] + 4 * more))


def _first_robot(model: Any, slot: Slot) -> RobotModel:
    none, joints = np.zeros(0, dtype=np.int64), slot.joint_ids
    limits = np.where(model.jnt_limited[joints][:, None], model.jnt_range[joints], [-np.inf, np.inf])
    return RobotModel(
        model=model, dof_names=slot.asset.dof_names, body_names=slot.asset.body_names, qpos_ids=slot.qpos_ids,
        qvel_ids=slot.qvel_ids, body_ids=slot.body_ids, robot_geoms=slot.geom_ids, obstacle_geoms=none,
        cylinders=none.astype(bool), position_control=False, dof_pos_limits=limits, dof_vel_limits=none,
        torque_limits=none, fixed_base=slot.fixed, root_mocap=slot.root if slot.fixed else -1, obstacle_mocaps=none,
        ground_mesh=None,
    )  # fmt: skip
