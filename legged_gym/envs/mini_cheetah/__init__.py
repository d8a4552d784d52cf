"""MIT Mini Cheetah."""
