"""The API of Isaac Gym on MuJoCo, so that repositories written for that API run on it; see docs/isaacgym.md."""
