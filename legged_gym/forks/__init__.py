"""Programs written for Isaac Gym, run as they are on MuJoCo: names, shims, a report, and their configs as ours."""
