"""Models of joint drives: networks that map position errors and velocities to torques, and a motor in formulas."""
