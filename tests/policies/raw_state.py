"""The state of a robot as the physics engine has it, in numpy."""

from __future__ import annotations

import numpy as np


def rotation(quat_wxyz):
    """Matrix of a unit quaternion, body to world (Euler-Rodrigues)."""
    w, x, y, z = quat_wxyz
    return np.array(
        [
            [w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z],
        ]
    )


def raw_state(env, robot):
    """Of MuJoCo: quaternion w, x, y, z, linear velocity in the world frame, angular in that of the base, joints."""
    model = env.sim.robot.model
    qpos, qvel = env.sim.batch.bind("qpos")[robot], env.sim.batch.bind("qvel")[robot]
    joints = {model.joint(name).name: model.joint(name) for name in env.dof_names}
    return {
        "position": qpos[:3],
        "quat": qpos[3:7],
        "rotation": rotation(qpos[3:7]),
        "lin_vel": qvel[:3],
        "ang_vel": qvel[3:6],
        "pos": {name: qpos[joint.qposadr[0]] for name, joint in joints.items()},
        "vel": {name: qvel[joint.dofadr[0]] for name, joint in joints.items()},
    }
