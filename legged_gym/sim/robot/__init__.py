"""From a robot file to the robot: its parts, limits, feet and joints, and what a compiled model adds to the file."""
