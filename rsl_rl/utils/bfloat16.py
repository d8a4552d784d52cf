"""Whether a CPU computes in bfloat16 by itself; one that does not is slower in it than in float32."""

from __future__ import annotations

import sys
from typing import Mapping, Tuple

_CPU_INFO = "/proc/cpuinfo"
# of x86 and of ARM, by the names of Linux and by those of torch
_UNITS = ("avx512_bf16", "amx_bf16", "bf16", "svebf16", "sve_bf16")


def bfloat16_units() -> Tuple[str, ...]:
    """Names of this CPU's units for bfloat16; empty where there are none, or none are known of."""
    try:
        with open(_CPU_INFO, encoding="utf-8") as file:
            lists = (line.split() for line in file if line.startswith(("flags", "Features")))
            flags: Mapping[str, bool] = dict.fromkeys(next(lists, []), True)
    except OSError:  # not Linux
        flags = _flags_by_torch()
    return tuple(name for name in _UNITS if flags.get(name))


def worth_it_on(device_type: str) -> bool:
    """Whether a kind of device, such as "cpu" or "cuda", computes faster in bfloat16; says so if it does not."""
    if device_type != "cpu" or bfloat16_units():
        return True
    print("warning: this CPU has no units for bfloat16; precision=bfloat16 computes in float32", file=sys.stderr)
    return False


def _flags_by_torch() -> Mapping[str, bool]:
    try:
        import torch

        return torch.cpu.get_capabilities()
    except (ImportError, AttributeError):  # older releases do not say
        return {}
