"""What the MuJoCo backends read of their engine, and the states of bodies that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

import numpy as np


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
    xfrc_applied: Any


def cross_product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of vectors (..., 3), digit for digit that of numpy, which takes four times as long for few bodies."""
    out = np.empty_like(a)
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        out[..., i] = a[..., j] * b[..., k] - a[..., k] * b[..., j]
    return out


def fill_body_states(out: Any, arrays: EngineArrays, bodies: Any, root: Any, cross: Callable[[Any, Any], Any]) -> None:
    """Write states of bodies as the seam wants them; with torch's or with numpy's arrays and cross product alike.

    Args:
        out: (N, B, 13) position, quaternion xyzw, linear and angular velocity.
        arrays: of the engine.
        bodies: (B,) body ids.
        root: (1,) that of the root, or (B,) those of the trees that the bodies are in.
        cross: product of two (N, B, 3).
    """
    position, quat, spatial = arrays.xpos[:, bodies], arrays.xquat[:, bodies], arrays.cvel[:, bodies]
    out[..., :3] = position
    out[..., 3:6] = quat[..., 1:]
    out[..., 6] = quat[..., 0]
    # cvel is (angular, linear) at the tree's centre of mass: v_origin = v_com + w x (origin - com)
    lever = position - arrays.subtree_com[:, root]
    out[..., 7:10] = spatial[..., 3:] + cross(spatial[..., :3], lever)
    out[..., 10:13] = spatial[..., :3]


def engine_sizes(half_sizes: Any, cylinders: Any) -> Any:
    """MuJoCo's sizes of obstacles from half sizes (..., K, 3), a copy: those of a cylinder are radius, half length."""
    sizes = half_sizes + 0.0
    sizes[..., 1] += cylinders * (half_sizes[..., 2] - half_sizes[..., 1])
    return sizes
