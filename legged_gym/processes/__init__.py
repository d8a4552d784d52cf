"""Processes beside each other, on any system: locks on files, and children that are asked to save and end."""
