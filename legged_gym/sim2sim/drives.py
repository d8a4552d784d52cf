"""From actions to what the engine's actuators are given: targets for control type P, torques for others."""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping, Optional

import numpy as np

from legged_gym.errors import UserError
from legged_gym.sim2sim.network import Network

_ROUNDING = 1e-6


class Drives:
    """The motors of a robot, which compute at the rate of the training's physics however fast the engine steps."""

    def __init__(self, description: Mapping[str, Any], folder: str, delay: Optional[int] = None) -> None:
        """Begin an episode.

        Args:
            description: of the policy.
            folder: of the policy, where the network of its drives is, if there is one.
            delay: policy steps that actions come late; None: the middle of what training had, rounded down.

        Raises:
            UserError: the network of the drives is missing.
        """
        self._actions, joints = description["actions"], description["joints"]
        self._default, self._stiffness, self._damping = (
            np.array([joint[key] for joint in joints]) for key in ("default_pos", "stiffness", "damping")
        )
        self._dt = description["physics"]["dt"]
        size, net = self._actions["size"], description["actuator_net"]
        late = sum(self._actions["delay_steps"]) // 2 if delay is None else delay
        self._queue = [np.zeros(size)] * late
        self._filtered, self._last_vel = np.zeros(size), np.zeros(size)
        self._given = np.zeros(size)
        self.centre = self._default  # rad, what an action of 0 asks for
        self._steps = 0
        self._network = None if net is None else _drives_of(net, folder)

    def act(self, action: np.ndarray) -> None:
        """Take the action of a control step, within its clip."""
        self._queue.append(action)
        self._now = self._queue.pop(0) * self._actions["scale"]

    def __call__(self, time: float, pos: np.ndarray, vel: np.ndarray) -> np.ndarray:
        """What the actuators are given, `time` s into the episode."""
        if time + _ROUNDING >= self._steps * self._dt:
            self._steps += 1
            self._given = self._compute(pos, vel)
        return self._given

    def _compute(self, pos: np.ndarray, vel: np.ndarray) -> np.ndarray:
        offset, share, kind = self._now, self._actions["target_filter"], self._actions["control_type"]
        if share is not None:
            offset = self._filtered = share * offset + (1.0 - share) * self._filtered
        target: np.ndarray = self.centre + offset
        acceleration, self._last_vel = (vel - self._last_vel) / self._dt, vel
        if kind == "P":
            return target
        if kind == "V":
            return np.asarray(self._stiffness * (offset - vel) - self._damping * acceleration)
        if self._network is None:
            return offset
        return self._network({"error": target - pos, "velocity": vel})


def _drives_of(net: Dict[str, Any], folder: str) -> Network:
    if net["file"] is None:
        raise UserError(f"the drives of this policy ({net['source']['file']}) could not be exported, so it cannot run")
    return Network(os.path.join(folder, net["file"]))
