"""Legged robots that learn to walk: environments on MuJoCo, with the idioms of legged_gym."""

from __future__ import annotations

import os

# Torch and MuJoCo take turns on the same cores. Torch's idle threads wait by spinning (libgomp: for milliseconds) and
# keep the cores from MuJoCo's; without any spinning they wake too slowly for the learner. So they spin for about the
# time between two operations. It must be said before torch is imported.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")

LEGGED_GYM_ROOT_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
"""Folder of the repository; config files may write it as ``{LEGGED_GYM_ROOT_DIR}``."""

LEGGED_GYM_ENVS_DIR = os.path.join(LEGGED_GYM_ROOT_DIR, "legged_gym", "envs")
"""Folder of the environments."""
