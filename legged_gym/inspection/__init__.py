"""What a robot file holds, and whether the robot stands."""
