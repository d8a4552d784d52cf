"""All names of the API's main module."""

from __future__ import annotations

from typing import Any

from legged_gym.isaacgym.calls.gym import Gym, acquire_gym
from legged_gym.isaacgym.calls.unsupported import UNSUPPORTED
from legged_gym.isaacgym.enums import *  # noqa: F403
from legged_gym.isaacgym.enums import members
from legged_gym.isaacgym.maths import Mat33, Quat, Transform, Vec3
from legged_gym.isaacgym.parameters import (
    ActionEvent,
    ActuatorProperties,
    AssetOptions,
    CameraProperties,
    DofState,
    FlexParams,
    ForceSensorProperties,
    HeightFieldParams,
    PhysXParams,
    PlaneParams,
    RigidBodyProperties,
    RigidBodyState,
    RigidShapeProperties,
    SimParams,
    TriangleMeshParams,
    Velocity,
    VhacdParams,
)
from legged_gym.isaacgym.world.scene import Env, Sim

HeightFieldProperties = HeightFieldParams
"""As old callers say."""

__all__ = [
    "UNSUPPORTED",
    "ActionEvent",
    "ActuatorProperties",
    "AssetOptions",
    "CameraProperties",
    "DofState",
    "Env",
    "FlexParams",
    "ForceSensorProperties",
    "Gym",
    "HeightFieldParams",
    "HeightFieldProperties",
    "Mat33",
    "PhysXParams",
    "PlaneParams",
    "Quat",
    "RigidBodyProperties",
    "RigidBodyState",
    "RigidShapeProperties",
    "Sim",
    "SimParams",
    "Transform",
    "TriangleMeshParams",
    "Vec3",
    "Velocity",
    "VhacdParams",
    "acquire_gym",
    "members",
]  # fmt: skip

globals().update(members())


def __getattr__(name: str) -> Any:
    """Members of enums are there already; this tells type checkers that there are names which they do not see."""
    raise AttributeError(f"gymapi has no name '{name}'")
