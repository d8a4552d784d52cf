"""Calls that get and set properties of shapes, bodies, DOFs; what is given is a copy, what is set replaces."""

from __future__ import annotations

from typing import Any, List

import numpy as np

from legged_gym.errors import UserError
from legged_gym.isaacgym.assets.asset import Asset
from legged_gym.isaacgym.calls.lookup import actor_of
from legged_gym.isaacgym.maths import number
from legged_gym.isaacgym.parameters import (
    DOF_DTYPE,
    SHAPE_FIELDS,
    ForceSensorProperties,
    RigidBodyProperties,
    RigidShapeProperties,
)
from legged_gym.isaacgym.world.scene import Actor, Env

_SHAPE_NAMES = tuple(SHAPE_FIELDS)


def _shapes(table: np.ndarray) -> List[Any]:
    made = []
    for row in table.tolist():
        shape = RigidShapeProperties.__new__(RigidShapeProperties)
        shape.__dict__.update(zip(_SHAPE_NAMES, row))
        shape.__dict__["filter"] = int(shape.filter)
        made.append(shape)
    return made


def _shape_table(shapes: List[Any], call: str, count: int) -> np.ndarray:
    _same_length(shapes, count, call, "shapes")
    return np.array([[getattr(shape, name) for name in _SHAPE_NAMES] for shape in shapes], dtype=np.float64)


def _same_length(rows: Any, count: int, call: str, what: str) -> None:
    if len(rows) != count:
        raise UserError(f"{call}: {len(rows)} {what} were given, there are {count}")


class Properties:
    """See the module."""

    # ---------------------------------------------------------------- shapes

    def get_asset_rigid_shape_properties(self, asset: Asset) -> List[Any]:
        """Of all shapes."""
        return _shapes(asset.shapes)

    def set_asset_rigid_shape_properties(self, asset: Asset, shapes: List[Any]) -> bool:
        """Of actors created later."""
        asset.shapes = _shape_table(shapes, "set_asset_rigid_shape_properties", len(asset.shapes))
        return True

    def get_actor_rigid_shape_properties(self, env: Env, actor: int) -> List[Any]:
        """Of all shapes."""
        return _shapes(actor_of(env, actor).shapes)

    def set_actor_rigid_shape_properties(self, env: Env, actor: int, shapes: List[Any]) -> bool:
        """At any time; friction alone has an effect, and filters before `prepare_sim`."""
        own = actor_of(env, actor)
        table = _shape_table(shapes, "set_actor_rigid_shape_properties", len(own.shapes))
        if len(table) and table[:, 3].any():
            env.sim.notice("shapes do not bounce: MuJoCo has no coefficient of restitution")
        _replace(own, "shapes", table)
        return True

    # ---------------------------------------------------------------- bodies

    def get_actor_rigid_body_properties(self, env: Env, actor: int) -> List[Any]:
        """Of all bodies."""
        return [RigidBodyProperties.of_row(row) for row in actor_of(env, actor).bodies.tolist()]

    def set_actor_rigid_body_properties(
        self, env: Env, actor: int, bodies: List[Any], recomputeInertia: bool = False
    ) -> bool:
        """At any time; with `recomputeInertia` inertias follow masses."""
        own, call = actor_of(env, actor), "set_actor_rigid_body_properties"
        _same_length(bodies, len(own.bodies), call, "bodies")
        table = np.array([body.row() for body in bodies], dtype=np.float64)
        light = np.flatnonzero(~(table[:, 0] > 0.0))
        if light.size:
            name = own.asset.body_names[light[0]]
            raise UserError(f"{call}: body {name} would weigh {table[light[0], 0]:g} kg; it must be more than nothing")
        if recomputeInertia:
            table[:, 4:] = own.bodies[:, 4:] * (table[:, :1] / own.bodies[:, :1])
        _replace(own, "bodies", table)
        return True

    # ---------------------------------------------------------------- DOFs

    def get_asset_dof_properties(self, asset: Asset) -> np.ndarray:
        """(D,) of all DOFs."""
        return asset.dofs.copy()

    def get_actor_dof_properties(self, env: Env, actor: int) -> np.ndarray:
        """(D,) of all DOFs."""
        return actor_of(env, actor).dofs.copy()

    def set_actor_dof_properties(self, env: Env, actor: int, dofs: Any) -> bool:
        """At any time; `velocity` and `friction` have no effect."""
        own = actor_of(env, actor)
        _same_length(dofs, len(own.dofs), "set_actor_dof_properties", "DOFs")
        table = np.zeros(len(own.dofs), DOF_DTYPE)
        for name in DOF_DTYPE.names or ():
            table[name] = dofs[name]
        if env.sim.world is not None and (table["hasLimits"] != own.dofs["hasLimits"]).any():
            raise UserError("set_actor_dof_properties: hasLimits cannot change after prepare_sim: widen the limits")
        _replace(own, "dofs", table)
        return True

    def get_asset_actuator_properties(self, asset: Asset) -> List[Any]:
        """Of the actuators of an MJCF file."""
        return list(asset.actuators)

    def get_actor_actuator_properties(self, env: Env, actor: int) -> List[Any]:
        """Of the actuators of an MJCF file."""
        return list(actor_of(env, actor).asset.actuators)

    # ---------------------------------------------------------------- the rest

    def create_asset_force_sensor(self, asset: Asset, body: int, pose: Any, props: Any = None) -> int:
        """A force sensor on a body, for actors created later; returns its index."""
        asset.sensors.append((int(body), pose, props or ForceSensorProperties()))
        return len(asset.sensors) - 1

    def get_asset_force_sensor_count(self, asset: Asset) -> int:
        """Number of force sensors."""
        return len(asset.sensors)

    def get_actor_force_sensor_count(self, env: Env, actor: int) -> int:
        """Number of force sensors."""
        return len(actor_of(env, actor).asset.sensors)

    def enable_actor_dof_force_sensors(self, env: Env, actor: int) -> bool:
        """Nothing: forces of drives are always known."""
        return True

    def get_actor_scale(self, env: Env, actor: int) -> float:
        """Its scale."""
        return actor_of(env, actor).scale

    def set_actor_scale(self, env: Env, actor: int, scale: Any) -> bool:
        """Sizes and lengths times a factor, before `prepare_sim` and alike in all environments; masses stay."""
        env.sim.no_world_yet("set_actor_scale")
        actor_of(env, actor).scale = number(scale)
        return True


def _replace(actor: Actor, kind: str, table: np.ndarray) -> None:
    """Give an actor another table; a world that is there learns of it."""
    sim = actor.env.sim
    setattr(actor, kind, sim.intern(table) if sim.world is None else table)
    if sim.world is not None:
        sim.world.change(kind, actor)
