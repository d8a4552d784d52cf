"""MuJoCo on CPUs: `mujoco.batch`, one C++ thread pool over all environments.

Between two calls a simulation is its row of numbers alone: the working memory of a step is one MjData for each thread,
which stays in its cache, where one for each of hundreds of robots would come from main memory every time. Poses and
velocities of bodies follow from the joints, in torch, when somebody asks. Results are bit-identical at any number of
threads. Needs MuJoCo >= 4.0 and is imported only when chosen.
"""

from __future__ import annotations

import functools
import importlib.util
import math
import os
import sys
import warnings
from typing import Any, Dict, Optional, Tuple

import mujoco
import numpy as np
import torch
from mujoco import batch as mujoco_batch
from torch import Tensor

from legged_gym.errors import UserError
from legged_gym.sim.engine_arrays import EngineArrays, cross_product, fill_body_states
from legged_gym.sim.model import GROUND_GROUP, OBSTACLE_GROUP, ROBOT_GROUP
from legged_gym.sim.mujoco_base import FIELDS, MujocoSimulator
from legged_gym.sim.robot.kinematics import Kinematics
from legged_gym.sim.spec import SimSpec

VEL = int(mujoco.mjtStage.mjSTAGE_VEL)
NONE = int(mujoco.mjtStage.mjSTAGE_NONE)
# what states of bodies are made of
_OF_BODIES = ("xpos", "xquat", "cvel", "subtree_com")
# the engine resets a simulation with a non-finite state by itself (a control: zeroes it) and counts one of these
BAD_STATE = [
    int(warning)
    for warning in (
        mujoco.mjtWarning.mjWARN_BADQPOS,
        mujoco.mjtWarning.mjWARN_BADQVEL,
        mujoco.mjtWarning.mjWARN_BADQACC,
        mujoco.mjtWarning.mjWARN_BADCTRL,
    )
]
WATCHED = [*BAD_STATE, int(mujoco.mjtWarning.mjWARN_CONTACTFULL), int(mujoco.mjtWarning.mjWARN_CNSTRFULL)]


class CpuEngine:
    """Copies of a model on a `mujoco.batch.Batch`.

    Attributes:
        arrays, numpy_arrays: of the engine, the same memory as tensors and as numpy's arrays.
    """

    def __init__(self, model: Any, num_envs: int, num_threads: int = 0, persistent: bool = True) -> None:
        """Make N copies.

        Args:
            model: an `MjModel`.
            num_envs: N.
            num_threads: of the pool; 0 for all CPUs of the process.
            persistent: whether `advance` leaves all derived fields current, with memory of its own for each
                environment. If not, there are none of bodies.
        """
        self.model, self.device = model, torch.device("cpu")
        self.batch = mujoco_batch.Batch(model, num_envs, num_threads or num_cpus(), persistent=persistent)
        self._stage = VEL if persistent else NONE
        self._initial = None if persistent else self.batch.state[:1].copy()
        names = EngineArrays.__annotations__
        bound = [name for name in names if persistent or name not in _OF_BODIES]
        self.arrays, self.numpy_arrays = (
            EngineArrays(**{**dict.fromkeys(names), **{name: take(self.batch, name) for name in bound}})
            for take in (_view, mujoco_batch.Batch.bind)
        )
        self._warned, self.num_threads = False, self.batch.nthread

    def advance(self, substeps: int) -> Tuple[np.ndarray, str]:
        """Advance all; returns the ids of who failed, and why."""
        raised, reason = np.zeros(0, np.int64), ""
        try:
            self.batch.step(nstep=substeps, stage=self._stage)
        except mujoco_batch.SimulationError as error:
            raised, reason = error.ids, str(error)
        bad = np.zeros(0, np.int64)
        if self.batch.warning.any():
            counts = self.batch.warning[:, WATCHED, 1]  # 0 is the index of the last one, 1 is how many
            self._warn_of_full_arena(counts)
            self.batch.warning[:, WATCHED] = 0
            bad = np.flatnonzero(counts[:, : len(BAD_STATE)].any(axis=1))
        if not raised.size and not bad.size:
            return bad, ""
        reason = reason or "a position, velocity, acceleration or target became NaN, infinite or huge"
        return np.union1d(raised, bad), reason

    def _warn_of_full_arena(self, counts: np.ndarray) -> None:
        """Say once that contacts were dropped because an environment's memory for them is full."""
        full = int(counts[:, len(BAD_STATE) :].any(axis=1).sum())
        if full and not self._warned:
            self._warned = True
            print(
                f"warning: {full} environments had more contacts than MuJoCo keeps memory for and lost some;"
                " simplify the robot's collision shapes or coarsen the ground",
                file=sys.stderr,
            )

    def fill_bodies(self, out: Tensor, bodies: Tensor, roots: Tensor) -> None:
        """Write states of bodies (B,) with the roots (B,) or (1,) of their trees; see `fill_body_states`."""
        # by numpy: torch would wake threads for each of these small operations, and wait for them on a busy machine
        fill_body_states(out.numpy(), self.numpy_arrays, bodies.numpy(), roots.numpy(), cross_product)

    def forward(self, stale: Tensor) -> None:
        """Recompute position and velocity stages of environments marked in (N,) bool."""
        self.batch.forward(ids=stale.numpy(), stage=VEL)

    def reset(self, env_ids: Tensor) -> None:
        """Initial state of the model, no warm start."""
        if self._initial is None:
            self.batch.reset(ids=env_ids.numpy(), stage=NONE)
        else:  # a simulation is its row
            self.batch.state[env_ids.numpy()] = self._initial

    def field(self, name: str) -> Tensor:
        """Model field with its values per environment, (N, ...)."""
        return torch.from_numpy(self.batch.expand(name))

    def write(self, name: str, index: Tuple[Any, ...], value: Tensor) -> None:
        """Set values of a model field."""
        # by numpy, as above
        where = tuple(part.numpy() if isinstance(part, Tensor) else part for part in index)
        self.batch.expand(name)[where] = value.numpy()

    def update_constants(self, env_ids: Tensor, inertia: bool) -> None:
        """Recompute what depends on masses, inertias and sizes."""
        # mj_setConst knows no parts; it takes 10 us an environment
        self.batch.set_const(ids=env_ids.numpy())

    def cast(
        self, origins: Tensor, directions: Tensor, groups: np.ndarray, env_ids: Optional[Tensor] = None
    ) -> Tuple[Tensor, Tensor]:
        """Distances (n, R) to the first geoms of some groups (mjNGROUP,), infinite for a miss, and their ids."""
        ids = None if env_ids is None else env_ids.numpy()
        distance, geoms = self.batch.ray(origins.numpy(), directions.numpy(), geomgroup=groups, ids=ids)
        out = torch.from_numpy(distance).float()
        return out.masked_fill_(out < 0, math.inf), torch.from_numpy(geoms)


