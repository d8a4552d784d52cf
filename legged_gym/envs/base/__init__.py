"""The base environment and its configs."""
