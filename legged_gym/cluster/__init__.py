"""Trainings as jobs of a cluster."""
