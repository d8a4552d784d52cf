"""What the updates of all algorithms have in common."""

from __future__ import annotations

from typing import Dict, Iterable, List, Optional

import torch


def make_adamw(
    parameters: Iterable[torch.nn.Parameter], learning_rate: float, weight_decay: float, device: torch.device
) -> torch.optim.Optimizer:
    """AdamW, which without decay is Adam, over what is not frozen. Only matrices decay: no biases, no deviations."""
    learning = [parameter for parameter in parameters if parameter.requires_grad]
    groups = [
        {"params": [p for p in learning if p.dim() > 1], "weight_decay": weight_decay},
        {"params": [p for p in learning if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, fused=device.type in ("cpu", "cuda"))


def means_of(steps: List[Optional[Dict[str, float]]]) -> Dict[str, float]:
    """Means of what the batches gave; "skipped_updates" counts those that gave None, and were not learned from."""
    taken = [metrics for metrics in steps if metrics is not None]
    means = {name: sum(metrics[name] for metrics in taken) / len(taken) for name in (taken[0] if taken else ())}
    return {**means, "skipped_updates": float(len(steps) - len(taken))}
