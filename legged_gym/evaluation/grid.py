"""How well a policy follows commands for one direction alone, and whether it stands still when told to.

Commands drawn at random have all three velocities at once and hardly ever ask for a straight walk. Here every robot has
one command for an episode of 10 s: forward, back, to the left, to the right, turn left or turn right, at 25, 60 and
100 % of the bound in that direction (but not below the shortest command of the training). A direction that the task
does not have has no cell. All robots of all cells walk at once, each an episode, on a plane whatever the task's ground.

Robots start in two ways:

- nominal: level, at rest, at the start height and in the default pose to within 1 % (so that they are no copies of each
  other); the robot as in its file and config; no noise, no pushes; delays in the middle of their range (rounded down),
  the height that Go2 is told in the middle of its own.
- randomised: as in training, and the heights anew for each robot.

What is measured, of the first second only falls:

- falls: fraction of the robots that fell within the 10 s.
- lin_vel_xy_error, ang_vel_error: as in `legged_gym.evaluation.evaluate`.
- mean_speed: along the command, m/s or (of turns) rad/s. Who stands still where 0.3 m/s is asked has 0.

For standing, robots walk for 3 s in each direction at the middle speed and are then told to stop; others stand from the
start. There are no pushes. From 1 s after the order to the end of the 10 s:

- stand_still: fraction of the robots that did not fall, kept all feet down (a contact may flicker for one step) and had
  a joint speed of at most 0.2 rad/s, the root mean square over joints and time.
- stand_joint_speed, rad/s: that of all robots. stand_feet_down: fraction of the time that all feet are down.
- falls: fraction of the robots that fell within the 10 s.
"""

from __future__ import annotations

import contextlib
import math
from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

import torch
from torch import Tensor

from legged_gym.envs import variants
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.parts.given_commands import GivenCommands
from legged_gym.evaluation.cells import DIRECTIONS, EPISODE_S, SETTLE_S, cells_of
from legged_gym.evaluation.intervals import estimate, ratio_of_sums, share
from legged_gym.policies.policy_io import Policy, PolicySource, load_policy
from legged_gym.utils.training import make_env

WALK_S = 3.0
"""s, the walk before an order to stand; after it, as at the start of an episode, `SETTLE_S` are left out."""
ROBOTS = {"nominal": 0.02, "randomised": 0.1}
"""Robots of a cell, a fraction of `--num_episodes`; of those told to stand, as many as nominal ones after each walk."""
STILL = 0.2
"""rad/s, of the joints of a robot that stands still, at most."""


class Batch(NamedTuple):
    """What N robots are told.

    Attributes:
        first: (N, 3) commands at the start.
        then: (N, 3) commands after `WALK_S`.
        count_from: (N,) s, when to begin measuring.
    """

    first: Tensor
    then: Tensor
    count_from: Tensor

    @staticmethod
    def of(before: Sequence[Tuple[float, ...]], stand: bool, robots: int) -> Batch:
        """Robots for each of some commands, who keep to them or are told to stand."""
        first = torch.tensor(before).repeat_interleave(robots, 0)
        wait = WALK_S + SETTLE_S if stand else SETTLE_S
        return Batch(first, torch.zeros_like(first) if stand else first, torch.full((len(first),), wait))


@torch.no_grad()
def run(env: LeggedRobot, policy: Policy, batch: Batch) -> Dict[str, Tensor]:
    """Let a policy follow commands for one episode of all environments.

    Args:
        env: N environments with a config of `variants.for_pure_commands`.
        policy: observations by group -> actions (N, A), with `reset(dones)` for one with memory.
        batch: for N robots.

    Returns:
        name -> (N,) on the CPU: `fell`, and integrals over what was measured: `seconds`, `lin_vel_xy_error` m,
        `ang_vel_error` rad, `along` m or rad, `joint_square` rad^2/s, `feet_down` s.
    """
    first, then, count_from = (tensor.to(env.device) for tensor in batch)
    command = first
    given = env.use_part("commands", GivenCommands(env.velocity_commands))
    given.give(dict(zip(variants.RANGES, command.unbind(1))))
    observations = env.reset()
    policy.reset(torch.ones(env.num_envs, dtype=torch.bool, device=env.device))
    on = torch.ones(env.num_envs, dtype=torch.bool, device=env.device)
    fell, contact = ~on, env.feet_contact
    sums: Dict[str, Tensor] = {}
    for step in range(round(EPISODE_S / env.dt)):
        counts = (on & (step * env.dt >= count_from - 1e-6)).double() * env.dt
        for name, values in samples(env, command, env.feet_contact | contact).items():
            sums[name] = sums.get(name, 0.0) + values.double() * counts
        contact = env.feet_contact
        actions = policy(observations).to(env.device)
        if step + 1 == round(WALK_S / env.dt):  # the observation that comes shows it
            command = then
            given.give(dict(zip(variants.RANGES, command.unbind(1))))
        observations, _, dones, extras = env.step(actions)
        policy.reset(dones)
        fell |= dones & ~extras["time_outs"]
        on &= ~dones
    return {name: tensor.cpu() for name, tensor in {"fell": fell, **sums}.items()}


