"""Taking chance out of an environment's config, before the environment is made."""

from __future__ import annotations

from typing import Any


def without_noise(env_cfg: Any) -> None:
    """Exact observations, a camera that sits and sends as it should, and no pushes; in place."""
    camera = env_cfg.depth_camera
    env_cfg.noise.add_noise = camera.noise.enabled = False
    camera.position_jitter = camera.pitch_jitter = camera.period_jitter = camera.latency_jitter = 0.0
    env_cfg.domain_rand.push_robots = False


def with_equal_robots(env_cfg: Any) -> None:
    """Friction, masses, gains and motors as in the robot's file and config, for all robots; in place."""
    rand = env_cfg.domain_rand
    for name in vars(rand):
        if name.startswith("randomize_"):
            setattr(rand, name, False)
