"""NaN and Inf in one environment: it is reset alone, counted, and the first case is written down."""

from __future__ import annotations

import math
import os
from typing import Any, Dict, Optional

import torch
from torch import Tensor

from legged_gym.envs.base.state import RobotState
from rsl_rl.utils.archive import first_line
from rsl_rl.utils.files import replacing

FIRST_FAILURE = "first_failure.pt"
"""File in the run folder with the first case."""


class FailureHandling(RobotState):
    """Finds environments whose numbers went wrong; `LeggedRobot.step` asks after physics, rewards and observations."""

    extras: Dict[str, Any]
    log_dir: Optional[str]
    num_failures: int
    _failed: Optional[Tensor]  # (N,) bool, in this step
    _failure_written: bool

    def _begin_failures(self) -> None:
        """Nothing has gone wrong in this step yet."""
        self._failed = None
        self.extras["counts"] = {"failed_envs": 0}

    def _collect_failure(self) -> None:
        """Take note of environments whose physics broke down in this sub-step."""
        if self.sim.failure is not None:
            mask = torch.zeros(self.num_envs, dtype=torch.bool, device=self.device)
            mask[self.sim.failure.env_ids] = True
            self._fail(mask, self.sim.failure.reason, self.sim.failure.before)

    def _reset_failed_state(self) -> None:
        """Environments whose state is not finite, or that the engine gave up, end here."""
        total = float(self.root_states.sum()) + float(self.dof_pos.sum()) + float(self.dof_vel.sum())
        if not math.isfinite(total):
            rows = torch.cat((self.root_states, self.dof_pos, self.dof_vel), dim=1)
            self._fail(~torch.isfinite(rows).all(1), "a position or velocity is NaN or Inf")
        if self._failed is not None:
            self.reset_buf |= self._failed
            self.time_out_buf &= ~self._failed

    def _fail(self, mask: Tensor, reason: str, state: Optional[Dict[str, Tensor]] = None) -> None:
        """Mark environments for a reset, count them, and write down the first case."""
        new = mask if self._failed is None else mask & ~self._failed
        self._failed = mask if self._failed is None else self._failed | mask
        self.reset_buf |= mask
        count = int(new.sum())
        self.num_failures += count
        self.extras.setdefault("counts", {"failed_envs": 0})["failed_envs"] += count
        if self.log_dir is None or self._failure_written:
            return
        self._failure_written = True
        env_ids = torch.nonzero(mask).flatten()
        record = {
            "reason": reason,
            "env_ids": env_ids,
            "step": self.common_step_counter,
            "actions": self.actions[env_ids],
            "commands": self.commands[env_ids],
            "state": state or {"root_states": self.root_states[env_ids], "dof_pos": self.dof_pos[env_ids],
                               "dof_vel": self.dof_vel[env_ids]},
        }  # fmt: skip
        path = os.path.join(self.log_dir, FIRST_FAILURE)
        try:
            with replacing(path) as file:
                torch.save(record, file)
            where = f"is in {path}"
        except (OSError, RuntimeError) as error:  # the training goes on
            where = f"cannot be written: {first_line(error)}"
        print(f"warning: environment {int(env_ids[0])} was reset: {reason}; its state {where}")
