"""Unitree G1."""
