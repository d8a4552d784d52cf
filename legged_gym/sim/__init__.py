"""Physics behind one seam (`simulator.Simulator`); backends are imported only when chosen.

MuJoCo picks its OpenGL platform when it is first imported, so the choice for machines without a display is made here.
"""

from __future__ import annotations

import os

if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
    os.environ.setdefault("MUJOCO_GL", "egl")
