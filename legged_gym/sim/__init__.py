"""Physics behind one seam (`simulator.Simulator`); backends are imported only when chosen."""

from __future__ import annotations

import importlib
import importlib.util
import os


def _import_without_opengl() -> None:
    """Import MuJoCo where the OpenGL that MUJOCO_GL names is not installed, though nothing may ever be drawn.

    MuJoCo loads it when it is imported and fails with it. What draws asks for it again (`rendering`).
    """
    name = os.environ.get("MUJOCO_GL")
    if not name or importlib.util.find_spec("mujoco") is None:
        return
    try:
        importlib.import_module("mujoco")
    except Exception:  # PyOpenGL raises an AttributeError about None, MuJoCo a RuntimeError for an unknown name
        os.environ["MUJOCO_GL"] = "off"
        try:
            importlib.import_module("mujoco")
        finally:
            os.environ["MUJOCO_GL"] = name


_import_without_opengl()
