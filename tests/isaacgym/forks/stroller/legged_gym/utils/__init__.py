from .task_registry import get_args, task_registry

__all__ = ["get_args", "task_registry"]
