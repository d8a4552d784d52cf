"""Settings of a depth camera."""

from __future__ import annotations

from legged_gym.settings import flag, number, numbers, text


class DepthCameraCfg:
    """The section `depth_camera`; the numbers are those of an Intel RealSense."""

    width = number(106, "pixels", low=1, high=10_000)  # of the picture, before cropping
    height = number(60, "pixels", low=1, high=10_000)  # likewise
    horizontal_fov = number(87.0, "degrees", above=0, high=179)
    crop = numbers([0, 2, 4, 4], "pixels", length=4, low=0, high=10_000)  # off the top, bottom, left, right
    image_shape = numbers([58, 87], length=2, low=1, high=10_000)  # rows, columns of the image; one ray each
    frames = number(1, low=1, high=100)  # of an image: the last that have arrived, oldest first
    body = text("")  # that it is on, one of asset.body_names; empty: the base
    position = numbers([0.1, 0.0, 0.15], "m", length=3, low=-100, high=100)  # in the frame of that body
    position_jitter = number(0.01, "m", low=0, high=10)  # each axis, redrawn each episode
    pitch = number(0.0, "degrees", low=-180, high=180)  # positive looks down
    pitch_jitter = number(5.0, "degrees", low=0, high=180)
    near = number(0.0, "m", low=0, high=1000)  # reads -0.5
    far = number(2.0, "m", above=0, high=1000)  # reads 0.5
    period = number(0.1, "s", above=0, high=1000)  # between frames
    period_jitter = number(0.02, "s", low=0, high=1000)
    latency = number(0.04, "s", low=0, high=1000)  # from a frame to the policy
    latency_jitter = number(0.02, "s", low=0, high=1000)
    sees_robot = flag(False)  # rays see the robot too, which is much slower

    class noise:
        enabled = flag(True)
        gaussian_noise = number(0.005, "1/m", low=0, high=100)  # standard deviation is this times depth squared
        edge_noise = number(0.3, low=0, high=1)  # fraction of pixels that read a neighbour
        hole_pixels = number(0.002, low=0, high=1)  # fraction of pixels that read nothing
        hole_patches = number(2, low=0, high=1000)  # rectangles in a frame, each half of the time
        hole_patch_size = number(0.2, low=0, high=1)  # of the image's height and width, at most
        hole_depth = number(2.0, "m", low=0, high=1000)  # that holes read
