"""Scenes made through the API in a few lines."""

from __future__ import annotations

import pathlib
from dataclasses import dataclass, field
from typing import Any, Callable, List

import torch

from legged_gym.isaacgym import gymapi, gymtorch

gym = gymapi.acquire_gym()
ORIGIN = gymapi.Vec3(0, 0, 0)


def params(dt: float = 0.005, substeps: int = 1) -> Any:
    made = gymapi.SimParams()
    made.dt, made.substeps, made.up_axis, made.gravity = dt, substeps, gymapi.UP_AXIS_Z, gymapi.Vec3(0, 0, -9.81)
    return made


def plane(**fields: float) -> Any:
    made = gymapi.PlaneParams(**fields)
    made.normal = gymapi.Vec3(0, 0, 1)
    return made


def options(**fields: Any) -> Any:
    usual = {"collapse_fixed_joints": True, "density": 0.001, "default_dof_drive_mode": 3}
    return gymapi.AssetOptions(**{**usual, **fields})


def asset(tmp_path: pathlib.Path, urdf: str, **fields: Any) -> Any:
    (tmp_path / "robot.urdf").write_text(urdf)
    return gym.load_asset(None, str(tmp_path), "robot.urdf", options(**fields))


def at(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Any:
    return gymapi.Transform(gymapi.Vec3(x, y, z))


@dataclass
class Scene:
    """N environments with the same actors, prepared."""

    assets: List[Any]
    poses: List[Any]
    num_envs: int = 2
    sim_params: Any = field(default_factory=params)
    ground: Callable[[Any], None] = lambda sim: gym.add_ground(sim, plane())
    filter: int = 0
    before: Callable[[Any, Any, List[int]], None] = lambda sim, env, actors: None

    def __post_init__(self) -> None:
        self.sim = gym.create_sim(0, -1, gymapi.SIM_PHYSX, self.sim_params)
        self.ground(self.sim)
        self.envs = []
        for number in range(self.num_envs):
            env = gym.create_env(self.sim, ORIGIN, ORIGIN, 2)
            actors = [
                gym.create_actor(env, a, pose, f"actor{k}", number, self.filter, 0)
                for k, (a, pose) in enumerate(zip(self.assets, self.poses))
            ]
            self.before(self.sim, env, actors)
            self.envs.append(env)
        gym.prepare_sim(self.sim)
        names = ("actor_root_state", "dof_state", "rigid_body_state", "net_contact_force", "dof_force")
        self.root, self.dof, self.bodies, self.contact, self.dof_force = (
            gymtorch.wrap_tensor(getattr(gym, f"acquire_{name}_tensor")(self.sim)) for name in names
        )

    def step(self, count: int = 1) -> None:
        for _ in range(count):
            gym.simulate(self.sim)
        self.refresh()

    def refresh(self) -> None:
        for name in ("actor_root_state", "dof_state", "rigid_body_state", "net_contact_force", "dof_force"):
            assert getattr(gym, f"refresh_{name}_tensor")(self.sim)

    def efforts(self, torques: torch.Tensor) -> None:
        gym.set_dof_actuation_force_tensor(self.sim, gymtorch.unwrap_tensor(torques))
