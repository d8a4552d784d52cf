"""Advantages against sums worked out by hand, and against the definition by brute force."""

from __future__ import annotations

import pytest
import torch

from rsl_rl.algorithms.gae import compute_gae


def column(*values: float) -> torch.Tensor:
    """One environment, a value a step."""
    return torch.tensor(values).unsqueeze(1)


def test_hand_computed() -> None:
    # gamma = 0.9, lam = 0.5, gamma lam = 0.45; the episode ends with step 1; V after the last step is 4.
    #
    # delta2 = 3 + 0.9 * 4   - 2   = 4.6       A2 = 4.6
    # delta1 = 2             - 1   = 1         A1 = 1                    (done: nothing comes after)
    # delta0 = 1 + 0.9 * 1   - 0.5 = 1.4       A0 = 1.4 + 0.45 * 1 = 1.85
    # returns = A + V = 2.35, 2, 6.6
    advantages, returns = compute_gae(
        rewards=column(1, 2, 3),
        values=column(0.5, 1, 2),
        last_values=torch.tensor([4.0]),
        dones=column(0, 1, 0).bool(),
        time_outs=column(0, 0, 0).bool(),
        gamma=0.9,
        lam=0.5,
    )
    torch.testing.assert_close(advantages, column(1.85, 1.0, 4.6))
    torch.testing.assert_close(returns, column(2.35, 2.0, 6.6))


def test_time_out_adds_the_value_of_the_state_that_was_cut_off() -> None:
    # As above, but step 1 was a time-out: its reward becomes 2 + 0.9 * V1 = 2 + 0.9 * 1 = 2.9.
    # A1 = 2.9 - 1 = 1.9, A0 = 1.4 + 0.45 * 1.9 = 2.255; step 2 belongs to another episode and stays.
    advantages, returns = compute_gae(
        rewards=column(1, 2, 3),
        values=column(0.5, 1, 2),
        last_values=torch.tensor([4.0]),
        dones=column(0, 1, 0).bool(),
        time_outs=column(0, 1, 0).bool(),
        gamma=0.9,
        lam=0.5,
    )
    torch.testing.assert_close(advantages, column(2.255, 1.9, 4.6))
    torch.testing.assert_close(returns, column(2.755, 2.9, 6.6))


def test_end_with_the_last_step_ignores_the_last_value() -> None:
    advantages, _ = compute_gae(
        column(1.0), column(0.25), torch.tensor([1e6]), column(1).bool(), column(0).bool(), gamma=0.99, lam=0.95
    )
    torch.testing.assert_close(advantages, column(0.75))


@pytest.mark.parametrize("lam", [0.0, 0.7, 1.0])
def test_definition_as_a_sum(lam: float) -> None:
    # A[t] = sum over k of (gamma lam)^k delta[t + k], up to the end of the episode or of the rollout.
    steps, envs, gamma = 12, 5, 0.97
    rewards, values = torch.randn(steps, envs, dtype=torch.float64), torch.randn(steps + 1, envs, dtype=torch.float64)
    dones = torch.rand(steps, envs) < 0.2
    time_outs = dones & (torch.rand(steps, envs) < 0.5)
    advantages, returns = compute_gae(rewards, values[:-1], values[-1], dones, time_outs, gamma, lam)
    for env in range(envs):
        for start in range(steps):
            expected, weight = 0.0, 1.0
            for t in range(start, steps):
                after = 0.0 if dones[t, env] else values[t + 1, env]
                if time_outs[t, env]:
                    after = values[t, env]
                expected += weight * (rewards[t, env] + gamma * after - values[t, env])
                weight *= gamma * lam
                if dones[t, env]:
                    break
            assert advantages[start, env].item() == pytest.approx(float(expected), abs=1e-12)
    torch.testing.assert_close(returns, advantages + values[:-1])
