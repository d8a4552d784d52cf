"""Robot file + ground + obstacles + sensors -> MjSpec -> MjModel, the same for both MuJoCo backends.

What the robot file says is kept; what a learning environment needs is added: a free joint, one actuator a joint
with its torque limit, armature, collision filters, one contact-force sensor a body.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Optional, Sequence

import mujoco
import numpy as np

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.errors import UserError
from legged_gym.sim.pictures.scenery import add_scenery
from legged_gym.sim.robot.gains import gains_of
from legged_gym.sim.robot.robot_feet import notes_on_feet
from legged_gym.sim.robot.robot_file import load_robot
from legged_gym.sim.robot.robot_parts import all_bodies, collides, compile_spec, motor_joints

# collision classes: a geom pair collides if one's contype meets the other's conaffinity
GROUND_BIT, ROBOT_BIT = 1, 2
# geom groups, used by rays and by rendering
GROUND_GROUP, OBSTACLE_GROUP, VISUAL_GROUP, ROBOT_GROUP = 0, 1, 2, 3

# an obstacle that is not in use waits down here, out of reach of robots and beside every ray that looks down
HIDDEN_POSITION = (-1000.0, -1000.0, -1000.0)
HIDDEN_HALF_SIZE = 0.01


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
        obstacle_geoms: ids of the obstacle boxes.
        position_control: whether actuators are PD controllers (else they take torques).
        dof_pos_limits: (D, 2) rad; infinite for a joint without limits.
        dof_vel_limits: (D,) rad/s; MuJoCo does not enforce them.
        torque_limits: (D,) N m.
        fixed_base: whether the root cannot move by itself; it then is a mocap body, so that it can still be teleported.
        root_mocap: index of the root in mocap_pos and mocap_quat if the base is fixed, else -1.
        obstacle_mocaps: (K,) the same indices of the obstacles.
    """

    model: Any
    dof_names: List[str]
    body_names: List[str]
    qpos_ids: np.ndarray
    qvel_ids: np.ndarray
    body_ids: np.ndarray
    robot_geoms: np.ndarray
    obstacle_geoms: np.ndarray
    position_control: bool
    dof_pos_limits: np.ndarray
    dof_vel_limits: np.ndarray
    torque_limits: np.ndarray
    fixed_base: bool
    root_mocap: int
    obstacle_mocaps: np.ndarray


