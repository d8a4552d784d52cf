"""Page faults are counted by the system, so this needs no clock."""

from __future__ import annotations

import sys

import pytest
import torch

from rsl_rl.kernels.host_memory import keep_freed_memory

MEGABYTES = 40  # more than glibc ever keeps by default


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs glibc")
def test_memory_used_again_is_not_cleared_again() -> None:
    import resource

    def faults(rounds: int) -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(rounds):
            torch.ones(MEGABYTES * 2**18)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    keep_freed_memory()
    # Small objects may settle in a piece just freed, so it takes some rounds until one is found that stays whole.
    faults(20)
    pages = MEGABYTES * 2**20 // 4096
    assert faults(10) < 3 * pages  # else: one fault for each page in each of the ten rounds
