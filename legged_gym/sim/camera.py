"""Where a picture is taken from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence

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
