"""Tasks to read and to copy from."""
