"""Settings of depth cameras for tests."""

from __future__ import annotations

from legged_gym.envs.base.base_config import BaseConfig


class DepthCameraCfg(BaseConfig):
    """A small camera without faults and without chance."""

    body = ""
    width, height = 40, 30
    horizontal_fov = 87.0
    crop = [0, 2, 3, 1]
    image_shape = [14, 18]
    position = [0.2, 0.05, 0.1]
    position_jitter = 0.0
    pitch = 0.0
    pitch_jitter = 0.0
    near, far = 0.0, 2.0
    frames = 1
    period, period_jitter = 0.1, 0.0
    latency, latency_jitter = 0.04, 0.0
    sees_robot = False

    class noise:
        enabled = False
        gaussian_noise = 0.0
        edge_noise = 0.0
        hole_pixels = 0.0
        hole_patches = 0
        hole_patch_size = 0.3
        hole_depth = 2.0


def depth_cfg(**settings) -> DepthCameraCfg:
    cfg = DepthCameraCfg()
    for name, value in settings.items():
        section, _, field = name.rpartition("__")
        setattr(getattr(cfg, section) if section else cfg, field, value)
    return cfg
