"""Calls that count, name and find."""

from __future__ import annotations

from typing import Any, Dict, List

from legged_gym.isaacgym.assets.asset import Asset
from legged_gym.isaacgym.enums import INVALID_HANDLE, DofType, IndexDomain
from legged_gym.isaacgym.maths import Vec3
from legged_gym.isaacgym.parameters import ShapeIndices
from legged_gym.isaacgym.world.scene import Actor, Env, Sim


def _find(names: List[str], name: str) -> int:
    return names.index(name) if name in names else INVALID_HANDLE


def actor_of(env: Env, handle: Any) -> Actor:
    """The actor of a handle."""
    return env.actors[int(handle)]


def first_of(actor: Actor, part: str, domain: int = IndexDomain.DOMAIN_ENV) -> int:
    """Index of an actor's first body or DOF among those of its environment or of the simulation."""
    if domain == IndexDomain.DOMAIN_ACTOR:
        return 0
    env = actor.env
    counts = [len(getattr(other.asset, part)) for other in env.actors]
    before = sum(counts[: actor.index])
    return before if domain == IndexDomain.DOMAIN_ENV else env.index * sum(counts) + before


class Lookup:
    """See the module."""

    # ---------------------------------------------------------------- assets

    def get_asset_dof_count(self, asset: Asset) -> int:
        """Number of DOFs."""
        return len(asset.dof_names)

    def get_asset_rigid_body_count(self, asset: Asset) -> int:
        """Number of bodies."""
        return len(asset.body_names)

    def get_asset_rigid_shape_count(self, asset: Asset) -> int:
        """Number of collision shapes."""
        return len(asset.shapes)

    def get_asset_joint_count(self, asset: Asset) -> int:
        """Number of joints, fixed ones included: each body but the root has one."""
        return len(asset.body_names) - 1

    def get_asset_actuator_count(self, asset: Asset) -> int:
        """Number of actuators of an MJCF file."""
        return len(asset.actuators)

    def get_asset_tendon_count(self, asset: Asset) -> int:
        """None."""
        return 0

    def get_asset_soft_body_count(self, asset: Asset) -> int:
        """None."""
        return 0

    def get_asset_dof_names(self, asset: Asset) -> List[str]:
        """Names of DOFs in order."""
        return list(asset.dof_names)

    def get_asset_joint_names(self, asset: Asset) -> List[str]:
        """Names of joints, in the order of their bodies."""
        return [link.order or (link.joints[0].name if link.joints else link.name) for link in asset.links[1:]]

    def get_asset_rigid_body_names(self, asset: Asset) -> List[str]:
        """Names of bodies in order."""
        return list(asset.body_names)

    def get_asset_rigid_body_name(self, asset: Asset, index: int) -> str:
        """Name of a body."""
        return asset.body_names[int(index)]

    def get_asset_dof_name(self, asset: Asset, index: int) -> str:
        """Name of a DOF."""
        return asset.dof_names[int(index)]

    def get_asset_dof_dict(self, asset: Asset) -> Dict[str, int]:
        """Indices of DOFs by name."""
        return {name: k for k, name in enumerate(asset.dof_names)}

    def get_asset_rigid_body_dict(self, asset: Asset) -> Dict[str, int]:
        """Indices of bodies by name."""
        return {name: k for k, name in enumerate(asset.body_names)}

    def find_asset_rigid_body_index(self, asset: Asset, name: str) -> int:
        """Index of a body, -1 if there is none."""
        return _find(asset.body_names, name)

    def find_asset_dof_index(self, asset: Asset, name: str) -> int:
        """Index of a DOF, -1 if there is none."""
        return _find(asset.dof_names, name)

    def get_asset_rigid_body_shape_indices(self, asset: Asset) -> List[Any]:
        """First shape and number of shapes of each body."""
        starts = [sum(asset.shape_counts[:k]) for k in range(len(asset.shape_counts))]
        return [ShapeIndices(start=start, count=count) for start, count in zip(starts, asset.shape_counts)]

    def get_asset_dof_type(self, asset: Asset, index: int) -> DofType:
        """How a DOF moves."""
        return DofType.DOF_ROTATION if asset.joints[int(index)].kind == "hinge" else DofType.DOF_TRANSLATION

    def get_dof_type_string(self, kind: Any) -> str:
        """Its name."""
        return {DofType.DOF_ROTATION: "Rotation", DofType.DOF_TRANSLATION: "Translation"}.get(kind, "Invalid")

    # ---------------------------------------------------------------- simulation and environments

    def get_env_count(self, sim: Sim) -> int:
        """Number of environments."""
        return len(sim.envs)

    def get_env(self, sim: Sim, index: int) -> Env:
        """An environment."""
        return sim.envs[int(index)]

    def get_env_origin(self, env: Env) -> Vec3:
        """Where an environment is."""
        return env.origin

    def get_sim_actor_count(self, sim: Sim) -> int:
        """Number of actors."""
        return sum(len(env.actors) for env in sim.envs)

    def get_sim_rigid_body_count(self, sim: Sim) -> int:
        """Number of bodies."""
        return sum(self.get_env_rigid_body_count(env) for env in sim.envs)

    def get_sim_dof_count(self, sim: Sim) -> int:
        """Number of DOFs."""
        return sum(self.get_env_dof_count(env) for env in sim.envs)

    def get_sim_joint_count(self, sim: Sim) -> int:
        """Number of joints."""
        return sum(len(actor.asset.body_names) - 1 for env in sim.envs for actor in env.actors)

    def get_sim_force_sensor_count(self, sim: Sim) -> int:
        """Number of force sensors."""
        return sum(len(actor.asset.sensors) for env in sim.envs for actor in env.actors)

    def get_env_rigid_body_count(self, env: Env) -> int:
        """Number of bodies of an environment."""
        return sum(len(actor.asset.body_names) for actor in env.actors)

    def get_env_dof_count(self, env: Env) -> int:
        """Number of DOFs of an environment."""
        return sum(len(actor.asset.dof_names) for actor in env.actors)

    def get_actor_count(self, env: Env) -> int:
        """Number of actors of an environment."""
        return len(env.actors)

    def get_actor_handle(self, env: Env, index: int) -> int:
        """Handle of the actor with an index, -1 if there is none."""
        return int(index) if 0 <= index < len(env.actors) else INVALID_HANDLE

    def find_actor_handle(self, env: Env, name: str) -> int:
        """Handle of an actor by name, -1 if there is none."""
        return _find([actor.name for actor in env.actors], name)

    # ---------------------------------------------------------------- actors

    def get_actor_name(self, env: Env, actor: int) -> str:
        """Its name."""
        return actor_of(env, actor).name

    def get_actor_asset(self, env: Env, actor: int) -> Asset:
        """What it was made of."""
        return actor_of(env, actor).asset

    def get_actor_index(self, env: Env, actor: int, domain: int) -> int:
        """Its index in a domain."""
        own = int(actor)
        return {IndexDomain.DOMAIN_ACTOR: 0, IndexDomain.DOMAIN_ENV: own}.get(
            IndexDomain(domain), env.index * len(env.actors) + own
        )

    def get_actor_rigid_body_count(self, env: Env, actor: int) -> int:
        """Number of bodies."""
        return len(actor_of(env, actor).asset.body_names)

    def get_actor_dof_count(self, env: Env, actor: int) -> int:
        """Number of DOFs."""
        return len(actor_of(env, actor).asset.dof_names)

    def get_actor_joint_count(self, env: Env, actor: int) -> int:
        """Number of joints."""
        return len(actor_of(env, actor).asset.body_names) - 1

    def get_actor_rigid_shape_count(self, env: Env, actor: int) -> int:
        """Number of collision shapes."""
        return len(actor_of(env, actor).asset.shapes)

    def get_actor_actuator_count(self, env: Env, actor: int) -> int:
        """Number of actuators of an MJCF file."""
        return len(actor_of(env, actor).asset.actuators)

    def get_actor_tendon_count(self, env: Env, actor: int) -> int:
        """None."""
        return 0

    def get_actor_soft_body_count(self, env: Env, actor: int) -> int:
        """None."""
        return 0

    def get_actor_rigid_body_names(self, env: Env, actor: int) -> List[str]:
        """Names of bodies in order."""
        return list(actor_of(env, actor).asset.body_names)

    def get_actor_dof_names(self, env: Env, actor: int) -> List[str]:
        """Names of DOFs in order."""
        return list(actor_of(env, actor).asset.dof_names)

    def get_actor_joint_names(self, env: Env, actor: int) -> List[str]:
        """Names of joints, in the order of their bodies."""
        return self.get_asset_joint_names(actor_of(env, actor).asset)

    def get_actor_rigid_body_dict(self, env: Env, actor: int) -> Dict[str, int]:
        """Indices of bodies by name."""
        return self.get_asset_rigid_body_dict(actor_of(env, actor).asset)

    def get_actor_dof_dict(self, env: Env, actor: int) -> Dict[str, int]:
        """Indices of DOFs by name."""
        return self.get_asset_dof_dict(actor_of(env, actor).asset)

    def get_actor_rigid_body_shape_indices(self, env: Env, actor: int) -> List[Any]:
        """First shape and number of shapes of each body."""
        return self.get_asset_rigid_body_shape_indices(actor_of(env, actor).asset)

    def find_actor_rigid_body_handle(self, env: Env, actor: int, name: str) -> int:
        """Index of a body in its environment, -1 if there is none."""
        return self.find_actor_rigid_body_index(env, actor, name, IndexDomain.DOMAIN_ENV)

    def find_actor_rigid_body_index(self, env: Env, actor: int, name: str, domain: int) -> int:
        """Index of a body in a domain, -1 if there is none."""
        own = _find(actor_of(env, actor).asset.body_names, name)
        return own if own < 0 else own + first_of(actor_of(env, actor), "body_names", domain)

    def get_actor_rigid_body_handle(self, env: Env, actor: int, index: int) -> int:
        """Index in its environment of a body of an actor."""
        return self.get_actor_rigid_body_index(env, actor, index, IndexDomain.DOMAIN_ENV)

    def get_actor_root_rigid_body_handle(self, env: Env, actor: int) -> int:
        """Index in its environment of an actor's root."""
        return self.get_actor_rigid_body_index(env, actor, 0, IndexDomain.DOMAIN_ENV)

    def get_actor_rigid_body_index(self, env: Env, actor: int, index: int, domain: int) -> int:
        """Index in a domain of a body of an actor."""
        return int(index) + first_of(actor_of(env, actor), "body_names", domain)

    def find_actor_dof_handle(self, env: Env, actor: int, name: str) -> int:
        """Index of a DOF in its environment, -1 if there is none."""
        return self.find_actor_dof_index(env, actor, name, IndexDomain.DOMAIN_ENV)

    def find_actor_dof_index(self, env: Env, actor: int, name: str, domain: int) -> int:
        """Index of a DOF in a domain, -1 if there is none."""
        own = _find(actor_of(env, actor).asset.dof_names, name)
        return own if own < 0 else own + first_of(actor_of(env, actor), "dof_names", domain)

    def get_actor_dof_handle(self, env: Env, actor: int, index: int) -> int:
        """Index in its environment of a DOF of an actor."""
        return self.get_actor_dof_index(env, actor, index, IndexDomain.DOMAIN_ENV)

    def get_actor_dof_index(self, env: Env, actor: int, index: int, domain: int) -> int:
        """Index in a domain of a DOF of an actor."""
        return int(index) + first_of(actor_of(env, actor), "dof_names", domain)
