"""What scripts share: the command line, the task registry, run folders."""

from legged_gym.utils.cli import get_args
from legged_gym.utils.task_registry import task_registry

__all__ = ["get_args", "task_registry"]
