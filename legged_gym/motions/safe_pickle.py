"""Pickles of others, read without running what they ask for: numpy arrays and plain containers alone."""

from __future__ import annotations

import io
import pickle
import zlib
from typing import Any, Callable, Dict, List, Tuple

import numpy as np

from legged_gym.errors import UserError

_Unpickler: Any = getattr(pickle, "_Unpickler")  # noqa: B009  in Python: that in C reads ahead, past joblib's arrays


class _JoblibArray:
    """Stands for joblib's NumpyArrayWrapper, behind which the file goes on with the bytes of the array."""

    def read(self, file: Any) -> np.ndarray:
        state = self.__dict__
        kind, shape = np.dtype(state["dtype"]), tuple(state["shape"])
        if kind.hasobject:
            raise UserError("an array of Python objects; only arrays of numbers are read")
        if state.get("numpy_array_alignment_bytes") is not None:
            file.read(file.read(1)[0])
        size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
        content = file.read(size)
        if len(content) < size:
            raise UserError("it ends within an array")
        order = "F" if state.get("order") == "F" else "C"
        array: np.ndarray = np.frombuffer(content, kind).reshape(shape, order=order)  # type: ignore[call-overload]
        return array


def _array(kind: Any, shape: Tuple[int, ...], code: bytes) -> np.ndarray:
    """What numpy's `_reconstruct` does of an array: an empty one, which its state fills."""
    return np.ndarray((0,), np.int8)


def _from_buffer(buffer: Any, kind: Any, shape: Any, order: str, *more: Any) -> np.ndarray:
    array: np.ndarray = np.frombuffer(buffer, kind).reshape(shape, order="F" if order == "F" else "C")
    return array


def _scalar(kind: np.dtype[Any], content: bytes) -> Any:
    return np.frombuffer(content, kind)[0]


def _latin(text: str, encoding: str) -> bytes:
    """How old protocols write bytes."""
    return text.encode("latin1")


_ADMITTED: Dict[Tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("collections", "OrderedDict"): dict,
    ("_codecs", "encode"): _latin,
    ("joblib.numpy_pickle", "NumpyArrayWrapper"): _JoblibArray,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _array for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _scalar for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _from_buffer for core in ("core", "_core")},
}


class _ArraysOnly(_Unpickler):  # type: ignore[misc]
    """Knows no class and no function but those above."""

    dispatch = dict(_Unpickler.dispatch)

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise UserError(f"asks for {module}.{name}; only arrays and plain containers are read: write it as .npz")
        return _ADMITTED[module, name]

    def load_build(self) -> None:
        stack: List[Any] = self.stack
        what = stack[-2]
        if isinstance(what, np.ndarray) and np.dtype(stack[-1][2]).hasobject:
            raise UserError("an array of Python objects; only arrays of numbers are read")
        _Unpickler.load_build(self)
        if isinstance(what, _JoblibArray):
            stack[-1] = what.read(self._file)

    dispatch[pickle.BUILD[0]] = load_build


def unpickle(content: bytes) -> Any:
    """The value of a pickle; arrays as joblib writes them uncompressed are read too.

    Raises:
        UserError: with the reason alone: it is damaged, or asks for anything but arrays and plain containers.
    """
    if content[:4] == b"PK\x03\x04":
        raise UserError("a file of torch.save and no plain pickle: write its arrays as .npz")
    if content[:1] == b"\x78":
        try:
            content = zlib.decompress(content)  # joblib.dump(..., compress=3)
        except zlib.error:
            raise UserError("this is no pickle") from None
    file = io.BytesIO(content)
    try:
        reader = _ArraysOnly(file)
        reader._file = file
        return reader.load()
    except UserError:
        raise
    except Exception as error:  # damage shows up as any of a dozen exception types
        raise UserError(f"damaged, or no pickle: {error or type(error).__name__}") from None
