"""Building blocks of networks."""

from rsl_rl.modules.conv import ConvNet
from rsl_rl.modules.distribution import GaussianDistribution
from rsl_rl.modules.memory import Memory
from rsl_rl.modules.mlp import MLP
from rsl_rl.modules.normalization import EmpiricalNormalization

__all__ = ["MLP", "ConvNet", "EmpiricalNormalization", "GaussianDistribution", "Memory"]