class MujocoCpuSimulator(MujocoSimulator):
    """N environments on a `mujoco.batch.Batch`."""

    def __init__(self, spec: SimSpec, num_envs: int, device: str = "cpu", deterministic: bool = True) -> None:
        """See `MujocoSimulator`; all tensors live on the CPU, and results repeat anyway."""
        super().__init__(spec, num_envs, "cpu")
        self.engine = CpuEngine(self.robot.model, num_envs, spec.num_threads, persistent=False)
        self.batch, self._arrays = self.engine.batch, self.engine.arrays
        model = self.robot.model
        size = model.nq + model.nv
        offset = (self.batch.bind("qpos").__array_interface__["data"][0] - self.batch.state.ctypes.data) // 8
        self._state_view = torch.from_numpy(self.batch.state)[:, offset : offset + size]
        joints = [model.joint(name).id for name in self.dof_names]
        self._kinematics = Kinematics(model, self.robot.body_ids.tolist(), joints)
        self._frames: Optional[Tensor] = None  # what it says of the robots as they are
        # ball joints are not among the robot's angles, so that the engine has to say where they leave its bodies
        balls = bool((model.jnt_type == mujoco.mjtJoint.mjJNT_BALL).any())
        self._twin = CpuEngine(model, num_envs, spec.num_threads) if balls else None
        self._refresh()

    def _engine_rows(self, env_ids: Optional[Tensor] = None) -> Tensor:
        if self.robot.fixed_base:
            return super()._engine_rows(env_ids)
        # qpos and qvel are neighbours in the batch's rows: one conversion for both
        return (self._state_view if env_ids is None else self._state_view.index_select(0, env_ids)).float()

    def _advance(self, substeps: int) -> None:
        failed, reason = self.engine.advance(substeps)
        if failed.size:
            ids = torch.from_numpy(failed)
            if not self.failed[ids].all():
                self._reason = reason
            self.failed[ids] = True

    def _forget_bodies(self) -> None:
        super()._forget_bodies()
        self._frames = None

    def _find_bodies(self, bodies: Tensor) -> Tensor:
        if self._twin is not None:
            return self._find_by_engine(self._twin)[:, bodies]
        if self._frames is None:
            # of all robots, though few may have been teleported: the last digits of a product hang on its size
            self._frames = self._kinematics.states(self.root_states, self.dof_pos, self.dof_vel)
        return self._frames.index_select(0, self._kinematics.frame_of[bodies]).permute(2, 0, 1)

    def _find_by_engine(self, twin: CpuEngine) -> Tensor:
        ids, states = torch.from_numpy(self.robot.body_ids), torch.empty(self.num_envs, len(self.body_names), 13)
        twin.batch.state[...] = self.batch.state
        twin.forward(torch.ones(self.num_envs, dtype=torch.bool))
        twin.fill_bodies(states, ids, ids[:1])
        return states

    def _reset_engine(self, env_ids: Tensor) -> None:
        self.engine.reset(env_ids)

    def _field(self, name: str) -> Tensor:
        return self.engine.field(name)

    def _write(self, name: str, index: Tuple[Any, ...], value: Tensor) -> None:
        self.engine.write(name, index, value)

    def _update_constants(self, env_ids: Tensor, inertia: bool) -> None:
        self.engine.update_constants(env_ids, inertia)

    def cast_rays(
        self,
        origins: Tensor,
        directions: Tensor,
        env_ids: Optional[Tensor] = None,
        robot: bool = False,
        max_distance: float = math.inf,
        ground: bool = True,
    ) -> Tensor:
        """See `Simulator.cast_rays`; the engine casts rays at robots, and all rays where Warp is not installed."""
        scene, groups = self._scene_rays, np.zeros(mujoco.mjNGROUP, np.uint8)
        groups[ROBOT_GROUP] = robot
        if scene is None:
            groups[[GROUND_GROUP, OBSTACLE_GROUP]] = ground, True
            return self._cast_in_engine(origins, directions, env_ids, groups, max_distance)
        obstacles = self._obstacles if env_ids is None else self._obstacles[env_ids]
        distance = scene.cast(origins, directions, obstacles, max_distance, ground)
        if robot:
            seen = self._cast_in_engine(origins, directions, env_ids, groups, max_distance)
            torch.minimum(distance, seen, out=distance)
        return distance

    @functools.cached_property
    def _scene_rays(self) -> Optional[Any]:
        """A `SceneRays`, or None without Warp."""
        if importlib.util.find_spec("warp") is None:
            print(
                "warning: rays at a height field are cast by MuJoCo, which is slow on large maps;"
                " pip install warp-lang makes them many times faster",
                file=sys.stderr,
            )
            return None
        from legged_gym.sim.scene_rays import SceneRays

        robot = self.robot
        return SceneRays(robot.model, self.device, self.batch.nthread, robot.cylinders.tolist(), robot.ground_mesh)

    def _cast_in_engine(
        self, origins: Tensor, directions: Tensor, env_ids: Optional[Tensor], groups: np.ndarray, max_distance: float
    ) -> Tensor:
        """Distances (n, R) to geoms of some groups (mjNGROUP,)."""
        distance, _ = self.engine.cast(origins, directions, groups, env_ids)
        return distance.masked_fill_(distance > max_distance, math.inf)

    def state_dict(self) -> Dict[str, Any]:
        """See `Simulator.state_dict`."""
        fields = {name: self._field(name).clone() for name in FIELDS if self.batch.expanded(name) is not None}
        return {"state": torch.from_numpy(self.batch.state.copy()), "fields": fields, "buffers": self._buffers_state()}

    def load_state_dict(self, state: Dict[str, Any]) -> None:
        """See `Simulator.load_state_dict`."""
        saved, own = state["state"], self.batch.state.shape
        if not isinstance(saved, Tensor) or tuple(saved.shape) != own:
            raise UserError(
                f"the saved physics state does not fit this simulator, mujoco for {own[0]} environments of size"
                f" {own[1]}: resume with the same simulator, robot, task and num_envs"
            )
        for name in FIELDS:
            if name in state["fields"]:
                self._field(name).copy_(state["fields"][name])
            elif self.batch.expanded(name) is not None:
                self._field(name).copy_(torch.from_numpy(getattr(self.robot.model, name)))
        if any(self.batch.expanded(name) is not None for name in FIELDS):
            self.batch.set_const()
        self.batch.state[...] = saved.numpy()
        self._refresh()
        self._load_buffers(state["buffers"])


def num_cpus() -> int:
    """This process's share of the CPUs that it may use."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    processes = os.environ.get("LOCAL_WORLD_SIZE", "1")
    if not processes.isdigit() or int(processes) < 1:
        raise UserError(f"environment variable LOCAL_WORLD_SIZE is {processes!r}, expected a number from 1 on")
    return max(1, available // int(processes))


def _view(batch: Any, field: str) -> Tensor:
    """A zero-copy tensor of the batch's live array of an MjData field; derived fields must only be read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch has no read-only tensors and says so
        return torch.from_numpy(batch.bind(field))
