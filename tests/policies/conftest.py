"""A run of `a1_flat`, and its policy exported."""

from __future__ import annotations

import pytest

from legged_gym.policies import statistics
from tests.policies.tiny_run import export, make_run


@pytest.fixture(scope="session", autouse=True)
def few_statistics():
    """Policies that are exported walk for a moment alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statistics, "ROBOTS", 4)
        patch.setattr(statistics, "STEPS", 20)
        yield


@pytest.fixture(scope="module")
def flat_run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("flat"))


@pytest.fixture
def flat(flat_run, tmp_path):
    env, description = export(flat_run, tmp_path)
    yield env, description
    env.close()
