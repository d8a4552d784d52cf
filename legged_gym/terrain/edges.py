"""Where a foot would stand on an edge."""

from __future__ import annotations

import numpy as np

from legged_gym.errors import UserError


def edge_mask(
    height_field: np.ndarray, horizontal_scale: float, vertical_scale: float, margin: float, drop: float
) -> np.ndarray:
    """Vertices of a map that lie on top of a wall and close to its edge.

    A wall stands between two neighbours along x or y whose heights differ by more than `drop`. Its edge is the upper
    one of the two, where walls stand in physics, too (see `make_heightfield`). Marked are the vertices whose horizontal
    distance from some edge is at most `margin`, as long as they are not more than `drop` below that edge: so the edge
    itself and a strip of the ground above the wall, but not the ground at its foot, where a step is safe.

    The entry for a foot is that of the nearest vertex, [round((x + border_size) / horizontal_scale), same for y]. So
    with a margin of 0 a foot counts that is within half a cell of the edge, on the ground or over the wall.

    Args:
        height_field: (rows, cols) integers, in vertical units.
        horizontal_scale: m between vertices.
        vertical_scale: m a unit.
        margin: m, at least 0; less than a cell marks the edges alone.
        drop: m, positive.

    Returns:
        (rows, cols) bool.

    Raises:
        UserError: for a negative margin, or a drop that is not positive.
    """
    if not (margin >= 0 and np.isfinite(margin)):
        raise UserError(f"the margin of an edge must be at least 0 m, not {margin!r}")
    if not drop > 0:
        raise UserError(f"the drop at an edge must be positive, not {drop!r}")
    # more than a drop of whole units is one unit more, whatever the rounding of the division
    limit = np.floor(drop / vertical_scale + 1e-6) + 0.5
    field = height_field.astype(np.int32)
    is_edge = np.zeros(field.shape, dtype=bool)
    for heights, edges in ((field, is_edge), (field.T, is_edge.T)):
        fall = heights[:-1] - heights[1:]
        edges[:-1] |= fall > limit
        edges[1:] |= fall < -limit
    at_x, at_y = np.nonzero(is_edge)
    top = field[at_x, at_y]
    mask = np.zeros(field.shape, dtype=bool)
    radius = margin / horizontal_scale + 1e-6
    reach = np.arange(-int(radius), int(radius) + 1)
    for shift_x, shift_y in ((i, j) for i in reach for j in reach if i * i + j * j <= radius * radius):
        x, y = at_x + shift_x, at_y + shift_y
        on_map = (x >= 0) & (x < field.shape[0]) & (y >= 0) & (y < field.shape[1])
        x, y = x[on_map], y[on_map]
        above = field[x, y] > top[on_map] - limit
        mask[x[above], y[above]] = True
    return mask
