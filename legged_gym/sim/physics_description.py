"""What the compiled model has that the robot file does not say, for programs that build it anew with plain MuJoCo.

All is read off the model, nothing off the config, so it is what the robots of a training have met.
"""

from __future__ import annotations

from typing import Any, Dict, List

import mujoco
import numpy as np

from legged_gym.sim.model import RobotModel

# fields of mjOption as they are, and those that are enums with the prefix of their members
_OPTIONS = ("impratio", "iterations", "ls_iterations", "tolerance")
_ENUMS = {
    "integrator": (mujoco.mjtIntegrator, "mjINT_"),
    "cone": (mujoco.mjtCone, "mjCONE_"),
    "solver": (mujoco.mjtSolver, "mjSOL_"),
}
_JOINT_FIELDS = {"armature": "dof_armature", "passive_damping": "dof_damping", "passive_friction": "dof_frictionloss"}


def describe_physics(robot: RobotModel) -> Dict[str, Any]:
    """See `Simulator.describe_physics`."""
    model = robot.model
    option = model.opt
    return {
        "engine": "mujoco",
        "dt": float(option.timestep),
        "gravity": _plain(option.gravity),
        **{name: kind(getattr(option, name)).name[len(prefix) :].lower() for name, (kind, prefix) in _ENUMS.items()},
        **{name: _plain(getattr(option, name)) for name in _OPTIONS},
        "mass": float(model.body_mass.sum()),
        "fixed_base": robot.fixed_base,
        "self_collisions": _self_collisions(robot),
        "contact": _describe_contact(robot),
        "joints": _describe_joints(robot),
    }


def _describe_contact(robot: RobotModel) -> Dict[str, Any]:
    """Between the robot and the ground; the robot's geoms are alike and have priority over the ground's."""
    model, geom = robot.model, robot.robot_geoms[0] if len(robot.robot_geoms) else 0
    return {
        "condim": int(model.geom_condim[geom]),
        "friction": _plain(model.geom_friction[geom]),
        "solref": _plain(model.geom_solref[geom]),
        "solimp": _plain(model.geom_solimp[geom]),
    }


def _self_collisions(robot: RobotModel) -> bool:
    model, geoms = robot.model, robot.robot_geoms
    return bool((model.geom_contype[geoms][:, None] & model.geom_conaffinity[geoms][None]).any())


def _describe_joints(robot: RobotModel) -> List[Dict[str, Any]]:
    columns = {name: getattr(robot.model, field)[robot.qvel_ids] for name, field in _JOINT_FIELDS.items()}
    columns["passive_stiffness"] = np.array([robot.model.joint(name).stiffness[0] for name in robot.dof_names])
    return [{name: float(column[row]) for name, column in columns.items()} for row in range(len(robot.dof_names))]


def _plain(value: Any) -> Any:
    return np.asarray(value).tolist()
