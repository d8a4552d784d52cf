"""Observation groups: kinds of noise, images."""

from __future__ import annotations

import pytest
import torch

from legged_gym.envs.base.base_config import ObsTerm
from legged_gym.envs.terms.observation_groups import make_group
from legged_gym.errors import UserError

COUNT = 20_000


def noise_of(**entries: ObsTerm) -> torch.Tensor:
    group = make_group("policy", entries, {name: (1,) for name in entries}, noise_level=1.0)
    raw = {name: torch.zeros(COUNT, 1) for name in entries}
    return group.assemble(raw, 100.0, torch.Generator().manual_seed(0))


def test_a_group_may_mix_normal_and_uniform_noise():
    noise = noise_of(
        normal=ObsTerm(scale=5.0, noise=0.2, gaussian=True), uniform=ObsTerm(scale=2.0, noise=0.5), none=ObsTerm()
    )
    # normal: standard deviation 5 * 0.2; 4.6 % beyond two of them. Uniform: +-2 * 0.5, standard deviation 1 / sqrt(3).
    assert noise[:, 0].std() == pytest.approx(1.0, rel=0.03)
    assert (noise[:, 0].abs() > 2.0).float().mean() == pytest.approx(0.0455, rel=0.15)
    assert noise[:, 1].std() == pytest.approx(3**-0.5, rel=0.03)
    assert noise[:, 1].abs().max() <= 1.0
    assert (noise[:, 2] == 0).all()
    assert abs(float(torch.corrcoef(noise[:, :2].t())[0, 1])) < 0.03


def test_normal_noise_alone():
    noise = noise_of(normal=ObsTerm(noise=0.1, gaussian=True))
    assert noise.std() == pytest.approx(0.1, rel=0.03)
    assert abs(float(noise.mean())) < 0.005


def test_an_image_is_a_group_of_its_own():
    group = make_group("depth", {"depth": ObsTerm(scale=2.0)}, {"depth": (1, 3, 4)}, 1.0)
    image = torch.rand(5, 1, 3, 4) - 0.5
    assert group.shape == (1, 3, 4)
    assert torch.equal(group.assemble({"depth": image}, 100.0, torch.Generator()), 2.0 * image)
    assert group.layout()[0]["size"] == 12


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"depth": ObsTerm(), "commands": ObsTerm()}, "observations.g.depth is an image: give it a group of its own"),
        ({"depth": ObsTerm(noise=0.1)}, "observations.g.depth is an image: it takes a scale"),
        ({}, "observations.g has no terms"),
    ],
)
def test_mistakes_are_named(entries, message):
    with pytest.raises(UserError, match=message):
        make_group("g", entries, {"depth": (1, 3, 4), "commands": (3,)}, 1.0)
