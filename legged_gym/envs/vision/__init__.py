"""Robots that walk by sight."""
