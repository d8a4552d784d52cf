"""Robots that follow motion clips, after VideoMimic (Allshire et al. 2025, arXiv:2505.03729)."""
