"""Robot file + ground + obstacles + sensors -> MjSpec -> MjModel, the same for both MuJoCo backends.

What the robot file says is kept; what a learning environment needs is added: a free joint, one actuator a joint
with its torque limit, armature, collision filters, one contact-force sensor a body.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

import mujoco
import numpy as np

from legged_gym.errors import UserError
from legged_gym.sim.pictures.scenery import add_scenery
from legged_gym.sim.robot.gains import gains_of, torque_speed_of
from legged_gym.sim.robot.robot_feet import notes_on_feet
from legged_gym.sim.robot.robot_file import load_robot
from legged_gym.sim.robot.robot_parts import all_bodies, collides, compile_spec, joint_name, motor_joints
from legged_gym.sim.spec import HeightField, SimSpec, TriangleMesh

# collision classes: a geom pair collides if one's contype meets the other's conaffinity
GROUND_BIT, ROBOT_BIT = 1, 2
# geom groups, used by rays and by rendering
GROUND_GROUP, OBSTACLE_GROUP, VISUAL_GROUP, ROBOT_GROUP = 0, 1, 2, 3

# an obstacle that is not in use waits down here, out of reach of robots and beside every ray that looks down
HIDDEN_POSITION = (-1000.0, -1000.0, -1000.0)
HIDDEN_HALF_SIZE = 0.01
# whether a motor's controller is given a position or a torque
_ASKED = {True: int(mujoco.mjtCtrlInput.mjINPUT_POS), False: int(mujoco.mjtCtrlInput.mjINPUT_FF)}


@dataclass
class RobotModel:
    """A compiled model and where its parts are.

    Attributes:
        model: the MjModel; actuators and contact sensors stand in the order of `dof_names` and `body_names`.
        dof_names: the D joints.
        body_names: the B bodies, root first.
        qpos_ids: (D,) addresses of the joints in qpos.
        qvel_ids: (D,) addresses of the joints in qvel.
        body_ids: (B,) MuJoCo body ids.
        robot_geoms: ids of the robot's collision geoms.
        obstacle_geoms: (K,) ids of the obstacles.
        cylinders: (K,) which of them are cylinders; the others are boxes.
        position_control: whether actuators are PD controllers (else they take torques).
        dof_pos_limits: (D, 2) rad; infinite for a joint without limits.
        dof_vel_limits: (D,) rad/s; MuJoCo does not enforce them.
        torque_limits: (D,) N m.
        fixed_base: whether the root cannot move by itself; it then is a mocap body, so that it can still be teleported.
        root_mocap: index of the root in mocap_pos and mocap_quat if the base is fixed, else -1.
        obstacle_mocaps: (K,) the same indices of the obstacles.
        ground_mesh: what rays see in the place of the height field.
    """

    model: Any
    dof_names: List[str]
    body_names: List[str]
    qpos_ids: np.ndarray
    qvel_ids: np.ndarray
    body_ids: np.ndarray
    robot_geoms: np.ndarray
    obstacle_geoms: np.ndarray
    cylinders: np.ndarray
    position_control: bool
    dof_pos_limits: np.ndarray
    dof_vel_limits: np.ndarray
    torque_limits: np.ndarray
    fixed_base: bool
    root_mocap: int
    obstacle_mocaps: np.ndarray
    ground_mesh: Optional[TriangleMesh]


def build_model(spec: SimSpec, visual: bool = False) -> RobotModel:
    """Compile the model of one robot on one ground.

    Args:
        spec: the world.
        visual: keep the robot's visual shapes; they cost time, so only the model for rendering has them.

    Returns:
        The compiled model with its index tables.

    Raises:
        UserError: the robot file is missing or broken, or a name in the spec is not in it.
    """
    loaded = load_robot(spec.file, spec.foot_name, spec.dof_names or spec.joint_names)
    mj, root = loaded.spec, loaded.root
    mj.compiler.fusestatic = spec.collapse_fixed_joints
    mj.compiler.discardvisual = not visual
    mj.compiler.balanceinertia = True
    _set_base(mj, root, spec)
    dof_names = _dof_order(root, spec.dof_names, loaded.notes)
    body_names = _body_order(root, spec, loaded.kept_apart)
    _set_options(mj, spec)
    _set_robot_collision(root, spec)
    for note in [*loaded.notes, *notes_on_feet(root, spec.foot_name)] if not visual else ():  # then it is known
        print(note)
    _add_ground(mj, spec.ground, spec.ground_friction)
    _add_obstacles(mj, spec.obstacles)
    if visual:
        add_scenery(mj)
    torque_limits = _add_actuators(mj, dof_names, spec)
    _add_contact_sensors(mj, body_names)
    model = compile_spec(mj, spec.file)
    obstacles = range(len(spec.obstacles))
    joints = [model.joint(name) for name in dof_names]
    return RobotModel(
        model=model,
        dof_names=dof_names,
        body_names=body_names,
        qpos_ids=np.array([j.qposadr[0] for j in joints]),
        qvel_ids=np.array([j.dofadr[0] for j in joints]),
        body_ids=np.array([model.body(name).id for name in body_names]),
        robot_geoms=np.flatnonzero(model.geom_group == ROBOT_GROUP),
        obstacle_geoms=np.array([model.geom(f"obstacle_{k}").id for k in obstacles], dtype=np.int64),
        cylinders=np.array([kind == "cylinder" for kind in spec.obstacles], dtype=bool),
        position_control=spec.position_control,
        dof_pos_limits=np.array([j.range if model.jnt_limited[j.id] else [-np.inf, np.inf] for j in joints]),
        dof_vel_limits=np.array([loaded.velocity_limits.get(name, np.inf) for name in dof_names]),
        torque_limits=torque_limits,
        fixed_base=spec.fixed_base,
        root_mocap=int(model.body(body_names[0]).mocapid[0]),
        obstacle_mocaps=np.array([model.body(f"obstacle_{k}").mocapid[0] for k in obstacles], dtype=np.int64),
        ground_mesh=None if spec.ground is None else spec.ground.mesh,
    )


def bodies_in_pose(robot: RobotModel, dof_pos: np.ndarray) -> np.ndarray:
    """Positions (K, B, 3) m of the bodies in poses (K, D) of a robot whose root stands upright in the origin."""
    data, upright = mujoco.MjData(robot.model), [1.0, 0.0, 0.0, 0.0]
    if robot.fixed_base:
        data.mocap_pos[robot.root_mocap], data.mocap_quat[robot.root_mocap] = 0.0, upright
    else:
        data.qpos[:3], data.qpos[3:7] = 0.0, upright
    positions = np.zeros((len(dof_pos), len(robot.body_ids), 3))
    for k, pose in enumerate(dof_pos):
        data.qpos[robot.qpos_ids] = pose
        mujoco.mj_kinematics(robot.model, data)
        positions[k] = data.xpos[robot.body_ids]
    return positions


def shown_groups(model: Any) -> List[int]:
    """Geom groups that a picture shows: visual shapes, or the collision shapes of a robot that has no others."""
    robot = VISUAL_GROUP if (model.geom_group == VISUAL_GROUP).any() else ROBOT_GROUP
    return [GROUND_GROUP, OBSTACLE_GROUP, robot]


def _dof_order(root: Any, names: Optional[Sequence[str]], notes: List[str]) -> List[str]:
    found = [str(joint.name) for body in all_bodies(root) for joint in motor_joints(body)]
    if names is None:
        by_link = [str(joint.name) for body in all_bodies(root, lambda b: str(b.name)) for joint in motor_joints(body)]
        if by_link != found:
            notes.append(f"note: joints are sorted by their own names; for runs of before: asset.dof_names = {by_link}")
        return found
    if sorted(names) != sorted(found):
        lacks = ", ".join(name for name in names if name not in found) or "none"
        more = ", ".join(name for name in found if name not in names) or "none"
        raise UserError(
            f"asset.dof_names must list each joint of the robot file once; missing in it: {lacks}; more in it: {more}"
        )
    return list(names)


def _body_order(root: Any, spec: SimSpec, kept_apart: Mapping[str, str]) -> List[str]:
    """Bodies that can move on their own, feet, and those that are asked for; Isaac Gym collapses all other joints."""
    bodies = all_bodies(root, lambda body: kept_apart.get(str(body.name)) or joint_name(body))
    if spec.collapse_fixed_joints:
        kept = [*kept_apart, *(spec.body_names or ())]
        bodies = [b for b in bodies if b is bodies[0] or b.joints or spec.foot_name in str(b.name) or b.name in kept]
    found = [str(b.name) for b in bodies]
    names = spec.body_names
    if names is None:
        return found
    missing = [name for name in names if name not in found]
    if missing or names[0] != found[0]:
        raise UserError(f"asset.body_names must start with {found[0]} and name bodies among {', '.join(found)}")
    return list(names)


def _set_base(mj: Any, root: Any, spec: SimSpec) -> None:
    """Make the root float freely, or fix it where the spec starts it."""
    if spec.fixed_base:
        for joint in list(root.joints):
            mj.delete(joint)
        root.mocap = True
        root.alt.type = mujoco.mjtOrientation.mjORIENTATION_QUAT
        root.pos, root.quat = list(spec.start_pos), np.roll(spec.start_rot, 1)
    elif not root.joints:
        root.add_freejoint(name="root")


def _set_options(mj: Any, spec: SimSpec) -> None:
    option, solver = mj.option, spec.solver
    option.timestep = spec.dt
    option.gravity = list(spec.gravity)
    option.integrator = _member(mujoco.mjtIntegrator, "mjINT_", solver.integrator, "sim.mujoco.integrator")
    option.cone = _member(mujoco.mjtCone, "mjCONE_", solver.cone, "sim.mujoco.cone")
    option.impratio, option.tolerance = solver.impratio, solver.tolerance
    option.iterations, option.ls_iterations = solver.iterations, solver.ls_iterations
    # one robot on static ground is one island: looking for more costs 5 % of a step
    option.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_ISLAND)


def _member(enum: Any, prefix: str, name: str, key: str) -> Any:
    members = enum.__members__
    if prefix + name.upper() not in members:
        known = ", ".join(m[len(prefix) :].lower() for m in members)
        raise UserError(f"{key} is '{name}'; MuJoCo knows {known}")
    return members[prefix + name.upper()]


def _set_robot_collision(root: Any, spec: SimSpec) -> None:
    """Robot against ground and obstacles, and against itself where asked; its friction rules the pair's (priority).

    Raises:
        UserError: a robot that can fall has no shape that collides.
    """
    bodies, falls = all_bodies(root), not spec.fixed_base and any(spec.gravity)
    if falls and not any(collides(geom) for body in bodies for geom in body.geoms):
        raise UserError(
            f"{spec.file}: no shape of the robot collides, so it would fall through the ground: give it some"
        )
    for body in bodies:
        for geom in body.geoms:
            if str(geom.name).startswith(("ground", "obstacle_")):  # names of what is not the robot
                geom.name = f"robot_{geom.name}"
            if not collides(geom):
                geom.group = VISUAL_GROUP
                continue
            geom.group = ROBOT_GROUP
            geom.contype = ROBOT_BIT
            geom.conaffinity = GROUND_BIT | ROBOT_BIT if spec.self_collisions else GROUND_BIT
            geom.condim = 3
            geom.priority = 1
            geom.friction = [combined_friction(1.0, spec.ground_friction), 0.005, 0.0001]
        for joint in motor_joints(body):
            joint.armature = max(float(joint.armature), _armature_of(str(joint.name), spec.armature))


def _armature_of(joint: str, armature: Union[float, Dict[str, float]]) -> float:
    """What the spec says of one joint: one number for all, or numbers by parts of names as for gains."""
    return float(gains_of([joint], armature)[0] if isinstance(armature, dict) else armature)


def combined_friction(robot: Any, ground: float) -> Any:
    """PhysX's default rule: the mean of the two coefficients."""
    return 0.5 * (robot + ground)


