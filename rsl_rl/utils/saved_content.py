"""Whether the content of a checkpoint is what this run would have saved, asked before any of it is used."""

from __future__ import annotations

import math
from typing import Any, Collection, List, Mapping

import torch

from rsl_rl.utils.checkpoint import capture_rng, restore_rng
from rsl_rl.utils.errors import RslRlError


def entry(path: str, content: Any, name: str) -> Any:
    """Look up "a.b.c" in nested dicts.

    Raises:
        RslRlError: it is not there.
    """
    for key in name.split("."):
        if not isinstance(content, Mapping) or key not in content:
            raise RslRlError(f"checkpoint '{path}' does not fit: it lacks {name}")
        content = content[key]
    return content


def check_content(path: str, saved: Any, own: Any, name: str = "", may_lack: Collection[str] = ()) -> List[str]:
    """Refuse content unlike `own` in kind, shape or length, or with numbers that are not finite.

    Numbers may be infinite where some of `own` are. Entries that `own` does not have are passed over.

    Args:
        path: of the checkpoint, for the message.
        saved: from the checkpoint.
        own: what this run would save there. An empty list stands for numbers or tensors of any count.
        name: of the entry, "a.b.c".
        may_lack: names of entries, with all that is below them, that a checkpoint from before they existed lacks.

    Returns:
        The names that it lacks.

    Raises:
        RslRlError: naming the entry, and what it is on both sides.
    """
    if isinstance(own, Mapping) and isinstance(saved, Mapping):
        lacking: List[str] = []
        for key, value in own.items():
            inner = f"{name}.{key}" if name else str(key)
            if key in saved:
                lacking += check_content(path, saved[key], value, inner, may_lack)
            elif any(inner == late or inner.startswith(f"{late}.") for late in may_lack):
                lacking.append(inner)
            elif value is not None:
                entry(path, {}, inner)
        return lacking
    if isinstance(own, (list, tuple)) and isinstance(saved, (list, tuple)) and len(own) in (0, len(saved)):
        for index, item in enumerate(saved):
            kind = own[index] if own else item if isinstance(item, torch.Tensor) else 0.0
            check_content(path, item, kind, f"{name}.{index}", may_lack)
        return []
    if _kind(saved) != _kind(own):
        raise RslRlError(f"checkpoint '{path}' does not fit: its {name} is {_kind(saved)}, this run has {_kind(own)}")
    if is_finite(own):
        parent, _, key = name.rpartition(".")
        check_finite(path, parent, {key: saved})
    return []


def check_finite(path: str, name: str, values: Mapping[str, Any]) -> None:
    """Refuse values with numbers that are not finite.

    Raises:
        RslRlError: naming the first.
    """
    for key, value in values.items():
        if not is_finite(value):
            raise RslRlError(f"checkpoint '{path}' cannot be used: its {name}.{key} holds numbers that are not finite")


def check_optimizer(path: str, saved: Any, optimizer: torch.optim.Optimizer) -> None:
    """Refuse the state of another optimiser than Adam over the same parameters; before its first step it is empty.

    Raises:
        RslRlError: naming the entry.
    """
    name = "optimizer_state_dict"
    groups = [{"params": group["params"]} for group in optimizer.state_dict()["param_groups"]]
    check_content(path, saved, {"state": {}, "param_groups": groups}, name)
    if [list(group["params"]) for group in saved["param_groups"]] != [group["params"] for group in groups]:
        raise RslRlError(f"checkpoint '{path}' does not fit: its {name} is of other parameters")
    check_moments(path, saved["state"], optimizer, f"{name}.state")


def check_moments(path: str, saved: Any, optimizer: torch.optim.Optimizer, name: str) -> None:
    """Refuse moments, the state of Adam, that are of other parameters; of those without a gradient there are none.

    Raises:
        RslRlError: naming the entry, which is below `name`.
    """
    parameters = [parameter.detach() for group in optimizer.param_groups for parameter in group["params"]]
    moments = {i: {"step": torch.zeros(()), "exp_avg": p, "exp_avg_sq": p} for i, p in enumerate(parameters)}
    check_content(path, saved, {index: moments.get(index) for index in saved}, name)


def check_rng(path: str, saved: Any) -> None:
    """Refuse states of random generators that these do not take.

    Raises:
        RslRlError: they do not.
    """
    present = capture_rng()
    try:
        restore_rng(saved)
    except Exception as error:  # each of the generators has its own
        raise RslRlError(f"checkpoint '{path}' does not fit: its rng is no state of random generators") from error
    finally:
        restore_rng(present)


def is_finite(value: Any) -> bool:
    """Whether a number, or all numbers of a tensor, are neither NaN nor infinite; True for what is no number."""
    if isinstance(value, torch.Tensor):
        return not value.is_floating_point() or bool(torch.isfinite(value).all())
    return not isinstance(value, float) or math.isfinite(value)


def _kind(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"{str(value.dtype)[6:]} {list(value.shape)}"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "a number"
    return "None" if value is None else f"a {type(value).__name__}"
