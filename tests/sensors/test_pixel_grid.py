"""The policy's image and the camera's picture: geometry by hand, holes by brute force, real frames against rays."""

from __future__ import annotations

import math

import numpy as np
import pytest

from legged_gym.errors import UserError
from legged_gym.sensors.pixel_grid import PixelGrid, fill_holes, prepare_frame
from tests.sensors.depth_cfg import depth_cfg

REALSENSE = PixelGrid(640, 480, 87.0, (0, 0, 200, 0), (58, 87))


def test_places_by_hand():
    down, across = PixelGrid(106, 60, 87.0, (0, 2, 4, 4), (58, 87)).places()
    # nothing to resample between rows: 58 of them are left of 60
    np.testing.assert_allclose(down, np.arange(58) + 0.5)
    assert across[0] == pytest.approx(4 + 0.5 * 98 / 87)
    assert across[-1] == pytest.approx(102 - 0.5 * 98 / 87)
    assert across[43] == pytest.approx(53.0)


def test_directions_of_a_pinhole():
    """Of 8 x 4 pixels over 90 degrees the focal length is 4 pixels."""
    rays = PixelGrid(8, 4, 90.0, (0, 0, 0, 0), (4, 8)).directions().reshape(4, 8, 3)
    assert rays.dtype == np.float32
    assert np.all(rays[..., 0] == 1.0)
    np.testing.assert_allclose(rays[0, :, 1], (4.0 - np.arange(8) - 0.5) / 4.0)  # the first column is on the left
    np.testing.assert_allclose(rays[:, 0, 2], (2.0 - np.arange(4) - 0.5) / 4.0)  # the first row is at the top
    # the outer borders of the outer pixels are 45 degrees from the axis
    assert rays[0, 0, 1] + 0.5 / 4.0 == pytest.approx(math.tan(math.radians(45.0)))


def test_cropping_moves_the_view_and_not_the_rays():
    whole = PixelGrid(8, 6, 70.0, (0, 0, 0, 0), (6, 8)).directions().reshape(6, 8, 3)
    part = PixelGrid(8, 6, 70.0, (1, 2, 3, 1), (3, 4)).directions().reshape(3, 4, 3)
    np.testing.assert_allclose(part, whole[1:4, 3:7], rtol=1e-6)


def test_sampling_picks_the_pixel_of_each_place():
    frame = np.arange(60 * 106).reshape(60, 106)
    grid = PixelGrid(106, 60, 87.0, (0, 2, 4, 4), (58, 87))
    image = grid.sample(frame)
    for row, column in ((0, 0), (13, 20), (57, 86), (30, 43)):
        assert image[row, column] == frame[row, int(4 + (column + 0.5) * 98 / 87)]
    with pytest.raises(ValueError, match="640"):
        grid.sample(np.zeros((480, 640)))


def test_holes_take_the_nearest_measurement():
    rng = np.random.default_rng(3)
    depth = rng.uniform(0.3, 4.0, (17, 23))
    kind = rng.uniform(size=depth.shape)
    depth[kind < 0.5], depth[kind < 0.3], depth[kind < 0.15] = 0.0, np.nan, np.inf
    depth[:, :6] = -1.0
    filled = fill_holes(depth)
    valid = np.argwhere(np.isfinite(depth) & (depth > 0))
    for row, column in np.ndindex(*depth.shape):
        square = np.sum((valid - [row, column]) ** 2, axis=1)
        candidates = {depth[tuple(place)] for place in valid[square == square.min()]}
        assert filled[row, column] in candidates


def test_nothing_to_fill_and_nothing_to_fill_from():
    full, empty = np.ones((3, 4)), np.zeros((3, 4))
    assert np.array_equal(fill_holes(full), full)
    assert np.array_equal(fill_holes(empty), empty)
    assert np.all(prepare_frame(np.zeros((480, 640)), REALSENSE, 0.0, 2.0) == 0.5)


def test_real_frames_give_what_rays_give():
    """Level ground 0.4 m under a camera, as a full picture: its depth depends on the row alone."""
    focal = 320.0 / math.tan(math.radians(43.5))

    def depth(row):
        below = np.maximum(np.asarray(row) - 240.0, 1e-9)
        return 0.4 * focal / below

    frame = np.repeat(depth(np.arange(480) + 0.5)[:, None], 640, axis=1)
    frame[:, :200] = 0.0  # what the second eye does not see
    frame[300:303, 400:402] = 0.0
    image = prepare_frame(frame, REALSENSE, 0.0, 2.0)
    assert image.shape == (1, 58, 87) and image.dtype == np.float32
    down = REALSENSE.places()[0]
    # a pixel's middle is at most half a pixel off the ray
    low, high = (np.clip(depth(down + off), 0.0, 2.0) / 2.0 - 0.5 for off in (0.51, -0.51))
    columns = np.delete(np.arange(87), [38, 39, 40])
    assert np.all(image[0][:, columns] >= low[:, None]) and np.all(image[0][:, columns] <= high[:, None])
    rays = REALSENSE.directions().reshape(58, 87, 3)
    with np.errstate(divide="ignore"):
        cast = np.where(rays[..., 2] < 0, -0.4 / rays[..., 2], np.inf)
    np.testing.assert_allclose(np.minimum(cast[:, 0], 2.0), np.minimum(depth(down), 2.0), rtol=1e-5)


def test_normalisation():
    grid = PixelGrid(2, 1, 90.0, (0, 0, 0, 0), (1, 2))
    assert prepare_frame(np.array([[0.5, 9.0]]), grid, 0.2, 2.2).tolist() == [[[pytest.approx(-0.35), 0.5]]]
    assert prepare_frame(np.array([[0.1, 1.2]]), grid, 0.2, 2.2).tolist() == [[[-0.5, pytest.approx(0.0)]]]


def test_a_crop_that_leaves_nothing():
    with pytest.raises(UserError, match="crop"):
        PixelGrid.from_config(depth_cfg(crop=[0, 0, 20, 20]))
