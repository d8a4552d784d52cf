"""Tables of actors -> model fields, of many environments at once; a field that is alike everywhere stays one."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np
import torch

from legged_gym.isaacgym.assets.asset import FRICTION
from legged_gym.isaacgym.world.build import Slot, force_limit
from legged_gym.isaacgym.world.scene import Sim
from legged_gym.sim.model import combined_friction

FIELDS = (
    "geom_friction", "body_mass", "body_ipos", "body_inertia", "body_iquat", "dof_armature", "jnt_range",
    "actuator_forcerange", "actuator_biasprm",
)  # fmt: skip
"""Of the model, that may differ between environments."""

KINDS = ("shapes", "bodies", "dofs")
"""Of tables, by the names of their attributes."""

# of the trace: an inertia this near to a multiple of the first one keeps its principal axes
_ALIKE = 1e-5


def upload_all(engine: Any, sim: Sim, slots: Sequence[Slot]) -> None:
    """Write the tables of all actors that differ from those of the first environment, which the model has."""
    for number, slot in enumerate(slots):
        for kind in KINDS:
            first = getattr(sim.envs[0].actors[number], kind)
            envs = [env.index for env in sim.envs if getattr(env.actors[number], kind) is not first]
            if envs:
                upload(engine, sim, slot, kind, envs)


def upload(engine: Any, sim: Sim, slot: Slot, kind: str, envs: Sequence[int]) -> None:
    """Write one kind of tables of the actors of a slot.

    Args:
        engine: to write to.
        sim: the scene.
        slot: the actors' place.
        kind: 'shapes', 'bodies' or 'dofs'.
        envs: whose.
    """
    number = int(slot.prefix[:-1])
    tables = np.stack([getattr(sim.envs[env].actors[number], kind) for env in envs])
    rows = torch.tensor(envs, device=engine.device)
    {"shapes": _write_shapes, "bodies": _write_bodies, "dofs": _write_dofs}[kind](engine, sim, slot, tables, rows)


def _write(engine: Any, name: str, rows: torch.Tensor, ids: np.ndarray, values: np.ndarray, *column: int) -> None:
    at = torch.as_tensor(ids, device=engine.device)
    engine.write(name, (rows[:, None], at, *column), torch.from_numpy(np.ascontiguousarray(values, dtype=np.float64)))


def _write_shapes(engine: Any, sim: Sim, slot: Slot, tables: np.ndarray, rows: torch.Tensor) -> None:
    friction = combined_friction(tables[:, :, FRICTION], sim.friction)
    _write(engine, "geom_friction", rows, slot.geom_ids, friction, 0)


def _write_bodies(engine: Any, sim: Sim, slot: Slot, tables: np.ndarray, rows: torch.Tensor) -> None:
    ids, model = slot.body_ids, engine.model
    _write(engine, "body_mass", rows, ids, tables[:, :, 0])
    _write(engine, "body_ipos", rows, ids, tables[:, :, 1:4])
    inertia, quat = _principal(tables[:, :, 4:], slot.reference[:, 4:], model.body_inertia[ids], model.body_iquat[ids])
    _write(engine, "body_inertia", rows, ids, inertia)
    if quat is not None:
        _write(engine, "body_iquat", rows, ids, quat)
    engine.update_constants(rows, inertia=True)


def _principal(tables: np.ndarray, first: np.ndarray, inertia: np.ndarray, quat: np.ndarray) -> Any:
    """Principal inertias (n, B, 3) and axes (n, B, 4), or None where those of the model hold.

    Args:
        tables: (n, B, 9) in the bodies' frames.
        first: (B, 9), whose principal inertias and axes are the next two.
        inertia: (B, 3).
        quat: (B, 4).
    """
    trace, own = tables[..., [0, 4, 8]].sum(-1), first[..., [0, 4, 8]].sum(-1)
    ratio = trace / own
    other = np.abs(tables - ratio[..., None] * first).max(-1) > _ALIKE * trace
    values = inertia * ratio[..., None]
    if not other.any():
        return values, None
    quats = np.broadcast_to(quat, (*values.shape[:2], 4)).copy()
    sizes, axes = np.linalg.eigh(tables[other].reshape(-1, 3, 3))
    axes[:, :, 0] *= np.sign(np.linalg.det(axes))[:, None]
    values[other], quats[other] = sizes, _quats(axes)
    return values, quats


def _quats(matrices: np.ndarray) -> np.ndarray:
    """Quaternions (n, 4) w, x, y, z of rotations (n, 3, 3)."""
    import mujoco

    out = np.zeros((len(matrices), 4))
    for quat, matrix in zip(out, matrices):
        mujoco.mju_mat2Quat(quat, matrix.reshape(-1))
    return out


def _write_dofs(engine: Any, sim: Sim, slot: Slot, tables: np.ndarray, rows: torch.Tensor) -> None:
    model, drives = engine.model, slot.first_dof + np.arange(len(slot.joint_ids))
    limit = force_limit(tables)
    fields = {
        "dof_armature": (slot.qvel_ids, tables["armature"]),
        "jnt_range": (slot.joint_ids, np.stack((tables["lower"], tables["upper"]), axis=-1)),
        "actuator_forcerange": (drives, np.stack((-limit, limit), axis=-1)),
    }
    for name, (ids, values) in fields.items():
        if name in slot.varied or not np.array_equal(values, np.broadcast_to(getattr(model, name)[ids], values.shape)):
            slot.varied.add(name)
            _write(engine, name, rows, ids, values)
            if name == "dof_armature":
                engine.update_constants(rows, inertia=True)
    for column, key in ((1, "stiffness"), (2, "damping")):
        own, of_model = -tables[key].astype(np.float64), model.actuator_biasprm[drives, column]
        if key in slot.varied or not np.array_equal(own, np.broadcast_to(of_model, own.shape)):
            slot.varied.add(key)
            _write(engine, "actuator_biasprm", rows, drives, own, column)
