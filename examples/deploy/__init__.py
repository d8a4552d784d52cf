"""Exported policies on a robot: programs for its computer in Python and in C++, and a simulated robot to try them."""
