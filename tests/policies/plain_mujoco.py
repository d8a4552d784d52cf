"""A program of a user who has the exported policy, the robot file and MuJoCo, and nothing of this project.

It builds robot and ground, puts observations together and drives the joints by the description inside of the ONNX file
(docs/exported_policies.md) alone. Quaternions are MuJoCo's: w, x, y, z.
"""

from __future__ import annotations

import json
import os

import mujoco
import numpy as np
import onnxruntime

GROUND_GROUP, ROBOT_GROUP = 0, 1


class Network:
    """An ONNX file whose memory, if it has one, is carried from step to step."""

    def __init__(self, path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.description = json.loads(self._session.get_modelmeta().custom_metadata_map["metadata"])
        shapes = {entry["input"]: entry["shape"] for entry in self.description["memory"]}
        self._memory = {
            name: np.zeros([1 if size == "batch" else size for size in shape], np.float32)
            for name, shape in shapes.items()
        }

    def __call__(self, inputs):
        """Map the inputs of one robot, by name, to its first output."""
        feed = {name: np.asarray(value, np.float32)[None] for name, value in inputs.items()}
        names = [entry["name"] for entry in self.description["outputs"]]
        outputs = dict(zip(names, self._session.run(names, {**feed, **self._memory})))
        self._memory = {entry["input"]: outputs[entry["output"]] for entry in self.description["memory"]}
        return outputs[names[0]][0].astype(float)


def build_model(robot_file, description):
    """The robot of a file on a plane, with all that the description adds to the file."""
    physics, joints = description["physics"], description["joints"]
    spec = mujoco.MjSpec.from_file(robot_file)
    spec.worldbody.bodies[0].add_freejoint()
    for name in ("gravity", "impratio", "iterations", "ls_iterations", "tolerance"):
        setattr(spec.option, name, physics[name])
    spec.option.timestep = physics["dt"]
    for name, kind, prefix in (
        ("integrator", mujoco.mjtIntegrator, "mjINT_"),
        ("cone", mujoco.mjtCone, "mjCONE_"),
        ("solver", mujoco.mjtSolver, "mjSOL_"),
    ):
        members = {member.upper(): value for member, value in kind.__members__.items()}
        setattr(spec.option, name, members[(prefix + physics[name]).upper()])
    for geom in spec.geoms:
        geom.group = ROBOT_GROUP
        if geom.contype or geom.conaffinity:
            geom.contype, geom.conaffinity, geom.priority = int(physics["self_collisions"]), 1, 1
            for name, value in physics["contact"].items():
                setattr(geom, name, value)
    spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 1], contype=1, conaffinity=0, group=GROUND_GROUP
    )
    for joint in joints:
        actuator = spec.add_actuator(name=joint["name"], target=joint["name"], trntype=mujoco.mjtTrn.mjTRN_JOINT)
        if description["actions"]["control_type"] == "P":
            actuator.set_to_position(kp=joint["stiffness"], kv=joint["damping"])
        else:
            actuator.set_to_motor()
        if joint["torque_limit"] is not None:
            actuator.forcelimited, limit = True, joint["torque_limit"]
            actuator.forcerange = [-limit, limit]
    model = spec.compile()
    for joint in joints:
        dof = model.joint(joint["name"]).dofadr[0]
        model.dof_armature[dof] = joint["armature"]
        model.dof_damping[dof] = joint["passive_damping"]
        model.dof_frictionloss[dof] = joint["passive_friction"]
        model.joint(joint["name"]).stiffness[0] = joint["passive_stiffness"]
    mujoco.mj_setConst(model, mujoco.MjData(model))
    assert abs(model.body_mass.sum() - physics["mass"]) < 1e-6 * physics["mass"]
    return model


class Drives:
    """From actions to what the engine's actuators are given: targets for control type P, torques for others."""

    def __init__(self, description, folder):
        self._actions, joints = description["actions"], description["joints"]
        self._default, self._stiffness, self._damping = (
            np.array([joint[key] for joint in joints]) for key in ("default_pos", "stiffness", "damping")
        )
        self._dt = description["physics"]["dt"]
        size, net = self._actions["size"], description["actuator_net"]
        self._queue = [np.zeros(size)] * self._actions["delay_steps"][0]
        self._filtered, self._last_vel = np.zeros(size), np.zeros(size)
        self._network = Network(os.path.join(folder, net["file"])) if net else None

    def act(self, action):
        """Take the action of a control step."""
        self._queue.append(np.clip(action, -self._actions["clip"], self._actions["clip"]))
        self._now = self._queue.pop(0) * self._actions["scale"]

    def __call__(self, pos, vel):
        """What the actuators are given in a physics step."""
        offset, share, kind = self._now, self._actions["target_filter"], self._actions["control_type"]
        if share is not None:
            offset = self._filtered = share * offset + (1.0 - share) * self._filtered
        target = self._default + offset
        acceleration, self._last_vel = (vel - self._last_vel) / self._dt, vel
        if kind == "P":
            return target
        if kind == "V":
            return self._stiffness * (offset - vel) - self._damping * acceleration
        return offset if kind == "T" else self._network({"error": target - pos, "velocity": vel})


