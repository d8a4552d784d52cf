"""How the base turns: from the world into the base, as far as a log tells, and gravity against the gyroscope."""

from __future__ import annotations

from typing import Callable, NamedTuple, Tuple

import numpy as np

from legged_gym.logcheck.layout import GRAVITY, GYRO, Values

_STEPS = 4
"""Control steps over which gravity turns more than its noise, and which noise makes neighbours of."""
_NORMAL = 1.4826  # deviation of what is normal / median of its absolute values


def tilt(gravity: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Roll and pitch (T,) rad of gravity (T, 3) in the base."""
    x, y, z = gravity.T
    return np.arctan2(-y, -z), np.arctan2(x, np.hypot(y, z))


def rotation(roll: np.ndarray, pitch: np.ndarray, yaw: np.ndarray) -> np.ndarray:
    """Rz(yaw) Ry(pitch) Rx(roll), (T, 3, 3): columns are the axes of the base in the world."""
    (sr, cr), (sp, cp), (sy, cy) = ((np.sin(angle), np.cos(angle)) for angle in (roll, pitch, yaw))
    rows = (cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr), (
        sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr), (-sp, cp * sr, cp * cr)  # fmt: skip
    return np.moveaxis(np.array(rows), -1, 0)


def base_from_world(name: str, start: float) -> Callable[[Values, float], np.ndarray]:
    """Turn a vector of the world into the base; the yaw is `start` rad plus what the gyroscope says."""

    def turn(values: Values, dt: float) -> np.ndarray:
        gravity = values.get(GRAVITY)
        flat = np.zeros(len(values[name]))
        roll, pitch = tilt(gravity) if gravity is not None else (flat, flat)
        turned = rotation(roll, pitch, _yaw(values, start, dt))
        return np.asarray(np.einsum("tij,ti->tj", turned, values[name]))

    return turn


def gravity_from_inverse(start: float) -> Callable[[Values, float], np.ndarray]:
    """Gravity in the base, of what was turned from the base into the world instead of back."""

    def turn(values: Values, dt: float) -> np.ndarray:
        yaw = _yaw(values, start, dt)
        x, y, z = -values[GRAVITY].T / np.linalg.norm(values[GRAVITY], axis=1).clip(1e-6)
        x, y = np.cos(yaw) * x + np.sin(yaw) * y, np.cos(yaw) * y - np.sin(yaw) * x
        roll, pitch = np.arcsin(np.clip(-y, -1.0, 1.0)), np.arctan2(x, z)
        found = (np.sin(pitch), -np.cos(pitch) * np.sin(roll), -np.cos(pitch) * np.cos(roll))
        return np.stack(found, axis=1) * np.linalg.norm(values[GRAVITY], axis=1, keepdims=True)

    return turn


def _yaw(values: Values, start: float, dt: float) -> np.ndarray:
    rate = values[GYRO][:, 2] if GYRO in values else np.zeros(len(values[GRAVITY]))
    return np.asarray(start + dt * (np.cumsum(rate) - 0.5 * rate))


class Unturned(NamedTuple):
    """What the gyroscope does not say of how gravity turns, which is noise on any ground and in any fall.

    Attributes:
        spread: (3,) deviations.
        noise: (3,) of gravity alone, from one control step to the next.
        samples: how many numbers tell of it and are no neighbours.
    """

    spread: np.ndarray
    noise: np.ndarray
    samples: float


def unturned(values: Values, first: int, last: int, dt: float) -> Unturned:
    """Compare gyroscope and gravity from one control step to another."""
    part = slice(first, last + 1)
    gravity, rate = values[GRAVITY][part], values[GYRO][part]
    turned = np.cumsum(np.cross(0.5 * (rate[1:] + rate[:-1]), 0.5 * (gravity[1:] + gravity[:-1])), axis=0) * dt
    turned = np.concatenate((np.zeros((1, 3)), turned))
    left = gravity[_STEPS:] - gravity[:-_STEPS] + turned[_STEPS:] - turned[:-_STEPS]
    spread, second = (_NORMAL * np.median(np.abs(each), axis=0) for each in (left, np.diff(gravity, 2, axis=0)))
    return Unturned(spread.clip(1e-6), second / np.sqrt(6.0), len(left) / _STEPS)