def build_model(cfg: Any, ground: Optional[Any] = None, num_obstacles: int = 0, visual: bool = False) -> RobotModel:
    """Compile the model of one robot on one ground.

    Args:
        cfg: an environment config; the groups asset, control, init_state, sim and terrain are read.
        ground: a height field (attributes data (rows, cols) in 0..1, size (4,), pos (3,)), or None for a plane.
        num_obstacles: K boxes that every environment can place with `Simulator.set_obstacles`.
        visual: keep the robot's visual shapes; they cost time, so only the model for rendering has them.

    Returns:
        The compiled model with its index tables.

    Raises:
        UserError: the robot file is missing or broken, or a name in the config is not in it.
    """
    file = cfg.asset.file.replace("{LEGGED_GYM_ROOT_DIR}", LEGGED_GYM_ROOT_DIR)
    loaded = load_robot(file, cfg.asset.foot_name, cfg.asset.dof_names or cfg.init_state.default_joint_angles)
    spec, root = loaded.spec, loaded.root
    spec.compiler.fusestatic = bool(cfg.asset.collapse_fixed_joints)
    spec.compiler.discardvisual = not visual
    spec.compiler.balanceinertia = True
    _set_base(spec, root, cfg)
    dof_names = _dof_order(spec, root, cfg.asset.dof_names)
    body_names = _body_order(root, cfg)
    _set_options(spec, cfg)
    _set_robot_collision(root, cfg)
    for note in [*loaded.notes, *notes_on_feet(root, cfg.asset.foot_name)] if not visual else ():  # then it is known
        print(note)
    _add_ground(spec, ground, cfg)
    _add_obstacles(spec, num_obstacles)
    if visual:
        add_scenery(spec)
    torque_limits = _add_actuators(spec, dof_names, cfg)
    _add_contact_sensors(spec, body_names)
    model = compile_spec(spec, file)
    joints = [model.joint(name) for name in dof_names]
    return RobotModel(
        model=model,
        dof_names=dof_names,
        body_names=body_names,
        qpos_ids=np.array([j.qposadr[0] for j in joints]),
        qvel_ids=np.array([j.dofadr[0] for j in joints]),
        body_ids=np.array([model.body(name).id for name in body_names]),
        robot_geoms=np.flatnonzero(model.geom_group == ROBOT_GROUP),
        obstacle_geoms=np.array([model.geom(f"obstacle_{k}").id for k in range(num_obstacles)], dtype=np.int64),
        position_control=is_position_control(cfg),
        dof_pos_limits=np.array([j.range if model.jnt_limited[j.id] else [-np.inf, np.inf] for j in joints]),
        dof_vel_limits=np.array([loaded.velocity_limits.get(name, np.inf) for name in dof_names]),
        torque_limits=torque_limits,
        fixed_base=bool(cfg.asset.fix_base_link),
        root_mocap=int(model.body(body_names[0]).mocapid[0]),
        obstacle_mocaps=np.array(
            [model.body(f"obstacle_{k}").mocapid[0] for k in range(num_obstacles)], dtype=np.int64
        ),
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


def is_position_control(cfg: Any) -> bool:
    """Whether the engine runs the PD controller (control_type 'P'); otherwise it is handed torques."""
    return bool(cfg.control.control_type == "P")


def quat_to_xyzw(wxyz: np.ndarray) -> np.ndarray:
    """Quaternions (..., 4) from MuJoCo's w,x,y,z to Isaac Gym's x,y,z,w."""
    return np.roll(wxyz, -1, axis=-1)


def _dof_order(spec: Any, root: Any, names: Optional[Sequence[str]]) -> List[str]:
    found = [str(joint.name) for body in all_bodies(root) for joint in motor_joints(body)]
    if names is None:
        return found
    if sorted(names) != sorted(found):
        lacks = ", ".join(name for name in names if name not in found) or "none"
        more = ", ".join(name for name in found if name not in names) or "none"
        raise UserError(
            f"asset.dof_names must list each joint of the robot file once; missing in it: {lacks}; more in it: {more}"
        )
    return list(names)


def _body_order(root: Any, cfg: Any) -> List[str]:
    """Bodies that can move on their own, and feet: what is left when Isaac Gym collapses fixed joints."""
    bodies = all_bodies(root)
    if cfg.asset.collapse_fixed_joints:
        bodies = [b for b in bodies if b is bodies[0] or b.joints or cfg.asset.foot_name in str(b.name)]
    found = [str(b.name) for b in bodies]
    names = cfg.asset.body_names
    if names is None:
        return found
    missing = [name for name in names if name not in found]
    if missing or names[0] != found[0]:
        raise UserError(f"asset.body_names must start with {found[0]} and name bodies among {', '.join(found)}")
    return list(names)


def _set_base(spec: Any, root: Any, cfg: Any) -> None:
    """Make the root float freely, or fix it where the config starts it."""
    if cfg.asset.fix_base_link:
        for joint in list(root.joints):
            spec.delete(joint)
        root.mocap = True
        root.alt.type = mujoco.mjtOrientation.mjORIENTATION_QUAT
        root.pos, root.quat = list(cfg.init_state.pos), np.roll(cfg.init_state.rot, 1)
    elif not root.joints:
        root.add_freejoint(name="root")


def _set_options(spec: Any, cfg: Any) -> None:
    option = spec.option
    option.timestep = cfg.sim.dt
    option.gravity = [0.0, 0.0, 0.0] if cfg.asset.disable_gravity else list(cfg.sim.gravity)
    option.integrator = _member(mujoco.mjtIntegrator, "mjINT_", cfg.sim.mujoco.integrator, "sim.mujoco.integrator")
    option.cone = _member(mujoco.mjtCone, "mjCONE_", cfg.sim.mujoco.cone, "sim.mujoco.cone")
    option.impratio = cfg.sim.mujoco.impratio
    option.iterations = cfg.sim.mujoco.iterations
    option.ls_iterations = cfg.sim.mujoco.ls_iterations
    option.tolerance = cfg.sim.mujoco.tolerance
    # one robot on static ground is one island: looking for more costs 5 % of a step
    option.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_ISLAND)