class Drive:
    """One robot under one policy on flat ground.

    Attributes:
        description: of the policy.
        command: name -> value, what the robot is told; `heading` where the yaw rate follows from it.
    """

    def __init__(self, policy_file, robot_file, command):
        self._policy = Network(policy_file)
        self.description = description = self._policy.description
        self.command = {"lin_vel_x": 0.0, "lin_vel_y": 0.0, "ang_vel_yaw": 0.0, "heading": 0.0, **command}
        joints, start = description["joints"], description["start"]
        self.model = build_model(robot_file, description)
        self.data = mujoco.MjData(self.model)
        self._qpos = [self.model.joint(joint["name"]).qposadr[0] for joint in joints]
        self._qvel = [self.model.joint(joint["name"]).dofadr[0] for joint in joints]
        self._default = np.array([joint["default_pos"] for joint in joints])
        x, y, z, w = start["orientation"]
        self.data.qpos[:7] = [*start["position"], w, x, y, z]
        self.data.qpos[self._qpos] = self._default
        mujoco.mj_forward(self.model, self.data)
        self._drives = Drives(description, os.path.dirname(policy_file))
        self._actions = [np.zeros(len(joints))]  # all, clipped, the newest last
        self._steps = 0
        self._cameras = {}
        self._frames = {}  # of terms that are seen more than once

    def step(self):
        """Advance by one control step: observe, act, and the physics between."""
        observations = {name: self._observe(name, group) for name, group in self.description["observations"].items()}
        action = self._policy(observations)
        self._drives.act(action)
        clip = self.description["actions"]["clip"]
        self._actions.append(np.clip(action, -clip, clip))
        for _ in range(self.description["decimation"]):
            self.data.ctrl[:] = self._drives(self.joint_angles, self.data.qvel[self._qvel])
            self._limit_torques()
            mujoco.mj_step(self.model, self.data)
        mujoco.mj_forward(self.model, self.data)
        self._steps += 1

    def _limit_torques(self):
        """What the motors that have a torque-speed curve give at their speeds."""
        for i, joint in enumerate(self.description["joints"]):
            if joint.get("stall_torque") is not None:
                stall, share = joint["stall_torque"], self.data.qvel[self._qvel[i]] / joint["no_load_speed"]
                limit = min(stall, joint["torque_limit"] or stall)
                lower, upper = -stall * max(0.0, 1.0 + share), stall * max(0.0, 1.0 - share)
                self.model.actuator_forcerange[i] = max(lower, -limit), min(upper, limit)

    # ---------------------------------------------------------------- what can be read off the robot

    @property
    def time(self):
        """Of the episode, s."""
        return self._steps * self.description["control_dt"]

    @property
    def rotation(self):
        """Of the base: columns are its axes in the world."""
        matrix = np.zeros(9)
        mujoco.mju_quat2Mat(matrix, self.data.qpos[3:7])
        return matrix.reshape(3, 3)

    @property
    def velocity(self):
        """Of the base in its own frame, m/s."""
        return self.rotation.T @ self.data.qvel[:3]

    @property
    def joint_angles(self):
        """In the order of the description, rad."""
        return self.data.qpos[self._qpos]

    def _yaw(self):
        forward = self.rotation[:, 0]
        return np.arctan2(forward[1], forward[0])

    def _ground(self, x, y):
        """Height of the ground, m."""
        above = np.array([x, y, self.data.qpos[2] + 1.0])
        distance = mujoco.mj_ray(self.model, self.data, above, np.array([0.0, 0.0, -1.0]), _only_ground(), 1, -1, None)
        return above[2] - distance

    # ---------------------------------------------------------------- observations

    def _observe(self, name, group):
        parts = []
        for term in group["terms"]:
            value = np.asarray(getattr(self, f"_obs_{term['name']}")(term), float)
            if term["clip"] is not None:
                value = np.clip(value, *term["clip"])
            value = np.clip(value * np.array(term["scale"]), -group["clip"], group["clip"])
            if "history" in term:
                key = name, term["name"]
                value = np.concatenate(see(self._frames.setdefault(key, []), value, term, self._steps))
            assert value.size == term["size"], f"{name}.{term['name']}: {term['meaning']}"
            parts.append(value)
        return np.clip(np.concatenate(parts), -group["clip"], group["clip"]).reshape(group["shape"])

    def _obs_base_lin_vel(self, term):
        return self.velocity

    def _obs_base_ang_vel(self, term):
        return self.data.qvel[3:6]

    def _obs_projected_gravity(self, term):
        return self.rotation.T @ [0.0, 0.0, -1.0]

    def _obs_base_height(self, term):
        return [self.data.qpos[2] - self._ground(*self.data.qpos[:2])]

    def _obs_commands(self, term):
        rule = self.description["commands"]["heading"]
        values = dict(self.command)
        if rule is not None:
            error = (values["heading"] - self._yaw() + np.pi) % (2.0 * np.pi) - np.pi
            values["ang_vel_yaw"] = np.clip(rule["gain"] * error, -rule["limit"], rule["limit"])
        return [values[name] for name in term["names"]]

    def _obs_dof_pos(self, term):
        return self.joint_angles - self._default

    def _obs_dof_vel(self, term):
        return self.data.qvel[self._qvel]

    def _obs_actions(self, term):
        return self._actions[-1]

    def _obs_dof_pos_history(self, term):
        none = [np.zeros_like(self._default)] * term["length"]
        newest = [*none, *self._actions[1:]][::-1][: term["length"]]
        return self.description["actions"]["scale"] * np.concatenate(newest)

    def _obs_phase(self, term):
        phase = 2.0 * np.pi * term["frequency"] * self.time
        return [np.sin(phase), np.cos(phase)]

    def _obs_height_command(self, term):
        low, high = self.description["commands"]["ranges"]["height"]
        return [self.command.get("height", 0.5 * (low + high))]

    def _obs_jump_command(self, term):
        return [0.0]

    def _obs_jump_counter(self, term):
        return [0.0]

    def _obs_heights(self, term):
        x, y, z = self.data.qpos[:3]
        yaw = 2.0 * np.arctan2(self.data.qpos[6], self.data.qpos[3])
        cos, sin = np.cos(yaw), np.sin(yaw)
        points = [(px, py) for px in term["points_x"] for py in term["points_y"]]
        ground = [self._ground(x + cos * px - sin * py, y + sin * px + cos * py) for px, py in points]
        return z - term["base_height"] - np.array(ground)

    _obs_scandots = _obs_heights

    def _obs_depth(self, term):
        camera = self._cameras.setdefault(term["name"], DepthCamera(term["camera"]))
        return camera.update(self.time, self._take).ravel()

    def _take(self, camera):
        """A picture: distances along the optical axis, m."""
        pitch = np.radians(camera.settings["pitch"])
        axes = np.array([[np.cos(pitch), 0, np.sin(pitch)], [0, 1, 0], [-np.sin(pitch), 0, np.cos(pitch)]])
        rays = camera.rays @ (self.rotation @ axes).T
        place = self.data.qpos[:3] + self.rotation @ camera.settings["position"]
        count = len(rays)
        hit, distance = np.zeros(count, np.int32), np.zeros(count)
        groups = None if camera.settings["sees_robot"] else _only_ground()
        mujoco.mj_multiRay(
            self.model, self.data, place, rays.ravel(), groups, 1, -1, hit, distance, None, count, mujoco.mjMAXVAL
        )
        return np.where(distance < 0, np.inf, distance)


