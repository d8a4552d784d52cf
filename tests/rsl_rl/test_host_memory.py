"""Page faults are counted by the system, so this needs no clock."""

from __future__ import annotations

import sys

import pytest
import torch

from rsl_rl.utils.host_memory import keep_freed_memory

MEGABYTES = 64


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs glibc")
def test_memory_used_twice_is_not_cleared_twice() -> None:
    import resource

    def faults() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(5):
            torch.ones(MEGABYTES * 2**18)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    keep_freed_memory()
    torch.ones(MEGABYTES * 2**18)
    pages_once = MEGABYTES * 2**20 // 4096
    # Without it, each of the five rounds takes up to one fault for each page.
    assert faults() < pages_once // 10
