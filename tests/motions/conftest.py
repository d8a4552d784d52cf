"""One robot for all tests of motions."""

from __future__ import annotations

import pytest

from legged_gym.sim.robot.skeleton import Skeleton, read_skeleton
from tests.motions.biped import write_robot


@pytest.fixture(scope="session")
def robot_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_robot(tmp_path_factory.mktemp("robot"))


@pytest.fixture(scope="session")
def skeleton(robot_file: str) -> Skeleton:
    return read_skeleton(robot_file)
