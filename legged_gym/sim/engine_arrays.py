"""What the MuJoCo backends read of their engine, and the states of bodies that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable


@dataclass
class EngineArrays:
    """Live views of an engine's data, first dimension N: tensors, or numpy arrays over the same memory."""

    qpos: Any
    qvel: Any
    qacc_warmstart: Any
    ctrl: Any
    actuator_force: Any
    sensordata: Any
    xpos: Any
    xquat: Any
    cvel: Any
    subtree_com: Any
    mocap_pos: Any
    mocap_quat: Any


def fill_body_states(out: Any, arrays: EngineArrays, bodies: Any, cross: Callable[[Any, Any], Any]) -> None:
    """Write states of bodies as the seam wants them; with torch's or with numpy's arrays and cross product alike.

    Args:
        out: (N, B, 13) position, quaternion xyzw, linear and angular velocity.
        arrays: of the engine.
        bodies: (B,) body ids, the root first.
        cross: product of two (N, B, 3).
    """
    position, quat, spatial = arrays.xpos[:, bodies], arrays.xquat[:, bodies], arrays.cvel[:, bodies]
    out[..., :3] = position
    out[..., 3:6] = quat[..., 1:]
    out[..., 6] = quat[..., 0]
    # cvel is (angular, linear) at the tree's centre of mass: v_origin = v_com + w x (origin - com)
    lever = position - arrays.subtree_com[:, bodies[:1]]
    out[..., 7:10] = spatial[..., 3:] + cross(spatial[..., :3], lever)
    out[..., 10:13] = spatial[..., :3]


def engine_sizes(half_sizes: Any, cylinders: Any) -> Any:
    """MuJoCo's sizes of obstacles from half sizes (..., K, 3), a copy: those of a cylinder are radius, half length."""
    sizes = half_sizes + 0.0
    sizes[..., 1] += cylinders * (half_sizes[..., 2] - half_sizes[..., 1])
    return sizes
