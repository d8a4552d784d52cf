"""What a robot file holds, whether the robot stands, and how fast a task runs."""
