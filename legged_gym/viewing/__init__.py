"""Robots in a browser: watched, steered and inspected."""
