"""What was understood of a robot file, as text, and how the robot stands."""

from __future__ import annotations

import math
from typing import Any, List, Sequence

import torch

from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.terms.mirror import partners
from legged_gym.errors import UserError, listed
from legged_gym.sim.model import RobotModel
from legged_gym.sim.mujoco_base import MujocoSimulator
from legged_gym.utils.reports import aligned

_PICTURE = (960, 720)
# cosine of the tilt from which on a robot counts as fallen
_FALLEN = 0.7


def _robot_of(env: LeggedRobot) -> RobotModel:
    sim = env.sim
    assert isinstance(sim, MujocoSimulator)
    return sim.robot


def describe(env: LeggedRobot) -> str:
    """Bodies, joints, feet and sides of the one robot of an environment, in its default pose."""
    robot, asset = _robot_of(env), env.cfg.asset
    model = robot.model
    masses = [float(model.body(name).mass[0]) for name in env.body_names]
    shapes = [int((model.geom_bodyid[robot.robot_geoms] == i).sum()) for i in robot.body_ids]
    lines = [f"{asset.file}: {sum(masses):.3f} kg, {len(env.body_names)} bodies, {env.num_actions} joints", ""]
    bodies = [[name, f"{mass:.3f}", str(count)] for name, mass, count in zip(env.body_names, masses, shapes)]
    lines += aligned([["body", "mass, kg", "shapes"], *bodies], ">")
    columns = [*env.sim.dof_pos_limits.t(), env.torque_limits, env.dof_vel_limits]
    columns += [env.default_dof_pos[0], env.p_gains, env.d_gains]
    titles = ["joint", "from", "to, rad", "torque, N m", "speed, rad/s", "default", "stiffness", "damping"]
    numbers = torch.stack([column.cpu() for column in columns], dim=1).tolist()
    joints = [[name, *(f"{x:.4g}" for x in row)] for name, row in zip(env.dof_names, numbers)]
    lines += ["", *aligned([titles, *joints], ">")]
    places = env.sim.bodies_in_pose(env.default_dof_pos.cpu())[0, env.feet_indices.cpu()]
    feet = [env.body_names[i] for i in env.feet_indices.tolist()]
    lines += ["", f"feet (foot_name '{asset.foot_name}') in the default pose, from the root:" if feet else _NO_FEET]
    rows = [[foot, *(f"{x:.3f}" for x in place)] for foot, place in zip(feet, places.tolist())]
    lines += aligned([["foot", "x", "y", "z, m"], *rows] if feet else [], ">")
    return "\n".join([*lines, "", *_sides(env)])


_NO_FEET = "no feet were found: give a part of their names with --foot_name"


def _sides(env: LeggedRobot) -> List[str]:
    """Which joints a mirror swaps, whose angle changes sign, and whether the robot is symmetric so."""
    asset, names = env.cfg.asset, env.dof_names
    index = partners(names, asset.left_right)
    pairs = [f"{name} - {names[image]}" for i, (name, image) in enumerate(zip(names, index)) if i < image]
    signs = [name for name, sign in zip(names, env.mirror_joints()[1]) if sign < 0]
    lines = [f"left and right (left_right {asset.left_right}): {listed(pairs) or 'no pairs'}"]
    lines.append(f"without partner: {listed(name for i, name in enumerate(names) if index[i] == i) or 'none'}")
    lines.append(f"angles that change sign in a mirror: {listed(signs) or 'none'}")
    try:
        known = env.mirror_maps() is not None
        lines.append("mirror: a mirrored pose gives a mirrored robot" if known else "mirror: an observation has none")
    except UserError as error:
        lines.append(f"mirror: {error}")
    return lines


def stand(env: LeggedRobot, seconds: float) -> str:
    """Hold the default pose from a fresh start and say how the robot stands after it."""
    env.reset()
    steps, ended, forces = max(1, math.ceil(seconds / env.dt - 1e-9)), 0, []
    for step in range(steps):
        _, _, dones, _ = env.step(torch.zeros(1, env.num_actions, device=env.device))
        if bool(dones.any()) and not ended:
            ended = step + 1
        forces.append(env.contact_forces[0].clone())
    sag = (env.dof_pos - env.default_dof_pos).abs()[0]
    share = (env.torques / env.torque_limits).abs()[0]
    gravity = env.projected_gravity[0].tolist()
    mean = torch.stack(forces[-max(1, steps // 4) :]).mean(0)  # at rest too, contacts may tremble from step to step
    on_feet = mean[env.feet_indices, 2]
    touching = set((mean.norm(dim=1) > 1.0).nonzero().flatten().tolist()) - set(env.feet_indices.tolist())
    verdict = "it stands" if gravity[2] < -_FALLEN else "it has fallen over: see pose, gains and start height"
    if ended:
        verdict = f"the episode ended after {ended * env.dt:.2f} s: " + (
            "the physics broke down" if env.num_failures else "it has fallen"
        )
    return "\n".join(
        [
            f"after {steps * env.dt:.2f} s in the default pose: {verdict}",
            f"  height of the root {float(env.root_states[0, 2]):.3f} m (started at {env.cfg.init_state.pos[2]:g})",
            f"  gravity in the base {_row(gravity)} (upright: 0 0 -1)",
            f"  joints give way by {float(sag.max()):.2f} rad at most ({env.dof_names[int(sag.argmax())]})",
            f"  torque / limit {float(share.max()):.2f} at most ({env.dof_names[int(share.argmax())]})",
            f"  forces on feet {_row(on_feet.tolist(), 1)} N, together {float(on_feet.sum()):.1f} N of"
            f" {9.81 * env.sim.mass:.1f} N of weight",
            f"  other bodies that touch something: {listed(env.body_names[i] for i in sorted(touching)) or 'none'}",
        ]
    )


def picture(env: LeggedRobot) -> Any:
    """(height, width, 3) uint8: the robot as it is now, from a distance that shows it whole."""
    from legged_gym.sim.simulator import Camera

    places = env.sim.body_states[0, :, :3]
    middle = 0.5 * (places.amin(0) + places.amax(0))
    reach = float((places - middle).norm(dim=1).max())
    camera = Camera(lookat=middle.tolist(), distance=max(0.6, 4.0 * reach))
    return env.sim.render(0, camera, *_PICTURE)


def _row(numbers: Sequence[float], digits: int = 3) -> str:
    return " ".join(f"{number:.{digits}f}" for number in numbers)
