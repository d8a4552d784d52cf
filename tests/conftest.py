"""What all tests share: a fixed seed, and one torch thread, as the tensors here are too small to be split.

Programs that tests start have one thread too: sums depend on their number, and tests run side by side.
"""

from __future__ import annotations

import os
import random

import numpy as np
import pytest
import torch

torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["WANDB_MODE"] = "disabled"  # whatever names the developer's own wandb_config.json has


def seed() -> None:
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)


@pytest.fixture(scope="module", autouse=True)
def fixed_seed_of_module() -> None:
    """Starts what the tests of a file share from the same random state."""
    seed()


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    """Starts every test from the same random state, whichever tests ran before it."""
    seed()
