"""What runners lean on: logging, checkpoints, several processes, errors."""
