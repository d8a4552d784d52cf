"""Recording golden vectors: a policy at work, one robot as in its file, told one thing after the other."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional

import numpy as np
import torch
from torch import Tensor

from legged_gym.envs.parts.given_commands import GivenCommands
from legged_gym.envs.variants import RANGES, for_golden_vectors, has_velocity_commands
from legged_gym.policies.exported_policy import Step, zeros
from legged_gym.policies.golden import GOLDEN_STEPS, as_given, to_bytes
from legged_gym.policies.policy_io import PolicySource
from legged_gym.utils.training import make_env
from rsl_rl.extensions.extension import View

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot

# what the robot is told for a quarter of the time each: shares of the highest command forward, to the left, of turns
_TOLD = ((0.6, 0.0, 0.0), (0.4, 0.0, 0.6), (0.0, 0.6, 0.0), (0.0, 0.0, 0.0))


@torch.no_grad()
def record_golden(source: PolicySource, step: Step, description: Mapping[str, Any], view: Optional[View]) -> bytes:
    """Let a policy drive a robot of its task, and keep what it was given and answered.

    Args:
        source: the policy.
        step: one step of its network.
        description: of it; names and shapes of inputs, outputs and memory.
        view: what it sees in the place of its observations; None for these.

    Returns:
        The content of the file, see `golden`.
    """
    columns: Dict[str, List[np.ndarray]] = {}
    actions: Optional[Tensor] = None
    ranges = description["commands"].get("ranges") or {}
    groups = [entry["name"] for entry in description["inputs"][: len(description["observations"])]]
    with contextlib.closing(make_env(source.changed(for_golden_vectors).settled())) as env:
        given = None
        if has_velocity_commands(env.cfg) and set(RANGES) <= set(ranges):
            given = env.use_part("commands", GivenCommands(env.velocity_commands))
        memory = zeros(description["memory"], 1)
        for number in range(GOLDEN_STEPS):
            if given is not None and number % (GOLDEN_STEPS // len(_TOLD)) == 0:
                told = _TOLD[number * len(_TOLD) // GOLDEN_STEPS]
                given.give({name: share * ranges[name][1] for name, share in zip(RANGES, told)})
            obs = env.step(actions)[0] if actions is not None else env.reset()
            seen = view(obs) if view else obs
            inputs = {name: as_given(seen[name].cpu().numpy()) for name in groups}
            tensors = [torch.from_numpy(value.astype(np.float32)) for value in inputs.values()]
            actions, *memory = step([*tensors, *memory])
            row = {
                **{name: value[0] for name, value in inputs.items()},
                "actions": actions[0].numpy(),
                **_readings(env),
            }
            for name, value in row.items():
                columns.setdefault(name, []).append(value)
    return to_bytes({name: np.stack(rows) for name, rows in columns.items()})


def _readings(env: LeggedRobot) -> Dict[str, np.ndarray]:
    """What the sensors of the robot say, and what it is told."""
    tensors = {
        "time": env.episode_length_buf[0] * env.dt,
        "q": env.dof_pos[0],
        "dq": env.dof_vel[0],
        "gyro": env.base_ang_vel[0],
        "lin_vel": env.base_lin_vel[0],
        "quat": env.root_states[0, 3:7],
        "height": env._obs_base_height()[0, 0],
        **{f"command.{name}": column[0] for name, column in env.command_columns().items()},
    }
    return {name: tensor.detach().cpu().numpy().astype(np.float32) for name, tensor in tensors.items()}
