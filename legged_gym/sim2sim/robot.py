"""One robot under one policy in plain MuJoCo."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import mujoco
import numpy as np

from legged_gym.errors import UserError
from legged_gym.sim2sim.course import Course, goals_rule
from legged_gym.sim2sim.drives import Drives
from legged_gym.sim2sim.ends import ENDS, falls
from legged_gym.sim2sim.ground import Ground
from legged_gym.sim2sim.model import FOOT, build_model
from legged_gym.sim2sim.motion import Reference, clips_beside
from legged_gym.sim2sim.network import Network

Term = Callable[["Robot", Mapping[str, Any]], Any]

_ROUNDING = 1e-6


class World(NamedTuple):
    """What a policy is tried in.

    Attributes:
        robot_file: URDF or MJCF.
        ground: what it stands on.
        dt: s, a physics step; None for that of the training.
        delay: policy steps that actions come late, see `Drives`.
    """

    robot_file: str
    ground: Ground
    dt: Optional[float] = None
    delay: Optional[int] = None


class Robot:
    """A robot that sees, acts and moves as the description of its policy says.

    Attributes:
        policy: what drives it.
        description: of the policy.
        ground: what it stands on.
        model, data: of MuJoCo.
        command: name -> value, what the robot is told; `heading` where the yaw rate is to follow from it.
        default: (D,) rad, default angles.
        course: what lies ahead of the start, and how far the robot has come on it.
        actions: all of the episode, within their clip, the newest last; the first is zero.
        steps: control steps done.
        foot_forces: (F, 3) N, of contacts on each foot, world frame.
        contact_forces: (B, 3) N, likewise on the bodies whose contacts end an episode.
        memory: what terms keep in an episode, by their names.
        reference: the clip that it follows; of a policy that follows one, the first beside it until it is replaced.
    """

    command: Dict[str, float]
    actions: List[np.ndarray]
    memory: Dict[str, Any]
    reference: Optional[Reference] = None

    def __init__(self, policy: Network, world: World, terms: Mapping[str, Term]) -> None:
        """Build the model.

        Args:
            policy: from `open_policy`.
            world: robot file, ground, time step.
            terms: of observations, by name; `terms.TERMS` and more.

        Raises:
            UserError: the robot file does not fit, a term is unknown, or the control step is no multiple of `dt`.
        """
        self.description, self.ground, self._world, self.policy = policy.description, world.ground, world, policy
        self._substeps = _substeps(self.description, world.dt)
        self._dt = self.description["control_dt"] / self._substeps
        self._terms = _known(self.description, terms)
        self.model = build_model(world.robot_file, self.description, world.ground, self._dt)
        self.data = mujoco.MjData(self.model)
        joints = self.description["joints"]
        self._qpos = [self.model.joint(joint["name"]).qposadr[0] for joint in joints]
        self._qvel = [self.model.joint(joint["name"]).dofadr[0] for joint in joints]
        self.default = np.array([joint["default_pos"] for joint in joints])
        names = [self.model.geom(i).name for i in range(self.model.ngeom)]
        self._feet = [
            [i for i, name in enumerate(names) if name.startswith(f"{FOOT}{k}_")]
            for k in range(len(self.description["feet"]))
        ]
        self._falls, self._bodies = falls(self.description), self._contact_bodies()
        self._motion: Optional[Mapping[str, Any]] = self.description.get("motion")
        if self._motion is not None:
            self.reference = Reference(clips_beside(policy.path, self.description)[0], self.model, self.description)
        self.start()

    def start(self, place: Sequence[float] = (0.0, 0.0, 0.0), command: Optional[Mapping[str, float]] = None) -> None:
        """Begin an episode at rest in the default pose, above a place of the ground, m; or as the clip does."""
        self.command = {"lin_vel_x": 0.0, "lin_vel_y": 0.0, "ang_vel_yaw": 0.0, **(command or {})}
        mujoco.mj_resetData(self.model, self.data)
        start = self.description["start"]
        x, y, z, w = start["orientation"]
        self.data.qpos[:3] = np.add(start["position"], place)
        self.data.qpos[3:7] = w, x, y, z
        self.data.qpos[self._qpos] = self.default
        if self.reference is not None:
            self.data.qpos[:], self.data.qvel[:] = self.reference.qpos[0], self.reference.velocity(0)
        mujoco.mj_forward(self.model, self.data)
        self.course = Course(self.ground.tile_at(np.asarray(place)), goals_rule(self.description), self.position)
        self.policy.reset()
        self._drives = Drives(self.description, os.path.dirname(self.policy.path), self._world.delay)
        self.actions = [np.zeros(len(self.default))]
        if self.reference is not None and self._motion is not None:
            about = self.default if self._motion["actions_about"] == "default" else self.reference.joints[0]
            self.actions = [(self.joint_angles - about) / self.description["actions"]["scale"]]
        self.memory, self.steps = {}, 0
        self.foot_forces, self.contact_forces = np.zeros((len(self._feet), 3)), np.zeros((len(self._bodies), 3))
        self._frames: Dict[Tuple[str, str], List[np.ndarray]] = {}  # those that terms have taken

    def step(self) -> None:
        """Advance by one control step: observe, act, and the physics between."""
        action = self.policy(self.observe())
        clip = self.description["actions"]["clip"]
        action = np.clip(action, -clip, clip)
        if self._motion is not None:
            action = self._motion["beta"] * action + (1.0 - self._motion["beta"]) * self.actions[-1]
            self._drives.centre = self._centre(self.steps + 1)
        self.actions.append(action)
        self._drives.act(self.actions[-1])
        for substep in range(self._substeps):
            time = self.time + substep * self._dt
            self.data.ctrl[:] = self._drives(time, self.joint_angles, self.joint_velocities)
            self._limit_torques()
            mujoco.mj_step(self.model, self.data)
        # of the last physics step, as in training, before those of the new state
        forces = self._net_forces([*self._feet, *self._bodies])
        self.foot_forces, self.contact_forces = np.split(forces, [len(self._feet)])
        mujoco.mj_forward(self.model, self.data)
        self.steps += 1
        self.course.update(self.position)

    def _centre(self, frame: int) -> np.ndarray:
        """Joint angles that an action of 0 asks for, rad."""
        if self.reference is None or self._motion is None or self._motion["actions_about"] == "default":
            return self.default
        return self.reference.centre(frame, self.data.qpos, self.data.qvel)

    def _limit_torques(self) -> None:
        """What the motors that have a torque-speed curve give at their speeds."""
        for i, joint in enumerate(self.description["joints"]):
            if joint.get("stall_torque") is not None:
                stall, share = joint["stall_torque"], self.data.qvel[self._qvel[i]] / joint["no_load_speed"]
                limit = min(stall, joint["torque_limit"] or stall)
                ends = -stall * (1.0 + share), stall * (1.0 - share)
                self.model.actuator_forcerange[i] = np.clip(ends, -limit, limit)

    # ---------------------------------------------------------------- what can be read off the robot

    @property
    def time(self) -> float:
        """Of the episode, s."""
        return float(self.steps * self.description["control_dt"])

    @property
    def position(self) -> np.ndarray:
        """Of the base, m."""
        return np.asarray(self.data.qpos[:3])

    @property
    def rotation(self) -> np.ndarray:
        """Of the base: columns are its axes in the world."""
        matrix = np.zeros(9)
        mujoco.mju_quat2Mat(matrix, self.data.qpos[3:7])
        return matrix.reshape(3, 3)

    @property
    def velocity(self) -> np.ndarray:
        """Of the base in its own frame, m/s."""
        return np.asarray(self.rotation.T @ self.data.qvel[:3])

    @property
    def angular_velocity(self) -> np.ndarray:
        """Of the base in its own frame, rad/s."""
        return np.asarray(self.data.qvel[3:6])

    @property
    def joint_angles(self) -> np.ndarray:
        """In the order of the description, rad."""
        return np.asarray(self.data.qpos[self._qpos])

    @property
    def joint_velocities(self) -> np.ndarray:
        """In the order of the description, rad/s."""
        return np.asarray(self.data.qvel[self._qvel])

    def _contact_bodies(self) -> List[List[int]]:
        """Shapes of the bodies whose contacts end an episode: those told, or the base."""
        base = int(self.model.body_rootid[self.model.joint(self.description["joints"][0]["name"]).bodyid[0]])
        told = self.description.get("terminations", {}).get("contact_bodies", [self.model.body(base).name])
        known = {self.model.body(i).name: i for i in range(self.model.nbody)}
        for name in told:
            if name not in known:
                print(f"note: there is no body {name} in {self._world.robot_file}, so its contacts are no fall")
        feet = [geom for geoms in self._feet for geom in geoms]
        geoms = [np.flatnonzero(self.model.geom_bodyid == known[name]).tolist() for name in told if name in known]
        return [[geom for geom in each if geom not in feet] for each in geoms]

    def _net_forces(self, parts: List[List[int]]) -> np.ndarray:
        """(n, 3) N, of all contacts on each of some sets of shapes, world frame."""
        forces, force = np.zeros((len(parts), 3)), np.zeros(6)
        for index, contact in enumerate(self.data.contact):
            for part, geoms in enumerate(parts):
                if contact.geom[0] in geoms or contact.geom[1] in geoms:
                    mujoco.mj_contactForce(self.model, self.data, index, force)
                    sign = 1.0 if contact.geom[1] in geoms else -1.0
                    forces[part] += sign * (contact.frame.reshape(3, 3).T @ force[:3])
        return forces

    def fell(self) -> bool:
        """Whether an episode of the training would have ended now, other than by time or with the course done."""
        return any(ENDS[each["name"]](self, each["threshold"]) for each in self._falls if each["name"] in ENDS)

    # ---------------------------------------------------------------- what it sees

    def observe(self) -> Dict[str, np.ndarray]:
        """The groups of observations by name."""
        return {name: self._observe(name, group) for name, group in self.description["observations"].items()}

    def _observe(self, name: str, group: Mapping[str, Any]) -> np.ndarray:
        parts = []
        for term in group["terms"]:
            value = np.asarray(self._terms[term["name"]](self, term), float).ravel()
            if term["clip"] is not None:
                value = np.clip(value, *term["clip"])
            value = np.clip(value * np.array(term["scale"]), -group["clip"], group["clip"])
            if "history" in term:
                value = np.concatenate(see(self._frames.setdefault((name, term["name"]), []), value, term, self.steps))
            if value.size != term["size"]:
                raise UserError(f"observation {name}.{term['name']} has {value.size} numbers here, not {term['size']}")
            parts.append(value)
        return np.concatenate(parts).reshape(group["shape"])


def see(frames: List[np.ndarray], value: np.ndarray, term: Mapping[str, Any], step: int) -> List[np.ndarray]:
    """The frames of a term that are seen at a control step of the episode; `frames` are those taken so far."""
    if not frames:
        frames += [value] * term["history"]
    elif step % term["hold"] == term["offset"]:
        frames.append(value)
        del frames[0]
    return frames[::-1] if term["newest_first"] else frames


def _substeps(description: Mapping[str, Any], dt: Optional[float]) -> int:
    if dt is None:
        return int(description["decimation"])
    count = round(description["control_dt"] / dt) if dt > 0.0 else 0
    if count < 1 or abs(count * dt - description["control_dt"]) > _ROUNDING:
        raise UserError(f"--dt={dt:g}: the control step of the policy, {description['control_dt']:g} s, is no multiple")
    return count


def unknown_terms(description: Mapping[str, Any], terms: Mapping[str, Term]) -> List[Mapping[str, Any]]:
    """Entries of the observations that nobody knows to compute, those of a hurdles' course among them."""
    groups = description["observations"].values()
    if any("terms" not in group for group in groups):
        raise UserError("an observation of this policy has no terms; export the policy again")
    return [term for group in groups for term in group["terms"] if term["name"] not in terms]


def _known(description: Mapping[str, Any], terms: Mapping[str, Term]) -> Mapping[str, Term]:
    """Refuse a policy that sees what nobody knows to compute."""
    for term in unknown_terms(description, terms):
        raise UserError(
            f"observation {term['name']!r} ({term['meaning']}) is unknown here: give a Python file with a"
            f" function {term['name']}(robot, term) as --terms=FILE"
        )
    return terms
