"""Additions to algorithms, which know none of them: losses, labels, networks of their own."""

from rsl_rl.extensions.bounds import Bounds
from rsl_rl.extensions.cloning import Cloning
from rsl_rl.extensions.estimator import Adaptation, Estimator
from rsl_rl.extensions.experts import Experts
from rsl_rl.extensions.extension import Batch, Context, Extension, Losses, MirrorSource
from rsl_rl.extensions.extensions import EXTENSIONS, Extensions, Views
from rsl_rl.extensions.predictions import Predictions
from rsl_rl.extensions.symmetry import Symmetry

__all__ = [
    "EXTENSIONS",
    "Adaptation",
    "Batch",
    "Bounds",
    "Cloning",
    "Context",
    "Estimator",
    "Experts",
    "Extension",
    "Extensions",
    "Losses",
    "MirrorSource",
    "Predictions",
    "Symmetry",
    "Views",
]
