"""Rays against what does not move by itself, the ground and the obstacles, fast enough for depth cameras.

MuJoCo tests every cell of the rectangle that a ray spans on a height field: with a view to the horizon of a large map
that is millions of triangles a ray. Here a ray walks from cell to cell as far as it is asked to look (Amanatides and
Woo, "A Fast Voxel Traversal Algorithm for Ray Tracing", 1987), and over blocks of cells that it passes above in one
step. The surface is the engine's own: the same two triangles a cell. A plane, boxes and cylinders come in closed form.

The kernels are Warp's: compiled once for a CPU or a GPU, without a compiler of the user's. Warp is imported here and
nowhere else on a CPU, so this module is imported only when rays are cast.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Optional, Sequence

import numpy as np
import torch
import warp as wp
from torch import Tensor

from legged_gym.sim.spec import TriangleMesh

# cells along each side of a block
BLOCK = wp.constant(8)
# a ray's parameter for "nowhere"
FAR = wp.constant(1.0e30)
MISS = wp.constant(math.inf)
# rays come in this far above the highest vertex, m, so that rounding cannot put them under a level top
_SLACK = 0.01

wp.set_module_options({"enable_backward": False})


@wp.func
def _inverse(value: float) -> float:
    """1 / value; of 0 the result is not used."""
    if value == 0.0:
        return FAR
    return 1.0 / value


@wp.func
def _clip(span: wp.vec2, place: float, speed: float, inverse: float, size: float) -> wp.vec2:
    """The part of a span of parameters in which place + t * speed is within 0..size; empty if the first is greater."""
    if speed == 0.0:
        if place < 0.0 or place > size:
            return wp.vec2(FAR, -FAR)
        return span
    one = -place * inverse
    two = (size - place) * inverse
    return wp.vec2(wp.max(span[0], wp.min(one, two)), wp.min(span[1], wp.max(one, two)))


@wp.func
def _clip_round(span: wp.vec2, place: wp.vec3, speed: wp.vec3, radius: float) -> wp.vec2:
    """The part of a span of parameters in which place + t * speed is within a radius of the z axis, likewise."""
    slope = speed[0] * speed[0] + speed[1] * speed[1]
    nearest = 0.0
    if slope > 0.0:
        nearest = -(place[0] * speed[0] + place[1] * speed[1]) / slope
    beside = wp.vec2(place[0] + nearest * speed[0], place[1] + nearest * speed[1])
    inside = radius * radius - wp.dot(beside, beside)
    if inside < 0.0:
        return wp.vec2(FAR, -FAR)
    if slope == 0.0:
        return span
    half = wp.sqrt(inside / slope)
    return wp.vec2(wp.max(span[0], nearest - half), wp.min(span[1], nearest + half))


@wp.func
def _leave(low: int, high: int, place: float, speed: float, inverse: float) -> float:
    """Parameter at which a ray leaves the interval from cell border `low` to cell border `high`."""
    if speed > 0.0:
        return (float(high) - place) * inverse
    if speed < 0.0:
        return (float(low) - place) * inverse
    return FAR


@wp.func
def _gap(corners: wp.vec4, u: float, v: float, z: float) -> float:
    """How far a point is above a cell's surface, at (u, v) in 0..1 of the cell.

    The corners are the heights at (0, 0), (1, 0), (0, 1) and (1, 1); the diagonal between the triangles joins the
    first and the last.
    """
    u = wp.clamp(u, 0.0, 1.0)
    v = wp.clamp(v, 0.0, 1.0)
    surface = corners[0] + v * (corners[2] - corners[0]) + u * (corners[3] - corners[2])
    if u >= v:
        surface = corners[0] + u * (corners[1] - corners[0]) + v * (corners[3] - corners[1])
    return z - surface


@wp.func
def _corners(heights: wp.array2d[float], col: int, row: int) -> wp.vec4:
    return wp.vec4(heights[row, col], heights[row, col + 1], heights[row + 1, col], heights[row + 1, col + 1])


@wp.func
def _cross_cell(corners: wp.vec4, start: wp.vec3, speed: wp.vec3, first: float, last: float, side: float) -> float:
    """Where between two parameters a ray first crosses a cell's surface, else FAR.

    `start` is relative to the cell's first corner, in cells and metres; `side` is 1 above the surface, -1 below. The
    gap is linear along each triangle, so its ends and the diagonal tell everything.
    """
    middle = last
    spread = speed[0] - speed[1]
    if spread != 0.0:
        diagonal = (start[1] - start[0]) / spread
        if diagonal > first and diagonal < last:
            middle = diagonal
    a = side * _gap(corners, start[0] + first * speed[0], start[1] + first * speed[1], start[2] + first * speed[2])
    b = side * _gap(corners, start[0] + middle * speed[0], start[1] + middle * speed[1], start[2] + middle * speed[2])
    if a <= 0.0:
        return first  # rounding at the border to the last cell
    if b <= 0.0:
        return first + (middle - first) * a / (a - b)
    if middle < last:
        c = side * _gap(corners, start[0] + last * speed[0], start[1] + last * speed[1], start[2] + last * speed[2])
        if c <= 0.0:
            return middle + (last - middle) * b / (b - c)
    return FAR


@wp.func
def _cross_block(
    heights: wp.array2d[float],
    low_col: int,
    low_row: int,
    start: wp.vec3,
    speed: wp.vec3,
    inverse: wp.vec2,
    first: float,
    last: float,
    side: float,
) -> float:
    """Where between two parameters a ray first crosses the surface of the cells of one block, else FAR."""
    high_col = wp.min(low_col + BLOCK, heights.shape[1] - 1) - 1
    high_row = wp.min(low_row + BLOCK, heights.shape[0] - 1) - 1
    col = wp.clamp(int(start[0] + first * speed[0]), low_col, high_col)
    row = wp.clamp(int(start[1] + first * speed[1]), low_row, high_row)
    step_x = wp.where(speed[0] > 0.0, 1, -1)
    step_y = wp.where(speed[1] > 0.0, 1, -1)
    next_x = float(_leave(col, col + 1, start[0], speed[0], inverse[0]))
    next_y = float(_leave(row, row + 1, start[1], speed[1], inverse[1]))
    now = float(first)
    hit = float(FAR)
    for _step in range(high_col - low_col + high_row - low_row + 1):
        leave = wp.min(wp.min(next_x, next_y), last)
        corners = _corners(heights, col, row)
        lowest = start[2] + wp.min(now * speed[2], leave * speed[2])
        if side < 0.0 or lowest <= wp.max(corners):
            local = wp.vec3(start[0] - float(col), start[1] - float(row), start[2])
            hit = _cross_cell(corners, local, speed, now, leave, side)
        if hit < FAR or leave >= last:
            break
        now = leave
        if next_x <= next_y:
            col += step_x
            next_x += wp.abs(inverse[0])
            if col < low_col or col > high_col:
                break
        else:
            row += step_y
            next_y += wp.abs(inverse[1])
            if row < low_row or row > high_row:
                break
    return hit


@wp.func
def _cross_field(
    heights: wp.array2d[float], tops: wp.array2d[float], extent: wp.vec2, start: wp.vec3, speed: wp.vec3, reach: float
) -> float:
    """Where a ray first meets the height field, else FAR.

    `start` and `speed` count cells along x and y, and metres above the lowest vertex along z; `extent` is from the
    bottom of the field's solid base to its highest vertex.
    """
    cols = heights.shape[1] - 1
    rows = heights.shape[0] - 1
    inverse = wp.vec2(_inverse(speed[0]), _inverse(speed[1]))
    span = _clip(wp.vec2(0.0, reach), start[0], speed[0], inverse[0], float(cols))
    span = _clip(span, start[1], speed[1], inverse[1], float(rows))
    span = _clip(span, start[2] - extent[0], speed[2], _inverse(speed[2]), extent[1] - extent[0] + _SLACK)
    if not span[0] <= span[1]:
        return FAR
    now = float(span[0])
    last = span[1]
    col = wp.clamp(int(start[0] + now * speed[0]), 0, cols - 1)
    row = wp.clamp(int(start[1] + now * speed[1]), 0, rows - 1)
    bx = col // BLOCK
    by = row // BLOCK
    gap = start[2] + now * speed[2] - tops[by, bx]
    if gap < 0.0:
        u = start[0] - float(col) + now * speed[0]
        v = start[1] - float(row) + now * speed[1]
        gap = _gap(_corners(heights, col, row), u, v, start[2] + now * speed[2])
        if gap < 0.0 and now > 0.0:
            return now  # came from beside or below: here it enters the earth
    side = wp.where(gap < 0.0, -1.0, 1.0)
    step_x = wp.where(speed[0] > 0.0, 1, -1)
    step_y = wp.where(speed[1] > 0.0, 1, -1)
    size = float(BLOCK)
    next_x = float(_leave(bx * BLOCK, (bx + 1) * BLOCK, start[0], speed[0], inverse[0]))
    next_y = float(_leave(by * BLOCK, (by + 1) * BLOCK, start[1], speed[1], inverse[1]))
    hit = float(FAR)
    for _step in range(tops.shape[0] + tops.shape[1]):
        leave = wp.min(wp.min(next_x, next_y), last)
        lowest = start[2] + wp.min(now * speed[2], leave * speed[2])
        if side < 0.0 or lowest <= tops[by, bx]:
            hit = _cross_block(heights, bx * BLOCK, by * BLOCK, start, speed, inverse, now, leave, side)
        if hit < FAR or leave >= last:
            break
        now = leave
        if next_x <= next_y:
            bx += step_x
            next_x += size * wp.abs(inverse[0])
            if bx < 0 or bx >= tops.shape[1]:
                break
        else:
            by += step_y
            next_y += size * wp.abs(inverse[1])
            if by < 0 or by >= tops.shape[0]:
                break
    return hit


@wp.func
def _cross_obstacles(
    obstacles: wp.array3d[float], cylinders: wp.array[int], env: int, origin: wp.vec3, direction: wp.vec3
) -> float:
    """Where a ray first meets an obstacle of an environment, else FAR; from inside, where it leaves it."""
    nearest = float(FAR)
    for k in range(obstacles.shape[1]):
        half = wp.vec3(obstacles[env, k, 7], obstacles[env, k, 8], obstacles[env, k, 9])
        to_centre = wp.vec3(obstacles[env, k, 0], obstacles[env, k, 1], obstacles[env, k, 2]) - origin
        along = wp.dot(to_centre, direction) / wp.dot(direction, direction)
        beside = to_centre - along * direction
        if wp.min(half) > 0.0 and wp.dot(beside, beside) <= wp.dot(half, half):
            quat = wp.quat(obstacles[env, k, 3], obstacles[env, k, 4], obstacles[env, k, 5], obstacles[env, k, 6])
            centre = wp.vec3(wp.quat_rotate_inv(quat, to_centre))
            speed = wp.vec3(wp.quat_rotate_inv(quat, direction))
            span = wp.vec2(-FAR, FAR)
            round = cylinders[k] != 0
            if round:
                span = _clip_round(span, -centre, speed, half[0])
            for axis in range(3):
                if axis == 2 or not round:
                    place = half[axis] - centre[axis]
                    span = _clip(span, place, speed[axis], _inverse(speed[axis]), 2.0 * half[axis])
            if span[0] <= span[1] and span[1] >= 0.0:
                nearest = wp.min(nearest, wp.where(span[0] >= 0.0, span[0], span[1]))
    return nearest


@wp.kernel
def _cast(
    heights: wp.array2d[float],
    tops: wp.array2d[float],
    extent: wp.vec2,
    corner: wp.vec3,
    cells_per_metre: wp.vec3,
    obstacles: wp.array3d[float],
    cylinders: wp.array[int],
    ground: bool,
    mesh: wp.uint64,
    origins: wp.array2d[wp.vec3],
    directions: wp.array2d[wp.vec3],
    reach: float,
    distances: wp.array2d[float],
) -> None:
    """One thread a ray; the ground is a mesh, else a height field, else the plane at the height of `corner`."""
    env, ray = wp.tid()  # type: ignore[misc]  # as many numbers as the launch has dimensions
    origin = origins[env, wp.min(ray, origins.shape[1] - 1)]
    direction = directions[env, ray]
    nearest = float(FAR)
    # a robot whose state has become NaN must not read beyond the map
    if wp.isfinite(wp.dot(origin, origin)) and wp.isfinite(wp.dot(direction, direction)):
        start = wp.cw_mul(origin - corner, cells_per_metre)
        speed = wp.cw_mul(direction, cells_per_metre)
        if not ground:
            nearest = float(FAR)
        elif mesh != wp.uint64(0):
            length = wp.length(direction)
            hit = wp.mesh_query_ray(mesh, origin, direction / length, wp.min(reach * length, FAR))
            if hit.result:
                nearest = hit.t / length
        elif tops.shape[0] > 0:
            nearest = _cross_field(heights, tops, extent, start, speed, reach)
        elif speed[2] < 0.0 and start[2] >= 0.0:
            nearest = -start[2] / speed[2]
        nearest = wp.min(nearest, _cross_obstacles(obstacles, cylinders, env, origin, direction))
    distances[env, ray] = wp.where(nearest <= reach and nearest < FAR, nearest, MISS)


class SceneRays:
    """The ground and the obstacles of all environments, for rays of any of them."""

    def __init__(
        self, model: Any, device: torch.device, num_threads: int = 1, cylinders: Sequence[bool] = (),
        mesh: Optional[TriangleMesh] = None,
    ) -> None:  # fmt: skip
        """Put the ground on the device and compile the kernel.

        Args:
            model: with a geom "ground", a plane or a height field that is not tilted.
            device: where rays come from.
            num_threads: of a CPU.
            cylinders: which of the obstacles are; the others are boxes.
            mesh: what rays see in the place of the ground.
        """
        wp.config.log_level = max(wp.config.log_level, wp.LOG_WARNING)
        wp.init()
        self._device, self._threads = device, num_threads if device.type == "cpu" else 1
        self._pool: Optional[ThreadPoolExecutor] = None
        ground = model.geom("ground").id
        position, field = model.geom_pos[ground], int(model.geom_dataid[ground])
        heights = tops = np.zeros((0, 0), np.float32)
        extent, corner, scale = np.zeros(2), position, np.ones(3)
        if field >= 0:
            half_x, half_y, elevation, base = model.hfield_size[field]
            rows, cols = int(model.hfield_nrow[field]), int(model.hfield_ncol[field])
            first = int(model.hfield_adr[field])
            data = model.hfield_data[first : first + rows * cols].reshape(rows, cols)
            heights = (data * elevation).astype(np.float32)
            tops, extent = _block_tops(heights), np.array([-base, heights.max()])
            corner = position - [half_x, half_y, 0.0]
            scale = np.array([(cols - 1) / (2.0 * half_x), (rows - 1) / (2.0 * half_y), 1.0])
        place = wp.device_from_torch(device)
        self._cylinders = wp.array(list(cylinders), dtype=int, device=place)
        self._ground = [
            wp.array(heights, dtype=float, device=place), wp.array(tops, dtype=float, device=place),
            wp.vec2(*extent.tolist()), wp.vec3(*corner.tolist()), wp.vec3(*scale.tolist()),
        ]  # fmt: skip
        self._mesh: Any = None
        if mesh is not None:
            points = wp.array(mesh.vertices.astype(np.float32), dtype=wp.vec3, device=place)
            self._mesh = wp.Mesh(points, wp.array(mesh.faces.reshape(-1), dtype=int, device=place))

    def cast(
        self, origins: Tensor, directions: Tensor, obstacles: Tensor, max_distance: float, ground: bool = True
    ) -> Tensor:
        """Distances to the first hit.

        Args:
            origins: (n, R, 3), or (n, 1, 3) for rays from one point; world frame, m, float32.
            directions: (n, R, 3).
            obstacles: (n, K, 10) position, quaternion xyzw and half sizes; a size of 0 hides one.
            max_distance: how far to look, in units of a direction's length.
            ground: whether rays see it besides the obstacles.

        Returns:
            (n, R) in units of a direction's length, +inf for a miss.
        """
        distances = torch.empty(directions.shape[:2], device=self._device)
        if distances.numel() == 0:
            return distances
        tensors = [obstacles.contiguous(), origins.contiguous(), directions.contiguous(), distances]
        parts = min(self._threads, len(distances))
        shares = zip(*(tensor.tensor_split(parts) for tensor in tensors))
        launches = [self._record(share, max_distance, ground) for share in shares]
        if parts == 1:
            launches[0].launch()
        else:
            # the kernels run without the interpreter's lock
            self._pool = self._pool or ThreadPoolExecutor(self._threads)
            list(self._pool.map(lambda launch: launch.launch(), launches))
        return distances

    def _record(self, tensors: Any, max_distance: float, ground: bool) -> Any:
        """A launch over some of the environments; it does not run yet."""
        obstacles, origins, directions, distances = tensors
        arrays = [
            wp.from_torch(obstacles, dtype=wp.float32),
            self._cylinders,
            ground,
            wp.uint64(0 if self._mesh is None else self._mesh.id),
            wp.from_torch(origins, dtype=wp.vec3),
            wp.from_torch(directions, dtype=wp.vec3),
        ]
        reach = min(float(max_distance), float(FAR))
        inputs = [*self._ground, *arrays, reach, wp.from_torch(distances, dtype=wp.float32)]
        place = wp.device_from_torch(self._device)
        return wp.launch(_cast, dim=tuple(distances.shape), inputs=inputs, device=place, record_cmd=True)


def _block_tops(heights: np.ndarray) -> np.ndarray:
    """Highest vertex of each block of cells: (rows, cols) vertices to blocks; vertices on a border count for both."""
    across = np.maximum(heights[:, :-1], heights[:, 1:])
    cells = np.maximum(across[:-1], across[1:])
    rows, cols = (-(-size // int(BLOCK)) for size in cells.shape)
    padded = np.full((rows * int(BLOCK), cols * int(BLOCK)), -np.inf, np.float32)
    padded[: cells.shape[0], : cells.shape[1]] = cells
    return padded.reshape(rows, int(BLOCK), cols, int(BLOCK)).max(axis=(1, 3))
