"""Programs: each runs as a file (`python legged_gym/scripts/train.py`) and as a module (`python -m ...`)."""
