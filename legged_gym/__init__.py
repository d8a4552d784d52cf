"""Legged robots that learn to walk: environments on MuJoCo, with the idioms of legged_gym."""

from __future__ import annotations

import importlib.util
import os
import sys

# Torch and MuJoCo take turns on the same cores. Torch's idle threads wait by spinning (libgomp: for milliseconds) and
# keep the cores from MuJoCo's; without any spinning they wake too slowly for the learner. So they spin for about the
# time between two operations. It must be said before torch is imported.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")

LEGGED_GYM_PACKAGE_DIR = os.path.dirname(os.path.abspath(__file__))
"""Folder of this package."""

IS_CHECKOUT = not os.path.isdir(os.path.join(LEGGED_GYM_PACKAGE_DIR, "resources"))
"""Whether this runs from a checkout, and not from a wheel, which carries robots and learner inside of the package."""

LEGGED_GYM_ROOT_DIR = os.path.dirname(LEGGED_GYM_PACKAGE_DIR) if IS_CHECKOUT else LEGGED_GYM_PACKAGE_DIR
"""Folder of `resources/`: the repository, or an installed package; configs write it as ``{LEGGED_GYM_ROOT_DIR}``."""

LEGGED_GYM_ENVS_DIR = os.path.join(LEGGED_GYM_PACKAGE_DIR, "envs")
"""Folder of the environments."""


def _import_own_learner() -> None:
    """Make `rsl_rl` the project's own, whatever else of that name is installed: PyPI's rsl-rl-lib is.

    Raises:
        ImportError: another one has been imported before, or lies in its place.
    """
    file = os.path.join(LEGGED_GYM_ROOT_DIR, "rsl_rl", "__init__.py")
    if "rsl_rl" not in sys.modules and os.path.isfile(file):
        spec = importlib.util.spec_from_file_location(
            "rsl_rl", file, submodule_search_locations=[os.path.dirname(file)]
        )
        assert spec is not None and spec.loader is not None
        sys.modules["rsl_rl"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["rsl_rl"])
    learner = importlib.import_module("rsl_rl")
    if not hasattr(learner, "ORIGIN"):
        raise ImportError(
            f"the rsl_rl in {os.path.dirname(learner.__file__ or '')} is another program's (PyPI's rsl-rl-lib); import"
            " legged_gym before it, or install legged_gym with pip install -e into an environment without it"
        )


_import_own_learner()