def _add_ground(mj: Any, ground: Optional[HeightField], friction: float) -> None:
    kind = {"contype": GROUND_BIT, "conaffinity": ROBOT_BIT, "group": GROUND_GROUP}
    if ground is None:
        geom = mj.worldbody.add_geom(name="ground", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 0.05], **kind)
    else:
        rows, cols = ground.data.shape
        mj.add_hfield(name="ground", nrow=rows, ncol=cols, size=list(ground.size), userdata=ground.data.reshape(-1))
        geom = mj.worldbody.add_geom(
            name="ground", type=mujoco.mjtGeom.mjGEOM_HFIELD, hfieldname="ground", pos=list(ground.pos), **kind
        )
    geom.friction = [friction, 0.005, 0.0001]


def _add_obstacles(mj: Any, kinds: Sequence[str]) -> None:
    """Shapes on mocap bodies: their poses are state, so each environment places its own."""
    shapes = {"box": mujoco.mjtGeom.mjGEOM_BOX, "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER}
    for k, kind in enumerate(kinds):
        body = mj.worldbody.add_body(name=f"obstacle_{k}", mocap=True, pos=list(HIDDEN_POSITION))
        body.add_geom(
            name=f"obstacle_{k}", type=shapes[kind], size=[HIDDEN_HALF_SIZE] * 3, contype=GROUND_BIT,
            conaffinity=ROBOT_BIT, group=OBSTACLE_GROUP, mass=0.0,
        )  # fmt: skip


def _add_actuators(mj: Any, dof_names: Sequence[str], spec: SimSpec) -> np.ndarray:
    """One actuator a joint; returns the torque limits (D,) N m."""
    kp, kd = gains_of(dof_names, spec.stiffness), gains_of(dof_names, spec.damping)
    limits, (stall, no_load) = np.zeros(len(dof_names)), torque_speed_of(dof_names, spec.torque_speed)
    for i, name in enumerate(dof_names):
        low, high = mj.joint(name).actfrcrange
        if low == high == 0:
            low, high = -np.inf, np.inf
        low, high = max(low, -stall[i]), min(high, stall[i])
        limits[i] = max(-low, high)
        actuator = mj.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
        if np.isfinite(stall[i]):
            # at one volt; the controller asks for a torque, by what the motor gives at any voltage up to that
            nominal, kind = [1.0, stall[i], no_load[i]], _ASKED[spec.position_control]
            gains = [kp[i], 0.0, kd[i]] if spec.position_control else [0.0] * 3
            actuator.set_to_dcmotor([0.0, 0.0], 0.0, nominal=nominal, controller=[*gains, 0.0, 0.0, 1.0], ctrlspec=kind)
        elif spec.position_control:
            actuator.set_to_position(kp=kp[i], kv=kd[i])
        else:
            actuator.set_to_motor()
        if np.isfinite(limits[i]):
            # the limit belongs to the actuator, so that its reported force is the torque really applied
            actuator.forcelimited = mujoco.mjtLimited.mjLIMITED_TRUE
            actuator.forcerange = [low, high]
    return limits


def _add_contact_sensors(mj: Any, body_names: Sequence[str]) -> None:
    force = 1 << int(mujoco.mjtConDataField.mjCONDATA_FORCE)
    net_force = 3  # reduction of all contacts of the body to their sum, in the world frame
    for name in body_names:
        mj.add_sensor(
            name=f"contact_{name}", type=mujoco.mjtSensor.mjSENS_CONTACT, objtype=mujoco.mjtObj.mjOBJ_BODY,
            objname=name, intprm=[force, net_force, 1],
        )  # fmt: skip
