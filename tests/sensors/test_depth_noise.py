"""Faults of depth cameras, by their statistics and by where they may be."""

from __future__ import annotations

import pytest
import torch

from legged_gym.sensors.depth_noise import DepthNoise
from tests.sensors.depth_cfg import depth_cfg


def noise(seed: int = 0, **settings) -> DepthNoise:
    cfg = depth_cfg(**{f"noise__{name}": value for name, value in settings.items()})
    return DepthNoise(cfg.noise, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("depth", [0.5, 1.0, 2.0])
def test_gaussian_noise_grows_with_the_square_of_depth(depth):
    noisy = noise(gaussian_noise=0.02).apply(torch.full((4, 60, 80), depth))
    assert noisy.mean().item() == pytest.approx(depth, abs=1e-3)
    # the standard error of a standard deviation of 19200 samples is 0.5 %
    assert noisy.std().item() == pytest.approx(0.02 * depth**2, rel=0.03)


def test_edges_become_ragged_and_surfaces_do_not():
    picture = torch.ones(3, 20, 30)
    picture[:, :, 15:] = 2.0
    rough = noise(edge_noise=0.4).apply(picture.clone())
    changed = (rough != picture).nonzero()[:, 2].unique().tolist()
    assert changed == [14, 15]
    # a pixel beside the edge is chosen with 0.4 and looks across it in one of four cases
    share = (rough != picture)[:, :, 14:16].float().mean().item()
    assert share == pytest.approx(0.1, abs=0.06)
    assert set(rough.unique().tolist()) == {1.0, 2.0}


def test_pixels_on_the_border_have_fewer_neighbours():
    ramp = torch.arange(12.0).view(1, 3, 4)
    for seed in range(20):
        moved = noise(seed, edge_noise=1.0).apply(ramp.clone())
        difference = (moved - ramp).abs()
        # itself, a neighbour in its row (1) or in its column (4): never around the corner of the image
        assert set(difference.flatten().tolist()) <= {0.0, 1.0, 4.0}
        assert moved[0, 0, 3] != 4.0 and moved[0, 1, 0] != 3.0


def test_single_holes():
    holed = noise(hole_pixels=0.1, hole_depth=5.0).apply(torch.ones(10, 40, 50))
    assert (holed == 5.0).float().mean().item() == pytest.approx(0.1, abs=0.01)
    assert set(holed.unique().tolist()) == {1.0, 5.0}


def test_patches_are_rectangles_of_limited_size():
    holed = noise(hole_patches=1, hole_patch_size=0.25, hole_depth=0.0).apply(torch.ones(200, 40, 60)) == 0.0
    for image in holed:
        rows, columns = image.any(1).sum().item(), image.any(0).sum().item()
        assert image.sum().item() == rows * columns
        assert rows <= 11 and columns <= 16
    # half of the patches are left out; few of the others are too thin to hold a pixel
    assert 0.35 < holed.flatten(1).any(1).float().mean().item() < 0.55


def test_same_seed_same_faults():
    every = {"gaussian_noise": 0.01, "edge_noise": 0.1, "hole_pixels": 0.01, "hole_patches": 2}
    picture = torch.rand(2, 20, 30)
    one, two, other = (noise(seed, **every).apply(picture.clone()) for seed in (1, 1, 2))
    assert torch.equal(one, two) and not torch.equal(one, other)


def test_no_fault_asked_for():
    picture = torch.rand(2, 5, 6)
    assert torch.equal(noise().apply(picture.clone()), picture)
