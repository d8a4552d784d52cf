"""Faster ways on CPUs to what torch computes, the same to within rounding; RSL_RL_KERNELS=0 turns them off."""

from __future__ import annotations

import os

import torch

enabled = os.environ.get("RSL_RL_KERNELS", "1") != "0"


def are_for(module: torch.nn.Module, x: torch.Tensor) -> bool:
    """Whether a module should read `x` by them.

    In evaluation mode layers stay what they are called, so that exported graphs are plain.
    """
    return enabled and module.training and x.device.type == "cpu"
