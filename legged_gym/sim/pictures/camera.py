"""Where a picture is taken from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

import numpy as np

FIELD_OF_VIEW = 45.0
"""degrees from the lower to the upper edge of a picture."""


@dataclass
class Camera:
    """A camera looking at a point from a distance, as MuJoCo's free camera.

    Attributes:
        lookat: world point, m; None follows the root body.
        distance: m.
        azimuth: degrees, 90 looks along +y.
        elevation: degrees, negative looks down.
    """

    lookat: Optional[Sequence[float]] = None
    distance: float = 1.8
    azimuth: float = 120.0
    elevation: float = -18.0


def axes_of_view(azimuth: float, elevation: float) -> Tuple[np.ndarray, np.ndarray]:
    """Unit vectors forward and to the right of a camera, in the world; degrees."""
    around, up = np.deg2rad(azimuth), np.deg2rad(elevation)
    forward = np.array([np.cos(up) * np.cos(around), np.cos(up) * np.sin(around), np.sin(up)])
    return forward, np.array([np.sin(around), -np.cos(around), 0.0])
