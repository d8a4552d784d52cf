"""Legged robots that learn to walk: environments on MuJoCo, with the idioms of legged_gym."""

from __future__ import annotations

import os

# Torch and MuJoCo take turns on the same cores. Threads of torch that wait by spinning, as OpenMP's do by default, keep
# the cores from MuJoCo's; it must be said before torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

LEGGED_GYM_ROOT_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
"""Folder of the repository; config files may write it as ``{LEGGED_GYM_ROOT_DIR}``."""

LEGGED_GYM_ENVS_DIR = os.path.join(LEGGED_GYM_ROOT_DIR, "legged_gym", "envs")
"""Folder of the environments."""