def _member(enum: Any, prefix: str, name: str, key: str) -> Any:
    members = enum.__members__
    if prefix + name.upper() not in members:
        known = ", ".join(m[len(prefix) :].lower() for m in members)
        raise UserError(f"{key} is '{name}'; MuJoCo knows {known}")
    return members[prefix + name.upper()]


def _set_robot_collision(root: Any, cfg: Any) -> None:
    """Robot against ground and obstacles, and against itself where asked; its friction rules the pair's (priority).

    Raises:
        UserError: a robot that can fall has no shape that collides.
    """
    bodies, asset = all_bodies(root), cfg.asset
    if not (asset.fix_base_link or asset.disable_gravity or any(collides(geom) for b in bodies for geom in b.geoms)):
        raise UserError(
            f"{asset.file}: no shape of the robot collides, so it would fall through the ground: give it some"
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
            geom.conaffinity = GROUND_BIT if asset.self_collisions else GROUND_BIT | ROBOT_BIT
            geom.condim = 3
            geom.priority = 1
            geom.friction = [combined_friction(1.0, cfg.terrain.static_friction), 0.005, 0.0001]
        for joint in motor_joints(body):
            joint.armature = max(float(joint.armature), _armature_of(str(joint.name), asset.armature))


def _armature_of(joint: str, armature: Any) -> float:
    """What the config says of one joint: one number for all, or numbers by parts of names as for gains."""
    return float(gains_of([joint], armature)[0] if isinstance(armature, dict) else armature)


def combined_friction(robot: Any, ground: float) -> Any:
    """PhysX's default rule: the mean of the two coefficients."""
    return 0.5 * (robot + ground)


def _add_ground(spec: Any, ground: Optional[Any], cfg: Any) -> None:
    kind = {"contype": GROUND_BIT, "conaffinity": ROBOT_BIT, "group": GROUND_GROUP}
    if ground is None:
        geom = spec.worldbody.add_geom(name="ground", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 0.05], **kind)
    else:
        rows, cols = ground.data.shape
        spec.add_hfield(name="ground", nrow=rows, ncol=cols, size=list(ground.size), userdata=ground.data.reshape(-1))
        geom = spec.worldbody.add_geom(
            name="ground", type=mujoco.mjtGeom.mjGEOM_HFIELD, hfieldname="ground", pos=list(ground.pos), **kind
        )
    geom.friction = [cfg.terrain.static_friction, 0.005, 0.0001]


def _add_obstacles(spec: Any, count: int) -> None:
    """Boxes on mocap bodies: their poses are state, so each environment places its own."""
    for k in range(count):
        body = spec.worldbody.add_body(name=f"obstacle_{k}", mocap=True, pos=list(HIDDEN_POSITION))
        body.add_geom(
            name=f"obstacle_{k}", type=mujoco.mjtGeom.mjGEOM_BOX, size=[HIDDEN_HALF_SIZE] * 3, contype=GROUND_BIT,
            conaffinity=ROBOT_BIT, group=OBSTACLE_GROUP,
        )  # fmt: skip


def _add_actuators(spec: Any, dof_names: Sequence[str], cfg: Any) -> np.ndarray:
    """One actuator a joint; returns the torque limits (D,) N m."""
    kp, kd = gains_of(dof_names, cfg.control.stiffness), gains_of(dof_names, cfg.control.damping)
    limits = np.zeros(len(dof_names))
    for i, name in enumerate(dof_names):
        low, high = spec.joint(name).actfrcrange
        limits[i] = max(-low, high) or np.inf
        actuator = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
        if is_position_control(cfg):
            actuator.set_to_position(kp=kp[i], kv=kd[i])
        else:
            actuator.set_to_motor()
        if np.isfinite(limits[i]):
            # the limit belongs to the actuator, so that its reported force is the torque really applied
            actuator.forcelimited = mujoco.mjtLimited.mjLIMITED_TRUE
            actuator.forcerange = [low, high]
    return limits


def _add_contact_sensors(spec: Any, body_names: Sequence[str]) -> None:
    force = 1 << int(mujoco.mjtConDataField.mjCONDATA_FORCE)
    net_force = 3  # reduction of all contacts of the body to their sum, in the world frame
    for name in body_names:
        spec.add_sensor(
            name=f"contact_{name}", type=mujoco.mjtSensor.mjSENS_CONTACT, objtype=mujoco.mjtObj.mjOBJ_BODY,
            objname=name, intprm=[force, net_force, 1],
        )  # fmt: skip
