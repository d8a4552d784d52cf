"""Drives identified: recordings, and actuator networks fitted to them."""
