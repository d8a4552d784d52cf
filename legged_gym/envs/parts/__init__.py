"""What of an environment has a state: parts, each with its buffers."""