class DepthCamera:
    """Frames that are taken now and then and seen some time later."""

    def __init__(self, settings):
        self.settings = settings
        top, bottom, left, right = settings["crop"]
        rows, columns = settings["image_shape"]
        width, height = settings["width"], settings["height"]
        focal = 0.5 * width / np.tan(0.5 * np.radians(settings["horizontal_fov"]))
        down = top + (np.arange(rows) + 0.5) * (height - top - bottom) / rows
        across = left + (np.arange(columns) + 0.5) * (width - left - right) / columns
        up, to_left = np.meshgrid((0.5 * height - down) / focal, (0.5 * width - across) / focal, indexing="ij")
        # of length 1 along the optical axis, so that distances in these units are depths
        self.rays = np.stack((np.ones(up.size), to_left.ravel(), up.ravel()), axis=1)
        self._due, self._under_way, self._image = settings["period"], [], None

    def update(self, time, take):
        """The image that is seen at a time, s; `take` makes a picture."""
        soon = time + 1e-6
        if self._image is None:
            self._image = self._normalised(take(self))
        if self._due <= soon:
            self._under_way.append((time + self.settings["latency"], self._normalised(take(self))))
            self._due += self.settings["period"]
        while self._under_way and self._under_way[0][0] <= soon:
            self._image = self._under_way.pop(0)[1]
        return self._image

    def _normalised(self, depth):
        near, far = self.settings["near"], self.settings["far"]
        return (np.clip(depth, near, far) - near) / (far - near) - 0.5


def see(frames, value, term, step):
    """The frames of a term that are seen at a control step of the episode; `frames` are those taken so far."""
    if not frames:
        frames += [value] * term["history"]
    elif step % term["hold"] == term["offset"]:
        frames.append(value)
        del frames[0]
    return frames[::-1] if term["newest_first"] else frames


def _only_ground():
    groups = np.zeros(mujoco.mjNGROUP, np.uint8)
    groups[GROUND_GROUP] = 1
    return groups
