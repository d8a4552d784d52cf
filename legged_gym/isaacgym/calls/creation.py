"""Calls that create: simulation, ground, assets, environments, actors; and those that let time pass."""

from __future__ import annotations

import time
from typing import Any, Optional

import mujoco
import numpy as np
import torch

from legged_gym.errors import UserError
from legged_gym.isaacgym.assets.asset import Asset
from legged_gym.isaacgym.assets.loading import load_asset, primitive
from legged_gym.isaacgym.enums import SimType, UpAxis
from legged_gym.isaacgym.maths import Vec3
from legged_gym.isaacgym.parameters import SimParams
from legged_gym.isaacgym.world import ground
from legged_gym.isaacgym.world.scene import Actor, Env, Sim
from legged_gym.isaacgym.world.world import World, choose_device


class Creation:
    """See the module."""

    # ---------------------------------------------------------------- simulation

    def create_sim(
        self, compute_device: int = 0, graphics_device: int = 0, type: Any = SimType.SIM_PHYSX, params: Any = None
    ) -> Sim:
        """An empty simulation; its tensors live on the GPU if the GPU pipeline is asked for and there is one."""
        params = SimParams(up_axis=UpAxis.UP_AXIS_Z, gravity=Vec3(0, 0, -9.8)) if params is None else params
        if params.up_axis == UpAxis.UP_AXIS_Y:
            raise UserError("create_sim: the world must be z up: set sim_params.up_axis = gymapi.UP_AXIS_Z")
        sim = Sim(params, choose_device(int(compute_device), bool(params.use_gpu_pipeline)))
        if type == SimType.SIM_FLEX:
            sim.notice("create_sim: there is no Flex on MuJoCo; rigid bodies are simulated as with PhysX")
        return sim

    def prepare_sim(self, sim: Sim) -> bool:
        """Make the model of what was created, and the tensors of its states."""
        if sim.world is None:
            with torch.inference_mode(False):  # tensors are ordinary ones, whatever mode the caller is in
                sim.world = World(sim)
        return True

    def destroy_sim(self, sim: Sim) -> None:
        """Let go of the engine."""
        sim.world = None

    def simulate(self, sim: Sim) -> None:
        """Let `dt` pass."""
        sim.needs_world("simulate").simulate()

    def fetch_results(self, sim: Sim, wait: bool = True) -> None:
        """Nothing: results are there when `simulate` returns."""

    def get_sim_params(self, sim: Sim) -> Any:
        """The settings."""
        return sim.params

    def set_sim_params(self, sim: Sim, params: Any) -> None:
        """Settings; gravity may change at any time."""
        sim.params = params
        if sim.world is not None:
            sim.world.set_gravity(list(params.gravity))

    def get_sim_time(self, sim: Sim) -> float:
        """Simulated seconds."""
        return self.get_frame_count(sim) * float(sim.params.dt)

    def get_elapsed_time(self, sim: Sim) -> float:
        """Seconds on the clock since the simulation was created."""
        return time.monotonic() - sim.born

    def get_frame_count(self, sim: Sim) -> int:
        """Calls of `simulate` so far."""
        return 0 if sim.world is None else sim.world.frames

    # ---------------------------------------------------------------- ground

    def add_ground(self, sim: Sim, params: Any) -> None:
        """A plane."""
        sim.no_world_yet("add_ground")
        normal = np.array(list(params.normal))
        sim.add_ground(ground.Plane(normal, float(params.distance), float(params.static_friction)), params)

    def add_heightfield(self, sim: Sim, samples: Any, params: Any) -> None:
        """Heights on a lattice."""
        sim.no_world_yet("add_heightfield")
        sim.add_ground(ground.height_field(samples, params), params)

    def add_triangle_mesh(self, sim: Sim, vertices: Any, triangles: Any, params: Any) -> None:
        """A mesh, as a height map: what lies under something else is filled."""
        sim.no_world_yet("add_triangle_mesh")
        vertices = np.asarray(vertices, dtype=np.float64).reshape(-1, 3)
        faces = np.asarray(triangles).astype(np.int64).reshape(-1, 3)
        sim.add_ground(ground.triangle_mesh(vertices, faces, params), params)

    # ---------------------------------------------------------------- assets

    def load_asset(self, sim: Sim, rootpath: str, filename: str, options: Any = None) -> Asset:
        """A URDF or MJCF file."""
        asset = load_asset(rootpath, filename, options)
        if options is not None and options.vhacd_enabled:
            sim.notice("load_asset: meshes collide as their convex hulls, without vhacd")
        return asset

    def create_box(self, sim: Sim, width: float, height: float, depth: float, options: Any = None) -> Asset:
        """A box, sizes along x, y and z."""
        half = [0.5 * float(size) for size in (width, height, depth)]
        return primitive(mujoco.mjtGeom.mjGEOM_BOX, half, options)

    def create_sphere(self, sim: Sim, radius: float, options: Any = None) -> Asset:
        """A ball."""
        return primitive(mujoco.mjtGeom.mjGEOM_SPHERE, [float(radius), 0.0, 0.0], options)

    def create_capsule(self, sim: Sim, radius: float, length: float, options: Any = None) -> Asset:
        """A capsule along z; `length` without the caps."""
        return primitive(mujoco.mjtGeom.mjGEOM_CAPSULE, [float(radius), 0.5 * float(length), 0.0], options)

    # ---------------------------------------------------------------- environments and actors

    def create_env(self, sim: Sim, lower: Vec3, upper: Vec3, num_per_row: int) -> Env:
        """The next environment, in rows along x."""
        sim.no_world_yet("create_env")
        size, row = upper - lower, max(int(num_per_row), 1)
        index = len(sim.envs)
        env = Env(sim, Vec3((index % row) * size.x, (index // row) * size.y, 0.0))
        sim.envs.append(env)
        return env

    def create_actor(
        self,
        env: Env,
        asset: Asset,
        pose: Any,
        name: Optional[str] = None,
        group: int = -1,
        filter: int = -1,
        segmentationId: int = 0,
    ) -> int:
        """An asset in the last environment; returns its index there."""
        sim = env.sim
        sim.no_world_yet("create_actor")
        if env is not sim.envs[-1]:
            raise UserError("create_actor: an environment must be complete before the next one is created")
        place = np.array([*pose.p, *pose.r])
        actor = Actor(env, asset, place, name or f"actor_{len(env.actors)}", int(group), int(filter))
        actor.segmentation = int(segmentationId)
        env.actors.append(actor)
        return actor.index

    def begin_aggregate(self, env: Env, max_bodies: int, max_shapes: int, self_collisions: bool) -> bool:
        """Nothing: an environment is one model already."""
        return True

    def end_aggregate(self, env: Env) -> bool:
        """Nothing."""
        return True
