"""What MuJoCo Warp has to be told of contacts: for how many there must be room, and which of them cannot be.

The number follows from shapes and ground alone, and is measured: robots are dropped on their ground (and on obstacles,
if there are any) in MuJoCo's C engine, in random poses and without control, so that they tumble and crumple; what the
worst of them had at any time, times a margin, is reserved. It takes a second or two.

A height field collides as prisms, one a triangle. Where a shape's middle comes near a face of a prism (a foot that
lands hard, a shank across an edge), MuJoCo Warp 4.0, which computes in float32, now and then finds metres of
penetration along the line to the middle of the field: 1 contact in 7000 of A1 that stumble over cells of 2.5 cm. One
such contact throws the robot away at hundreds of rad/s, so they are taken out.
"""

from __future__ import annotations

import copy
import math
from typing import Any, Callable, Tuple

import mujoco
import numpy as np
import warp as wp

from legged_gym.sim.engine_arrays import engine_sizes
from legged_gym.sim.model import GROUND_GROUP, RobotModel

ROBOTS = 8
SECONDS = 1.2
# thrown down at this speed, m/s
SPEED = 2.0
# an obstacle lies within this distance of where the robot lands, m, and its half sizes are up to this, m
OBSTACLE_REACH, OBSTACLE_HALF_SIZE = 0.4, 0.3
# the C engine keeps up to fifty contacts of a shape with a height field, MuJoCo Warp four
HEIGHT_FIELD_CONTACTS = 4
# m, written in the place of an impossible distance: beyond any margin, so the solver makes no constraint of the contact
_APART = 1.0e3


def contact_sizes(robot: RobotModel, margin: float) -> Tuple[int, int]:
    """Sizes for `mujoco_warp.make_data`.

    Args:
        robot: the compiled robot on its ground.
        margin: factor on what was measured.

    Returns:
        nconmax, contacts an environment on average over all (pairs of shapes that come near each other count too, as
        they pass through the same memory), and njmax, constraint rows of any one environment; multiples of 16.
    """
    model = copy.copy(robot.model)
    rng = np.random.Generator(np.random.PCG64(0))
    data = mujoco.MjData(model)
    pairs = _colliding_pairs(model)
    contacts, rows = 1, 1
    for _ in range(ROBOTS):
        _drop(robot, model, data, rng)
        for _ in range(int(SECONDS / model.opt.timestep)):
            mujoco.mj_step(model, data)
            now_contacts, now_rows = _count(model, data)
            contacts = max(contacts, now_contacts, _near(model, data, pairs))
            rows = max(rows, now_rows)
    return _round_up(margin * contacts), _round_up(margin * rows)


def _drop(robot: RobotModel, model: Any, data: Any, rng: np.random.Generator) -> None:
    """Put the robot in a random pose above a random point of the ground, on its way down."""
    mujoco.mj_resetData(model, data)
    low, high = np.clip(robot.dof_pos_limits, -np.pi, np.pi).T
    data.qpos[robot.qpos_ids] = rng.uniform(low, high)
    reach = np.zeros(2)
    if model.nhfield:
        ground = model.geom("ground").id
        reach = 0.8 * model.hfield_size[0, :2]
        centre = model.geom_pos[ground, :2]
    else:
        centre = np.zeros(2)
    place = np.append(centre + rng.uniform(-reach, reach), 0.0)
    place[2] = _ground_height(model, data, place)
    for geom, mocap, is_cylinder in zip(robot.obstacle_geoms, robot.obstacle_mocaps, robot.cylinders):
        offset = rng.uniform(-OBSTACLE_REACH, OBSTACLE_REACH, 2)
        data.mocap_pos[mocap] = place + np.append(offset, 0.0)
        half = rng.uniform(0.2, 1.0, 3) * OBSTACLE_HALF_SIZE
        half[1] = half[0] if is_cylinder else half[1]
        model.geom_size[geom] = engine_sizes(half, is_cylinder)
        model.geom_rbound[geom] = np.linalg.norm(half)
        model.geom_aabb[geom, 3:] = half
    if robot.fixed_base:
        return
    mujoco.mj_kinematics(model, data)
    spread = np.linalg.norm(data.geom_xpos[robot.robot_geoms] - data.xpos[robot.body_ids[0]], axis=1)
    radius = float(np.max(spread + model.geom_rbound[robot.robot_geoms]))
    quat = rng.normal(size=4)
    data.qpos[:7] = [*place[:2], place[2] + radius, *(quat / np.linalg.norm(quat))]
    data.qvel[2] = -SPEED


def _ground_height(model: Any, data: Any, place: np.ndarray) -> float:
    mujoco.mj_kinematics(model, data)
    groups = np.zeros(mujoco.mjNGROUP, np.uint8)
    groups[GROUND_GROUP] = 1
    top = 1000.0
    origin, down = np.array([place[0], place[1], top]), np.array([0.0, 0.0, -1.0])
    distance = mujoco.mj_ray(model, data, origin, down, groups, True, -1, np.zeros(1, np.int32), np.zeros(3))
    return top - distance if distance >= 0 else 0.0


def _colliding_pairs(model: Any) -> Tuple[np.ndarray, np.ndarray]:
    """Pairs of geoms that the engine's filters let through: masks, and not of one body nor of parent and child."""
    one, two = np.triu_indices(model.ngeom, 1)
    kind, partner = model.geom_contype, model.geom_conaffinity
    weld = model.body_weldid[model.geom_bodyid]
    parent = model.body_weldid[model.body_parentid[weld]]
    w1, w2, p1, p2 = weld[one], weld[two], parent[one], parent[two]
    related = (w1 == w2) | ((w1 != 0) & (w2 != 0) & ((w1 == p2) | (w2 == p1)))
    masks = ((kind[one] & partner[two]) | (kind[two] & partner[one])) != 0
    keep = masks & ~related
    return one[keep], two[keep]


def _near(model: Any, data: Any, pairs: Tuple[np.ndarray, np.ndarray]) -> int:
    """How many pairs have touching bounding spheres: no fewer than pass the broad phase."""
    one, two = pairs
    offset = data.geom_xpos[two] - data.geom_xpos[one]
    radius = model.geom_rbound[one] + model.geom_rbound[two]
    gap = np.linalg.norm(offset, axis=1)
    for plane, sign in ((one, 1.0), (two, -1.0)):
        is_plane = model.geom_type[plane] == mujoco.mjtGeom.mjGEOM_PLANE
        normal = data.geom_xmat[plane[is_plane]][:, [2, 5, 8]]
        gap[is_plane] = sign * np.sum(offset[is_plane] * normal, axis=1)
    return int(np.sum(gap < radius))


def _count(model: Any, data: Any) -> Tuple[int, int]:
    """Contacts and constraint rows, with no more of them on a height field than MuJoCo Warp makes."""
    contacts, rows = data.ncon, data.nefc
    if model.nhfield and contacts:
        geoms = data.contact.geom
        on_field = (model.geom_type[geoms] == mujoco.mjtGeom.mjGEOM_HFIELD).any(axis=1)
        _, counts = np.unique(geoms[on_field], axis=0, return_counts=True)
        spare = int(np.maximum(counts - HEIGHT_FIELD_CONTACTS, 0).sum())
        contacts -= spare
        rows -= spare * (4 if model.opt.cone == mujoco.mjtCone.mjCONE_PYRAMIDAL else 3)
    return contacts, rows


def _round_up(size: float) -> int:
    return 16 * int(np.ceil(size / 16))


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
