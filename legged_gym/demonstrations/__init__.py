"""Datasets of what policies do: collected, written, read, checked."""
