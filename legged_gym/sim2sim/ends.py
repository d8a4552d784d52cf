"""Falls, functions of the robot and of their threshold, by the names of `_termination_<name>` of the environments."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping

import numpy as np

Robot = Any  # of `robot`, which knows these

OLDER: Mapping[str, Any] = {
    "episode_length_s": 20.0,
    "terms": [
        {"name": "base_contact", "threshold": 1.0, "time_out": False},
        {"name": "tilt", "threshold": np.pi / 3.0, "time_out": False},
    ],
}
"""Of policies whose description does not tell: a base that touches something, or is tilted by more than 60 degrees."""


def _gravity(robot: Robot) -> np.ndarray:
    return np.asarray(robot.rotation.T @ [0.0, 0.0, -1.0])


def base_contact(robot: Robot, threshold: float) -> bool:  # noqa: D103
    return bool((np.linalg.norm(robot.contact_forces, axis=1) > threshold).any())


def tilt(robot: Robot, threshold: float) -> bool:  # noqa: D103
    return bool(robot.rotation[2, 2] < np.cos(min(threshold, np.pi)))


def roll(robot: Robot, threshold: float) -> bool:  # noqa: D103
    _, y, z = _gravity(robot)
    return bool(abs(np.arctan2(y, -z)) > np.radians(threshold))


def pitch(robot: Robot, threshold: float) -> bool:  # noqa: D103
    return bool(abs(_gravity(robot)[0]) > np.sin(np.radians(min(threshold, 90.0))))


def low(robot: Robot, threshold: float) -> bool:  # noqa: D103
    return bool(robot.position[2] < threshold)


ENDS: Dict[str, Callable[[Robot, float], bool]] = {end.__name__: end for end in (base_contact, tilt, roll, pitch, low)}
"""By name."""


def falls(description: Mapping[str, Any]) -> List[Mapping[str, Any]]:
    """The terminations of a policy's training that are no ends of time."""
    return [each for each in description.get("terminations", OLDER)["terms"] if not each["time_out"]]
