"""NaN and Inf in one environment: it is reset alone, counted, and the first case is written down."""

from __future__ import annotations

import os
from typing import Dict, List, Optional, Tuple

import torch
from torch import Tensor

from legged_gym.envs.base.state import RobotState
from legged_gym.envs.parts.part import Part
from rsl_rl.utils.archive import first_line
from rsl_rl.utils.files import replacing

FIRST_FAILURE = "first_failure.pt"
"""File in the run folder with the first case."""


def not_finite(values: Tensor) -> Tensor:
    """Which values are NaN or Inf; in half as many operations as `isfinite`."""
    return (values - values) != 0.0


class Failures(Part):
    """Environments whose numbers went wrong; `LeggedRobot.step` asks after physics, rewards and observations.

    Nothing here but `settle` waits for the device.

    Attributes:
        failed: (N,) bool, in this step.
    """

    asked_as = ("failures", "failures")

    def __init__(self, env: RobotState) -> None:
        """Nothing has gone wrong yet."""
        super().__init__(env)
        self._written = False
        self.begin()

    def begin(self) -> None:
        """Nothing has gone wrong in this step yet."""
        self.failed = torch.zeros(self.num_envs, dtype=torch.bool, device=self.device)
        self._noted: List[Tuple[Tensor, str]] = []
        self._settled = 0
        self.env.extras["counts"] = {"failed_envs": 0}

    def check_state(self) -> None:
        """Environments whose state is not finite, or that the engine gave up, end here; what it left out is counted."""
        env = self.env
        env.extras.setdefault("counts", {"failed_envs": 0}).update(env.sim.counts())
        total = env.root_states.sum(1) + env.dof_pos.sum(1) + env.dof_vel.sum(1)
        self.note(env.sim.failed | not_finite(total), "a position or velocity is NaN or Inf")

    def note(self, mask: Tensor, reason: str) -> None:
        """Mark environments (N,) for a reset; of a state that went wrong no value is expected."""
        self._noted.append((mask, reason))
        self.failed |= mask
        self.env.reset_buf |= mask
        self.env.time_out_buf &= ~mask

    def settle(self) -> None:
        """Count what was noted since the last time, and write down the first case; before the resets."""
        env, seen = self.env, torch.zeros_like(self.failed)
        for number, (mask, reason) in enumerate(self._noted):
            env_ids = torch.nonzero(mask & ~seen).flatten()
            seen |= mask
            if number < self._settled or not len(env_ids):
                continue
            env.num_failures += len(env_ids)
            env.extras.setdefault("counts", {"failed_envs": 0})["failed_envs"] += len(env_ids)
            if env.log_dir is not None and not self._written:
                self._written = True
                known = env.sim.failure if number == 0 else None
                if known is None:
                    self._write(env.log_dir, env_ids, reason, None)
                else:
                    self._write(env.log_dir, known.env_ids, known.reason, known.before)
        self._settled = len(self._noted)

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
