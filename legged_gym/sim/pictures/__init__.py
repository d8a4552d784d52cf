"""Pictures of a simulated robot, on any machine."""
