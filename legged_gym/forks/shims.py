"""What numpy, torch and Python have taken away since forks were written, given back for one run.

Each shim adds what is missing and changes nothing that is there; on versions that still have a name it does nothing.
"""

from __future__ import annotations

import collections
import collections.abc
import contextlib
import importlib
import importlib.util
import inspect
import re
import sys
import warnings
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Tuple

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

_NUMPY = {
    "float": float, "int": int, "bool": bool, "object": object, "str": str, "complex": complex, "long": int,
    "float_": np.float64, "complex_": np.complex128, "string_": np.bytes_, "unicode_": np.str_, "bool8": np.bool_,
    "Inf": np.inf, "Infinity": np.inf, "infty": np.inf, "PINF": np.inf, "NINF": -np.inf, "NaN": np.nan, "NAN": np.nan,
    "product": np.prod, "cumproduct": np.cumprod, "alltrue": np.all, "sometrue": np.any, "round_": np.round,
    "in1d": lambda a, b, **more: np.isin(np.ravel(a), b, **more),
    "trapz": getattr(np, "trapezoid", None), "row_stack": np.vstack,
}  # fmt: skip
_ABSTRACT = ("Callable", "Iterable", "Iterator", "Mapping", "MutableMapping", "MutableSequence", "Sequence", "Set")


class _ArgSpec(NamedTuple):
    args: List[str]
    varargs: Any
    keywords: Any
    defaults: Any


def _getargspec(func: Callable[..., Any]) -> _ArgSpec:
    """Python 2's names for what `inspect.getfullargspec` tells."""
    return _ArgSpec(*inspect.getfullargspec(func)[:4])


# module -> names that it has lost
_LOST: Dict[Any, Dict[str, Any]] = {
    np: _NUMPY,
    inspect: {"getargspec": _getargspec},
    collections: {name: getattr(collections.abc, name) for name in _ABSTRACT},
}


def repair(sources: Iterable[str]) -> Dict[str, List[str]]:
    """Give names back; return which: module -> names. `sources`: folders of the fork."""
    given: Dict[str, List[str]] = {}
    for module, names in _LOST.items():
        lost = [name for name, value in names.items() if name not in vars(module) and value is not None]
        for name in lost:
            setattr(module, name, names[name])
        given[module.__name__] = lost
    given.update(distutils=_distutils(), torch=_devices(sources))
    _silence()
    return {module: names for module, names in given.items() if names}


def _distutils() -> List[str]:
    """Python 3.12 has it no more; setuptools keeps a copy."""
    if importlib.util.find_spec("distutils") or not importlib.util.find_spec("setuptools"):
        return []
    for name in ("", ".util", ".version", ".core"):
        sys.modules[f"distutils{name}"] = importlib.import_module(f"setuptools._distutils{name}")
    return ["all"]


def _silence() -> None:
    """Newer torch says of every TorchScript function, and of much else, that it is old."""
    for category in (DeprecationWarning, FutureWarning):
        warnings.filterwarnings("ignore", category=category)
    for function in ("meshgrid", "cross", "jit", "norm"):
        warnings.filterwarnings("ignore", message=f".*torch.{function}.*")


def _devices(sources: Iterable[str]) -> List[str]:
    """Where CUDA is absent, files are loaded to the CPU, and `cuda:0` means the CPU if the fork says it by itself."""
    if torch.cuda.is_available():
        return []
    for loader in (torch, torch.jit):
        loader.load = _loading_to_cpu(loader.load)  # type: ignore[attr-defined]
    for name in ("synchronize", "empty_cache", "set_device"):
        setattr(torch.cuda, name, lambda *args, **kwargs: None)
    if not any(_CUDA.search(text) for folder in sources for text in _texts(folder)):
        return ["load to the CPU"]
    # not for all: it costs each call of torch some microseconds
    _CudaIsCpu().__enter__()
    return ["load to the CPU", "cuda devices as the CPU"]


# a device that no command line gives
_CUDA = re.compile(r"""device\s*=\s*["']cuda|\.to\(["']cuda|\.cuda\(|torch\.device\(["']cuda""")


def _texts(folder: str) -> Iterator[str]:
    for path in Path(folder).rglob("*.py"):
        with contextlib.suppress(OSError):
            yield path.read_text(encoding="utf-8", errors="replace")


def _loading_to_cpu(load: Callable[..., Any]) -> Callable[..., Any]:
    def load_to_cpu(file: Any, map_location: Any = None, *args: Any, **kwargs: Any) -> Any:
        return load(file, torch.device("cpu"), *args, **kwargs)

    return load_to_cpu


class _CudaIsCpu(TorchFunctionMode):
    """Calls of torch with a CUDA device in their arguments get the CPU."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if "device" in kwargs:
            kwargs["device"] = _there(kwargs["device"])
        if func in _MOVING:
            if func is not torch.Tensor.to:
                return args[0]
            args = (args[0], *map(_there, args[1:]))
        return func(*args, **kwargs)


_MOVING = {torch.Tensor.to, torch.Tensor.cuda}


def _there(device: Any) -> Any:
    """The CPU for a CUDA device; anything else as it is."""
    kind = device.type if isinstance(device, torch.device) else device
    return torch.device("cpu") if isinstance(kind, str) and kind.startswith("cuda") else device
