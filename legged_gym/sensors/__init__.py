"""What a robot senses of its surroundings."""

from __future__ import annotations
