"""Fitted networks against what made the data: a PD controller, and a motor that is none."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from legged_gym.actuators.motor_model import MotorModel, MotorParameters
from legged_gym.actuators.networks import NetworkSpec
from legged_gym.errors import UserError
from legged_gym.sysid.fitting import fit, fit_pd, predict
from legged_gym.sysid.recordings import Recording

DT = 0.005


def recording(parameters, steps=800, joints=8, seed=0):
    """Joints that swing under a motor whose targets are sums of sines."""
    rng = np.random.default_rng(seed)
    time = DT * np.arange(steps)[:, None]

    def sines(slowest, fastest):
        parts = [np.sin(2 * np.pi * rng.uniform(slowest, fastest, joints) * time + rng.uniform(0, 6.3, joints))
                 for _ in range(3)]  # fmt: skip
        return sum(parts) / 3

    target, position = 0.6 * sines(0.5, 8.0), 0.4 * sines(0.5, 4.0)
    velocity = np.gradient(position, DT, axis=0)
    motor = MotorModel(parameters, DT, 1, joints, "cpu")
    arrays = [torch.from_numpy(values).float()[:, None] for values in (target - position, velocity)]
    torque = torch.cat([motor.torques(e, v) for e, v in zip(*arrays)]).numpy()
    return Recording(DT, *(values.astype(np.float32) for values in (target, position, velocity, torque)))


def test_least_squares_finds_the_gains_of_a_pd_controller():
    assert fit_pd([recording(MotorParameters(17.0, 0.6))]) == pytest.approx((17.0, 0.6), rel=1e-4)


REAL = MotorParameters(20.0, 0.5, 1, 20.0, 21.0, 20.0, 0.005, 0.8, 0.5, 0.1)


@pytest.mark.parametrize(
    ("spec", "epochs", "rate"),
    [(NetworkSpec("mlp", [16], history=3), 12, 0.02), (NetworkSpec("lstm", [8]), 25, 0.04)],
)
def test_a_network_tells_a_motor_from_a_pd_controller_on_samples_it_has_not_seen(spec, epochs, rate):
    result = fit([recording(REAL), recording(REAL, seed=1)], spec, epochs, learning_rate=rate, batch_size=512)
    assert result.rmse < 0.35 * result.pd_rmse and result.rmse < 0.1 * result.torque_rms
    fresh = recording(REAL, seed=2)
    predicted = predict(result.network, result.spec, fresh)
    error = predicted - fresh.torque[-len(predicted) :]
    assert np.sqrt((error**2).mean()) < 2.0 * result.rmse
    report = result.report()
    assert report["times_better_than_pd"] == pytest.approx(result.pd_rmse / result.rmse)
    assert result.spec.sample_interval == DT


def test_the_same_seed_fits_the_same_network():
    data, spec = [recording(REAL, steps=300)], NetworkSpec("mlp", [4], history=2)
    one, two, other = (fit(data, spec, epochs=2, seed=seed).network.state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["layers.0.weight"], other["layers.0.weight"])


def test_recordings_whose_clocks_differ_a_little_are_fitted_together():
    other = recording(REAL, steps=300, seed=1)
    other.dt = 1.01 * DT
    result = fit([recording(REAL, steps=300), other], NetworkSpec("mlp", [4], history=3), epochs=1)
    assert result.spec.sample_interval == DT and result.spec.spacing(DT) == 1


def test_recordings_that_do_not_do_are_refused():
    short, spec = recording(REAL, steps=20), NetworkSpec("mlp", [4], history=3)
    with pytest.raises(UserError, match="too short"):
        fit([short], spec)
    slow = recording(REAL, steps=300)
    slow.dt = 0.01
    with pytest.raises(UserError, match="one spacing to resample"):
        fit([slow, recording(REAL, steps=300)], spec)
    with pytest.raises(UserError, match="the fit has diverged"):
        fit([recording(REAL, steps=300)], spec, epochs=2, learning_rate=1e30)
    still = recording(REAL, steps=300)
    still.velocity[:] = 0.0
    with pytest.raises(UserError, match="no velocity other than zero"):
        fit([still], spec)
