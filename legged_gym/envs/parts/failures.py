"""NaN and Inf in one environment: it is reset alone, counted, and the first case is written down."""

from __future__ import annotations

import math
import os
from typing import Dict, Optional

import torch
from torch import Tensor

from legged_gym.envs.base.state import RobotState
from legged_gym.envs.parts.part import Part
from rsl_rl.utils.archive import first_line
from rsl_rl.utils.files import replacing

FIRST_FAILURE = "first_failure.pt"
"""File in the run folder with the first case."""


class Failures(Part):
    """Environments whose numbers went wrong; `LeggedRobot.step` asks after physics, rewards and observations.

    Attributes:
        failed: (N,) bool, in this step; None where all went well.
    """

    def __init__(self, env: RobotState) -> None:
        """Nothing has gone wrong yet."""
        super().__init__(env)
        self.failed: Optional[Tensor] = None
        self._written = False

    def begin(self) -> None:
        """Nothing has gone wrong in this step yet."""
        self.failed = None
        self.env.extras["counts"] = {"failed_envs": 0}

    def collect(self) -> None:
        """Take note of environments whose physics broke down in this sub-step."""
        failure = self.env.sim.failure
        if failure is not None:
            mask = torch.zeros(self.num_envs, dtype=torch.bool, device=self.device)
            mask[failure.env_ids] = True
            self.fail(mask, failure.reason, failure.before)

    def check_state(self) -> None:
        """Environments whose state is not finite, or that the engine gave up, end here."""
        env = self.env
        total = float(env.root_states.sum()) + float(env.dof_pos.sum()) + float(env.dof_vel.sum())
        if not math.isfinite(total):
            rows = torch.cat((env.root_states, env.dof_pos, env.dof_vel), dim=1)
            self.fail(~torch.isfinite(rows).all(1), "a position or velocity is NaN or Inf")
        if self.failed is not None:
            env.reset_buf |= self.failed
            env.time_out_buf &= ~self.failed

    def fail(self, mask: Tensor, reason: str, state: Optional[Dict[str, Tensor]] = None) -> None:
        """Mark environments (N,) for a reset, count them, and write down the first case."""
        env = self.env
        new = mask if self.failed is None else mask & ~self.failed
        self.failed = mask if self.failed is None else self.failed | mask
        env.reset_buf |= mask
        count = int(new.sum())
        env.num_failures += count
        env.extras.setdefault("counts", {"failed_envs": 0})["failed_envs"] += count
        if env.log_dir is not None and not self._written:
            self._written = True
            self._write(env.log_dir, torch.nonzero(mask).flatten(), reason, state)

    def _write(self, folder: str, env_ids: Tensor, reason: str, state: Optional[Dict[str, Tensor]]) -> None:
        env = self.env
        record = {
            "reason": reason,
            "env_ids": env_ids,
            "step": env.common_step_counter,
            "actions": env.actions[env_ids],
            "commands": env.commands[env_ids],
            "state": state or {name: getattr(env, name)[env_ids] for name in ("root_states", "dof_pos", "dof_vel")},
        }
        path = os.path.join(folder, FIRST_FAILURE)
        try:
            with replacing(path) as file:
                torch.save(record, file)
            where = f"is in {path}"
        except (OSError, RuntimeError) as error:  # the training goes on
            where = f"cannot be written: {first_line(error)}"
        print(f"warning: environment {int(env_ids[0])} was reset: {reason}; its state {where}")
