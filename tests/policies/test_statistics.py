"""Statistics of what a policy sees: moments of hand-made recordings, and the files of shipped policies."""

from __future__ import annotations

import os

import numpy as np
import pytest

from legged_gym.errors import UserError
from legged_gym.logcheck.layout import Layout
from legged_gym.logcheck.statistics import Statistics
from legged_gym.policies.statistics import STATISTICS_FILE, described_columns, summary
from legged_gym.sim2sim.network import open_policy
from legged_gym.utils.run_folder import POLICIES_DIR


def test_moments_of_neighbours_leave_out_what_an_episode_ends_between():
    generator = np.random.default_rng(0)
    seen = np.zeros((4000, 2, 2))
    for step in range(1, len(seen)):  # the second column is the first of a step ago
        seen[step, :, 0], seen[step, :, 1] = generator.normal(size=2), seen[step - 1, :, 0]
    running = np.ones((4000, 2), bool)
    seen[1000:, 0, :] += 50.0  # a new episode, somewhere else
    running[999, 0] = False
    moments = summary(seen, running)
    whole = np.zeros((4, 4))
    whole[np.triu_indices(4)] = moments["correlation"]
    width = np.tile(moments["std"].astype(float), 2)
    covariance = whole * np.outer(width, width)
    apart = covariance[0, 0] + covariance[3, 3] - 2.0 * covariance[0, 3]  # of column 0 and, a step later, column 1
    assert abs(apart) < 1e-2


def test_terms_of_many_numbers_or_of_the_past_are_not_described():
    term = {"name": "dof_pos", "start": 0, "size": 2}
    terms = [
        term,
        {**term, "name": "scan", "start": 2, "size": 187},
        {**term, "name": "old", "start": 189, "history": 3},
    ]
    description = {"observations": {"policy": {"shape": [191], "terms": terms}, "depth": {"shape": [1, 8, 8]}}}
    assert described_columns(description) == [("policy", 0, "policy.dof_pos[0]"), ("policy", 1, "policy.dof_pos[1]")]


@pytest.mark.parametrize("name", sorted(os.listdir(POLICIES_DIR)))
def test_statistics_of_a_shipped_policy_are_its_own(name):
    policy = open_policy(os.path.join(POLICIES_DIR, name, "policy.onnx"))
    path = os.path.join(POLICIES_DIR, name, STATISTICS_FILE)
    found = Statistics(path, policy.description, Layout(policy.description))
    all_of_the_past = {"proprioception", "history_torso_real"} & set(policy.description["observations"])
    assert {"dof_pos", "dof_vel"} <= set(found.terms) or all_of_the_past
    assert os.path.getsize(path) < 64_000


def test_statistics_that_are_missing_damaged_or_of_another_policy_are_refused(tmp_path):
    policy = open_policy(os.path.join(POLICIES_DIR, "a1_flat", "policy.onnx"))
    layout, path = Layout(policy.description), tmp_path / "statistics.npz"
    with pytest.raises(UserError, match="there are no statistics"):
        Statistics(str(path), policy.description, layout)
    with np.load(os.path.join(POLICIES_DIR, "a1_flat", STATISTICS_FILE)) as file:
        content = dict(file)
    np.savez(path, **{**content, "policy": "0" * 64})
    with pytest.raises(UserError, match="is of another policy"):
        Statistics(str(path), policy.description, layout)
    np.savez(path, **{**content, "mean": content["mean"][:3]})
    with pytest.raises(UserError, match="is damaged"):
        Statistics(str(path), policy.description, layout)
