"""Searches over settings: local, or with W&B."""