def samples(env: LeggedRobot, command: Tensor, feet_down: Tensor) -> Dict[str, Tensor]:
    """What is measured in one state, (N,) each; `run` says what becomes of it."""
    velocity = torch.cat((env.base_lin_vel[:, :2], env.base_ang_vel[:, 2:]), dim=1)
    error = command - velocity
    direction = command / command.norm(dim=1, keepdim=True).clamp(min=1e-6)
    return {
        "seconds": torch.ones_like(error[:, 0]),
        "lin_vel_xy_error": error[:, :2].norm(dim=1),
        "ang_vel_error": error[:, 2].abs(),
        "along": (velocity * direction).sum(1),
        "joint_square": env.dof_vel.square().mean(1),
        "feet_down": feet_down.all(1),
    }


def walking_result(sums: Dict[str, Tensor]) -> Dict[str, Any]:
    """A cell, from its robots."""
    seconds = sums["seconds"]
    return {
        "episodes": len(seconds),
        "falls": share(sums["fell"]),
        "lin_vel_xy_error": ratio_of_sums(sums["lin_vel_xy_error"], seconds),
        "ang_vel_error": ratio_of_sums(sums["ang_vel_error"], seconds),
        "mean_speed": ratio_of_sums(sums["along"], seconds),
    }


def standing_result(sums: Dict[str, Tensor]) -> Dict[str, Any]:
    """How robots stood."""
    seconds, squares = sums["seconds"], ratio_of_sums(sums["joint_square"], sums["seconds"])
    slow = sums["joint_square"] <= STILL**2 * seconds
    down = sums["feet_down"] >= (1.0 - 1e-9) * seconds
    roots = [None if x is None else math.sqrt(max(x, 0.0)) for x in (squares["mean"], *squares["ci95"])]
    return {
        "episodes": len(seconds),
        "stand_still": share(~sums["fell"] & slow & down),
        "stand_joint_speed": estimate(*roots),
        "stand_feet_down": ratio_of_sums(sums["feet_down"], seconds),
        "falls": share(sums["fell"]),
    }


def worst_cells(cells: Sequence[Dict[str, Any]]) -> Dict[str, Any]:
    """The highest of falls and errors: name -> {"mean", "ci95"}, and the `cell` in words."""
    worst: Dict[str, Any] = {}
    for name in ("falls", "lin_vel_xy_error", "ang_vel_error"):
        known = [cell for cell in cells if cell[name]["mean"] is not None]
        if known:
            cell = max(known, key=lambda cell: cell[name]["mean"])
            worst[name] = {**cell[name], "cell": f"{cell['direction']}, {cell['speed']}, {cell['start']}"}
    return worst


def evaluate_grid(source: PolicySource, num_episodes: int, trained: Mapping[str, Any]) -> Dict[str, Any]:
    """Measure a policy on pure commands and on standing.

    Args:
        source: the policy, settled, with a config of `variants.for_evaluation`.
        num_episodes: of the evaluation; robots are a fraction of it.
        trained: see `cells_of`.

    Returns:
        `pure_commands`: `cells`, each with `direction`, `speed`, `command`, `start` and what `walking_result` gives,
        and `worst`; `stand_still`: start -> `before` ("rest", "walking") -> what `standing_result` gives. Empty for a
        policy that sees no velocity commands.
    """
    cells = cells_of(trained) if variants.has_velocity_commands(source.env_cfg) else []
    if not cells:
        return {}
    speeds = [[cell.command for cell in cells if cell.direction == direction] for direction in DIRECTIONS]
    before = [(0.0, 0.0, 0.0), *(found[len(found) // 2] for found in speeds if found)]
    nominal, randomised = (max(round(part * num_episodes), 1) for part in ROBOTS.values())
    walking, standing = [], {}
    for start, robots in zip(ROBOTS, (nominal, randomised)):
        walked = run_task(source, start, Batch.of([cell.command for cell in cells], False, robots))
        for index, cell in enumerate(cells):
            result = walking_result(part_of(walked, index * robots, (index + 1) * robots))
            walking.append({**cell._asdict(), "start": start, **result})
        stood = run_task(source, start, Batch.of(before, True, nominal))
        standing[start] = {
            "rest": standing_result(part_of(stood, 0, nominal)),
            "walking": standing_result(part_of(stood, nominal, None)),
        }
    facts = {"episode_length_s": EPISODE_S, "left_out_s": SETTLE_S}
    return {"pure_commands": {**facts, "cells": walking, "worst": worst_cells(walking)}, "stand_still": standing}


def part_of(sums: Dict[str, Tensor], first: int, end: Optional[int]) -> Dict[str, Tensor]:
    """The same of some of the robots."""
    return {name: values[first:end] for name, values in sums.items()}


def run_task(source: PolicySource, start: str, batch: Batch) -> Dict[str, Tensor]:
    """Make the environment of a start, without pushes for those who are told to stand, and `run` the policy in it."""
    stand = not bool(batch.then.any())

    def change(cfg: LeggedRobotCfg) -> None:
        # twice the time: nothing is cut off
        variants.for_pure_commands(cfg, start == "nominal", episode_length_s=2.0 * EPISODE_S)
        cfg.env.num_envs = len(batch.first)
        cfg.domain_rand.push_robots = cfg.domain_rand.push_robots and not stand

    what = "told to stand" if stand else "pure commands"
    print(f"           {what}, {start} start, {len(batch.first)} robots for {EPISODE_S:g} s", flush=True)
    changed = source.changed(change)
    with contextlib.closing(make_env(changed)) as env:
        return run(env, load_policy(changed, env), batch)
