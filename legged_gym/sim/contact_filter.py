"""Takes out contacts with a height field that cannot be.

A height field collides as prisms, one a triangle. Where a shape's middle comes near a face of a prism (a foot that
lands hard, a shank across an edge), MuJoCo Warp 4.0, which computes in float32, now and then finds metres of
penetration along the line to the middle of the field: 1 contact in 7000 of A1 that stumble over cells of 2.5 cm. One
such contact throws the robot away at hundreds of rad/s.
"""

from __future__ import annotations

import math
from typing import Any, Callable

import mujoco
import numpy as np
import warp as wp

# m, written in the place of an impossible distance: beyond any margin, so the solver makes no constraint of the contact
_APART = 1.0e3


def deepest_overlaps(model: Any) -> np.ndarray:
    """How deep each shape of a model can be in a prism of its height field.

    Moved sideways by the prism's width and its own, a shape is free of the prism, however high both are; and in the
    horizontal direction square to its longest axis it is no wider than the diagonal of the other two.

    Args:
        model: a compiled MuJoCo model with a height field.

    Returns:
        (ngeom,) m.
    """
    cells = 2.0 * model.hfield_size[0, :2] / (model.hfield_ncol[0] - 1, model.hfield_nrow[0] - 1)
    half = np.sort(model.geom_aabb[:, 3:], axis=1)
    return math.hypot(*cells) + 2.0 * np.hypot(half[:, 0], half[:, 1])


def impossible_contact_filter(model: Any, device: Any) -> Callable[[Any, Any], None]:
    """A `contactfilter` for MuJoCo Warp: contacts deeper in the height field than shapes can be become no contacts.

    Args:
        model: the compiled MuJoCo model.
        device: Warp's.

    Returns:
        a function of the engine's model and data that launches one kernel.
    """
    overlaps = wp.array(deepest_overlaps(model), dtype=float, device=device)
    ground = int(np.flatnonzero(model.geom_type == mujoco.mjtGeom.mjGEOM_HFIELD)[0])

    def part(_: Any, data: Any) -> None:
        wp.launch(
            _part_impossible,
            dim=data.naconmax,
            inputs=[data.nacon, data.contact.geom, overlaps, ground],
            outputs=[data.contact.dist],
            device=device,
        )

    return part


@wp.kernel
def _part_impossible(
    count: wp.array[int],
    geoms: wp.array[wp.vec2i],
    overlaps: wp.array[float],
    ground: int,
    distance: wp.array[float],
) -> None:
    contact = wp.tid()
    if contact >= count[0]:
        return
    pair = geoms[contact]
    if pair[0] != ground:
        return
    # not "<", which would be false for NaN
    if not (distance[contact] >= -overlaps[pair[1]]):
        distance[contact] = _APART
