"""Measures how well a policy does what its task asks."""
