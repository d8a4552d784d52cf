"""Excitations stay within their bounds and are what they are called."""

from __future__ import annotations

import numpy as np
import torch

from legged_gym.sysid.drive_recording import _chirps, _steps, excitation

DT = 0.02


def test_excitations_repeat_with_their_seed_and_stay_within_reach():
    one, two, other = (excitation(200, 6, 12, DT, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert one.shape == (200, 6, 12) and torch.equal(one, two) and not torch.equal(one, other)
    assert 0.3 < one.abs().max() <= 0.6


def test_steps_hold_a_level_for_a_tenth_of_a_second_on_average():
    levels = _steps(5000, 1, 4, DT, torch.Generator().manual_seed(0))
    changes = (levels[1:] != levels[:-1]).float().mean()
    assert abs(float(changes) - DT / 0.1) < 0.02
    assert levels.abs().max() <= 1.0 and levels.std() > 0.5


def test_a_chirp_rises_from_the_slowest_to_the_fastest_frequency_and_starts_again():
    wave = _chirps(2000, 1, 1, 0.004, torch.Generator().manual_seed(0))[:, 0, 0].numpy()
    crossings = [int(np.count_nonzero(np.diff(np.sign(part)))) for part in np.split(wave, 8)]  # of 1 s each
    # cycles of second k: integral of 0.2 Hz 40^(t/4) = 0.2 * 4 / ln(40) * (40^((k+1)/4) - 40^(k/4))
    expected = [2 * 0.8 / np.log(40) * (40 ** ((k % 4 + 1) / 4) - 40 ** (k % 4 / 4)) for k in range(8)]
    assert np.allclose(crossings, expected, atol=1.5)
