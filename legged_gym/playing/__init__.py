"""A policy at work: driven by hand or script, in a window, a video or curves."""
