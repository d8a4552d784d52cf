"""Checkpoints: files that are either whole or not there, and hold nothing but plain data.

A checkpoint is a nested dict of plain containers, numbers, strings and tensors, so `torch.load(weights_only=True)`
reads it and opening a stranger's file runs none of its code. A process killed at any moment leaves the last whole
checkpoint untouched (`replacing`).
"""

from __future__ import annotations

import os
import random
from typing import Any, Dict, Mapping, Tuple, Type

import numpy as np
import torch

from rsl_rl.utils.archive import CHECKPOINT_NAME, first_line, load_plain
from rsl_rl.utils.errors import RslRlError
from rsl_rl.utils.files import replacing

SCHEMA_VERSION = 1


def checkpoint_name(iteration: int) -> str:
    """File name of the checkpoint after `iteration` iterations."""
    return f"model_{iteration}.pt"


def rank_path(path: str, rank: int) -> str:
    """Where rank `rank` keeps its share of the checkpoint at `path`: "model_5.pt" -> "model_5.rank1.pt"."""
    root, extension = os.path.splitext(path)
    return path if rank == 0 else f"{root}.rank{rank}{extension}"


def latest_checkpoint(folder: str) -> str:
    """Path of the `model_<it>.pt` with the largest number in `folder`; all other names are passed over.

    Raises:
        RslRlError: no such folder, or no checkpoint in it.
    """
    if not os.path.isdir(folder):
        raise RslRlError(f"there is no folder '{folder}' to load a checkpoint from")
    matches = (CHECKPOINT_NAME.fullmatch(name) for name in os.listdir(folder))
    found = [(int(match.group(1)), match.group(0)) for match in matches if match]
    if not found:
        raise RslRlError(f"there is no checkpoint model_<iteration>.pt in '{folder}'")
    return os.path.join(folder, max(found)[1])


def save_checkpoint(path: str, state: Mapping[str, Any]) -> None:
    """Write `state` and the schema version to `path`, whole or not at all.

    Raises:
        RslRlError: an entry is not plain data, or the disk refuses (full, read-only ...).
    """
    content = {"schema_version": SCHEMA_VERSION, **to_plain(state)}
    try:
        with replacing(path) as file:
            torch.save(content, file)
    except (OSError, RuntimeError) as error:  # torch reports a failed write of its archive as RuntimeError
        raise RslRlError(f"cannot write checkpoint '{path}': {first_line(error)}") from error


def load_checkpoint(path: str) -> Dict[str, Any]:
    """Read a checkpoint; all tensors are on the CPU.

    Raises:
        RslRlError: the file is missing, damaged, cut short, of another program or of another schema version.
    """
    if not os.path.isfile(path):
        raise RslRlError(f"there is no checkpoint '{path}'")
    content = load_plain(path, "checkpoint")
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version is None:
        raise RslRlError(f"checkpoint '{path}' has no schema version: another program wrote it")
    if version != SCHEMA_VERSION:
        raise RslRlError(f"checkpoint '{path}' has schema version {version}, this program reads {SCHEMA_VERSION}")
    return content


def check_same(path: str, what: str, saved: Any, current: Any) -> None:
    """Refuse a checkpoint made under other conditions, naming both sides.

    Dicts are compared entry by entry, so that the message tells the one entry that differs. Tuples equal lists.

    Raises:
        RslRlError: `saved` and `current` differ.
    """
    if isinstance(saved, dict) and isinstance(current, dict):
        for key in sorted(set(saved) | set(current), key=str):
            check_same(path, f"{what}.{key}", saved.get(key, "absent"), current.get(key, "absent"))
        return
    if isinstance(saved, (list, tuple)) and isinstance(current, (list, tuple)):
        saved, current = list(saved), list(current)
    if saved != current:
        raise RslRlError(f"checkpoint '{path}' does not fit: its {what} is {saved!r}, this run has {current!r}")


def check_shapes(path: str, what: str, saved: Mapping[str, Any], current: Mapping[str, Any]) -> None:
    """Refuse tensors that do not fit, before any is copied.

    Raises:
        RslRlError: a tensor is absent on one side, or its shape differs.
    """
    check_same(path, what, shapes_of(saved), shapes_of(current))


def capture_rng() -> Dict[str, Any]:
    """State of every global random generator: python, numpy, torch, and each CUDA device in use."""
    name, keys, position, has_gauss, cached = np.random.get_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    return {
        "python": random.getstate(),
        "numpy": (name, np.asarray(keys).tolist(), int(position), int(has_gauss), float(cached)),
        "torch": torch.get_rng_state(),
        "cuda": cuda,
    }


def restore_rng(state: Mapping[str, Any]) -> None:
    """Put every global random generator back to what `capture_rng` saw (CUDA devices that are not here are left)."""
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), position, has_gauss, cached))
    torch.set_rng_state(state["torch"])
    if torch.cuda.is_available():
        for index, device_state in enumerate(state["cuda"][: torch.cuda.device_count()]):
            torch.cuda.set_rng_state(device_state, index)


def seed_everything(seed: int) -> None:
    """Seed every global random generator: python, numpy, torch and all CUDA devices."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def to_plain(value: Any, where: str = "checkpoint") -> Any:
    """Copy `value` into dicts, lists, tuples, numbers, strings and tensors of their own memory.

    Tensors are copied to the CPU: a view would otherwise drag its whole storage into the file.

    Raises:
        RslRlError: something else is inside; the message tells where.
    """
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return _builtin_scalar(value)
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, np.generic):
        return to_plain(value.item(), where)
    if isinstance(value, np.ndarray):
        try:
            return torch.from_numpy(np.array(value, order="C"))
        except TypeError as error:
            raise RslRlError(f"{where} is an array of {value.dtype}, which a checkpoint cannot hold") from error
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, (str, int)):
                raise RslRlError(f"{where} has the key {key!r}; keys of a checkpoint are strings or integers")
        return {_builtin_scalar(key): to_plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [to_plain(item, f"{where}.{index}") for index, item in enumerate(value)]
        return tuple(items) if isinstance(value, tuple) else items
    raise RslRlError(f"{where} is a {type(value).__name__}; a checkpoint holds containers, numbers, text and tensors")


def _builtin_scalar(value: Any) -> Any:
    """Turn a subclass (numpy.float64 is a float, an IntEnum is an int ...) into the plain type it extends."""
    kinds: Tuple[Type[Any], ...] = (bool, int, float, str, bytes)
    for kind in kinds:
        if isinstance(value, kind):
            return value if type(value) is kind else kind(value)
    return value


def shapes_of(state: Mapping[str, Any]) -> Dict[str, Tuple[int, ...]]:
    """Name -> shape, of the tensors."""
    return {name: tuple(item.shape) for name, item in state.items() if isinstance(item, torch.Tensor)}
