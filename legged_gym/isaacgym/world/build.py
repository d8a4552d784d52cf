"""Actors of one environment + ground -> MjSpec -> MjModel, with tables of where their parts are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Sequence, Set, Tuple

import mujoco
import numpy as np

from legged_gym.errors import UserError
from legged_gym.isaacgym.assets.asset import FILTER, FRICTION, Asset
from legged_gym.isaacgym.assets.masses import add_geom
from legged_gym.isaacgym.assets.meshes import add_mesh
from legged_gym.isaacgym.assets.tree import Link
from legged_gym.isaacgym.world.ground import merged
from legged_gym.isaacgym.world.scene import Actor, Sim
from legged_gym.sim.model import GROUND_BIT, GROUND_GROUP, ROBOT_GROUP, VISUAL_GROUP, combined_friction
from legged_gym.sim.pictures.scenery import add_scenery

NO_LIMIT = 1e10
"""What MuJoCo is told where there is no limit."""
_FIELDS = mujoco.mjtConDataField
# what a force sensor is made of
_WRENCH = (_FIELDS.mjCONDATA_FORCE, _FIELDS.mjCONDATA_TORQUE, _FIELDS.mjCONDATA_POS)
# rad, of a joint that its limits lock
_LEAST_RANGE = 1e-4
_Masks = Dict[Tuple[int, int], Tuple[int, int]]
# contype and conaffinity have 31 bits, and the ground takes one
_MOST_CLASSES = 30


@dataclass
class Slot:
    """A place for actors, the same in all environments, and its ids in the model.

    Attributes:
        root: address of the free joint in qpos, or index of the mocap body.
        root_vel: address of the free joint in qvel.
        reference: table of bodies that the model has.
        varied: fields of which environments have their own.
    """

    asset: Asset
    prefix: str
    fixed: bool
    root: int
    root_vel: int
    body_ids: np.ndarray
    geom_ids: np.ndarray
    joint_ids: np.ndarray
    qpos_ids: np.ndarray
    qvel_ids: np.ndarray
    first_body: int
    first_dof: int
    reference: np.ndarray
    varied: Set[str] = field(default_factory=set)


def build_model(sim: Sim, shown: int = 0) -> Any:
    """The MjModel of the first environment of a scene.

    Args:
        sim: the scene.
        shown: for pictures, how many environments are in one, side by side; 0 for physics.

    Raises:
        UserError: MuJoCo refuses it.
    """
    mj = mujoco.MjSpec()
    mj.compiler.degree = False
    mj.compiler.balanceinertia = True
    mj.memory = -1
    _set_options(mj, sim.params)
    actors = [actor for env in sim.envs[: shown or 1] for actor in env.actors]
    masks = None if shown else _masks(actors)
    meshes: Dict[Any, str] = {}
    for number, actor in enumerate(actors):
        _add_actor(mj, number, actor, masks, sim.friction, meshes)
    for number, actor in enumerate(() if shown else actors):
        for k, (body, _, _) in enumerate(actor.asset.sensors):
            name = f"{number}/{actor.asset.body_names[body]}"
            _add_contact_sensor(mj, f"force_{number}/{k}", name, _WRENCH)
    for number, ground in enumerate(merged(sim.grounds)):
        geom = ground.add_to(mj, f"ground_{number}" if number else "ground")
        geom.contype, geom.conaffinity, geom.group = GROUND_BIT, ~GROUND_BIT & 0x7FFFFFFF, GROUND_GROUP
        geom.friction = [ground.friction, 0.005, 0.0001]
    if shown:
        add_scenery(mj)
    try:
        return mj.compile()
    except ValueError as error:
        raise UserError(f"prepare_sim: MuJoCo cannot compile the scene: {' '.join(str(error).split())}") from error


def _set_options(mj: Any, params: Any) -> None:
    option = mj.option
    option.timestep = params.dt / max(int(params.substeps), 1)
    option.gravity = list(params.gravity)
    # damping of drives is implicit, as in PhysX
    option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST


def _masks(actors: List[Actor]) -> _Masks:
    """`contype` and `conaffinity` by group and filter of a shape.

    Shapes collide if their filters share no bit and their groups are the same, or one's is -1.
    """
    groups = [actor.group for actor in actors]
    classes = sorted({(group, int(f)) for a, group in zip(actors, groups) for f in a.shapes[:, FILTER]})
    if len(classes) > _MOST_CLASSES:
        raise UserError(f"prepare_sim: shapes have {len(classes)} different filters; {_MOST_CLASSES} is the most")
    masks = {}
    for k, (group, own) in enumerate(classes):
        others = [i for i, (g, f) in enumerate(classes) if not own & f and (g == group or -1 in (g, group))]
        masks[group, own] = 2 << k, GROUND_BIT | sum(2 << i for i in others)
    return masks


def _add_actor(
    mj: Any, number: int, actor: Actor, masks: Optional[_Masks], friction: float, meshes: Dict[Any, str]
) -> None:
    maker = _ActorMaker(mj, number, actor, masks, friction, meshes)
    body = maker.add(mj.worldbody, actor.asset.root)
    body.pos, body.quat = actor.pose[:3], actor.pose[[6, 3, 4, 5]]
    if actor.asset.fixed:
        body.mocap = True
    else:
        body.add_freejoint(name=f"{number}/root")
    if masks is None:
        return
    for k, joint in enumerate(actor.asset.joints):
        _add_actuator(mj, f"{number}/{joint.name}", actor.dofs[k])
    for name in actor.asset.body_names:
        _add_contact_sensor(mj, f"contact_{number}/{name}", f"{number}/{name}")
    if actor.filter == -1:
        for one, two in actor.asset.excludes:
            mj.add_exclude(bodyname1=f"{number}/{one}", bodyname2=f"{number}/{two}")


class _ActorMaker:
    """Adds the bodies of one actor; without masks, those of a picture, which has visual shapes too."""

    def __init__(
        self, mj: Any, number: int, actor: Actor, masks: Optional[_Masks], friction: float, meshes: Dict[Any, str]
    ) -> None:
        self.mj, self.number, self.actor, self.meshes = mj, number, actor, meshes
        self.masks, self.friction = masks, friction
        self.shapes = self.bodies = 0
        self.dofs = 0

    def add(self, parent: Any, link: Link) -> Any:
        actor, number, scale = self.actor, self.number, self.actor.scale
        body = parent.add_body(name=f"{number}/{link.name}", pos=scale * link.pos, quat=link.quat)
        row = actor.bodies[self.bodies]
        self.bodies += 1
        body.simple = False  # its centre of mass and inertia may change
        body.explicitinertial, body.mass, body.ipos = True, row[0], row[1:4]
        body.fullinertia = row[4:][[0, 4, 8, 1, 2, 5]]
        body.gravcomp = float(actor.asset.options.disable_gravity)
        for joint in link.joints:
            self._joint(body, joint)
        for shape in link.shapes:
            self._shape(body, shape)
        if self.masks is None:
            self._looks(body, link)
        for child in link.children:
            self.add(body, child)
        return body

    def _looks(self, body: Any, link: Link) -> None:
        """Shapes for pictures alone; those that collide, in the place of meshes that cannot be read."""
        try:
            for shape in link.visuals:
                if shape.mesh is not None:
                    add_mesh(self.mj, shape.mesh, self.meshes)
            shapes = link.visuals
        except UserError as error:
            self.actor.env.sim.notice(f"pictures of {link.name} show the shapes that collide: {error}")
            shapes = link.shapes
        for shape in shapes:
            geom = add_geom(self.mj, body, shape, self.meshes, contype=0, conaffinity=0, group=VISUAL_GROUP)
            geom.rgba, geom.size, geom.pos = shape.rgba, self.actor.scale * geom.size, self.actor.scale * geom.pos

    def _joint(self, body: Any, joint: Any) -> None:
        row, number = self.actor.dofs[self.dofs], self.number
        self.dofs += 1
        kind = mujoco.mjtJoint.mjJNT_HINGE if joint.kind == "hinge" else mujoco.mjtJoint.mjJNT_SLIDE
        made = body.add_joint(name=f"{number}/{joint.name}", type=kind, axis=joint.axis, pos=joint.pos)
        made.armature = row["armature"]
        if row["hasLimits"]:
            upper = max(float(row["upper"]), float(row["lower"]) + _LEAST_RANGE)
            made.limited, made.range = mujoco.mjtLimited.mjLIMITED_TRUE, [row["lower"], upper]

    def _shape(self, body: Any, shape: Any) -> None:
        row = self.actor.shapes[self.shapes]
        geom = add_geom(self.mj, body, shape, self.meshes, group=ROBOT_GROUP, condim=3, priority=1)
        geom.name, geom.rgba = f"{self.number}/shape_{self.shapes}", shape.rgba
        geom.size, geom.pos = self.actor.scale * geom.size, self.actor.scale * geom.pos
        key = self.actor.group, int(row[FILTER])
        geom.contype, geom.conaffinity = (0, 0) if self.masks is None else self.masks[key]
        geom.friction = [combined_friction(row[FRICTION], self.friction), 0.005, 0.0001]
        self.shapes += 1


def _add_actuator(mj: Any, name: str, row: Any) -> None:
    """Force = ctrl - stiffness q - damping qd, so that one kind of drive serves all modes."""
    actuator = mj.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
    actuator.gaintype, actuator.biastype = mujoco.mjtGain.mjGAIN_FIXED, mujoco.mjtBias.mjBIAS_AFFINE
    actuator.gainprm[0] = 1.0
    actuator.biasprm[1], actuator.biasprm[2] = -row["stiffness"], -row["damping"]
    limit = force_limit(row)
    actuator.forcelimited, actuator.forcerange = mujoco.mjtLimited.mjLIMITED_TRUE, [-limit, limit]


def force_limit(rows: Any) -> Any:
    """What drives may give, N m: the effort in modes of position and velocity, anything in others."""
    driven = (rows["driveMode"] == 1) | (rows["driveMode"] == 2)
    limit = np.where(driven & (rows["effort"] > 0), np.minimum(rows["effort"], NO_LIMIT), NO_LIMIT)
    return limit.astype(np.float64)


def _add_contact_sensor(mj: Any, name: str, body: str, fields: Sequence[Any] = (_FIELDS.mjCONDATA_FORCE,)) -> None:
    """Of the net force of all contacts of a body, in the world frame."""
    bits = sum(1 << int(part) for part in fields)
    mj.add_sensor(
        name=name, type=mujoco.mjtSensor.mjSENS_CONTACT, objtype=mujoco.mjtObj.mjOBJ_BODY, objname=body,
        intprm=[bits, 3, 1],
    )  # fmt: skip


def find_slots(sim: Sim, model: Any) -> List[Slot]:
    """Where the actors of an environment are in the model."""
    slots: List[Slot] = []
    bodies = dofs = 0
    for number, actor in enumerate(sim.envs[0].actors):
        asset, prefix = actor.asset, f"{number}/"
        ids = np.array([model.body(prefix + name).id for name in asset.body_names])
        joints = np.array([model.joint(prefix + name).id for name in asset.dof_names], dtype=np.int64)
        shapes = [model.geom(f"{prefix}shape_{k}").id for k in range(len(asset.shapes))]
        free = None if asset.fixed else model.joint(f"{prefix}root")
        slots.append(
            Slot(
                asset=asset, prefix=prefix, fixed=asset.fixed,
                root=int(model.body_mocapid[ids[0]]) if free is None else int(free.qposadr[0]),
                root_vel=-1 if free is None else int(free.dofadr[0]),
                body_ids=ids, geom_ids=np.array(shapes, dtype=np.int64), joint_ids=joints,
                qpos_ids=model.jnt_qposadr[joints], qvel_ids=model.jnt_dofadr[joints],
                first_body=bodies, first_dof=dofs, reference=actor.bodies,
            )
        )  # fmt: skip
        bodies, dofs = bodies + len(ids), dofs + len(joints)
    return slots
