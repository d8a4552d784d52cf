"""Pickles are read without running what they ask for."""

from __future__ import annotations

import collections
import os
import pickle
import struct

import numpy as np
import pytest

from legged_gym.errors import UserError
from legged_gym.motions.safe_pickle import unpickle


class Evil:
    def __reduce__(self) -> tuple:
        return os.getcwd, ()


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_and_plain_containers_come_back(protocol: int) -> None:
    content = {
        "a": np.arange(6.0).reshape(2, 3), "f": np.asfortranarray(np.arange(6).reshape(2, 3)), "b": np.array([True]),
        "names": ["x", ("y", b"z")], "scalar": np.float32(2.5), "ordered": collections.OrderedDict(k=1), "none": None,
        "text": np.array(["left", "right"]),
    }  # fmt: skip
    found = unpickle(pickle.dumps(content, protocol))
    assert list(found) == list(content)
    for name, value in content.items():
        if isinstance(value, np.ndarray):
            assert found[name].dtype == value.dtype
            np.testing.assert_array_equal(found[name], value)
        else:
            assert found[name] == value


@pytest.mark.parametrize("content", [Evil(), np.array([Evil()], dtype=object), [print], {"x": os.path.join}])
def test_anything_else_is_refused_before_it_runs(content: object) -> None:
    with pytest.raises(UserError, match="only arrays"):
        unpickle(pickle.dumps(content))


@pytest.mark.parametrize("content", [b"", b"nonsense", pickle.dumps([1, 2, 3])[:-3], b"\x80\x04\x95"])
def test_damage_is_said(content: bytes) -> None:
    with pytest.raises(UserError, match="pickle"):
        unpickle(content)


def joblib_dump(array: np.ndarray, padded: bool) -> bytes:
    """A dict with one array as joblib writes it: the wrapper's state, then the raw bytes."""

    class NumpyArrayWrapper:
        pass

    NumpyArrayWrapper.__module__, NumpyArrayWrapper.__qualname__ = "joblib.numpy_pickle", "NumpyArrayWrapper"

    def name(module: str, attribute: str) -> bytes:
        return f"c{module}\n{attribute}\n".encode()

    def text(value: str) -> bytes:
        return b"X" + struct.pack("<I", len(value)) + value.encode()

    state = b"(" + text("subclass") + name("numpy", "ndarray")
    state += text("shape") + b"(" + b"".join(b"K" + bytes([n]) for n in array.shape) + b"t"
    state += text("order") + text("F" if array.flags.f_contiguous and array.ndim > 1 else "C")
    state += text("dtype") + pickle.dumps(array.dtype, 2)[2:-1]
    state += text("numpy_array_alignment_bytes") + (b"K\x10" if padded else b"N")
    wrapper = name("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81}" + state + b"ub"
    raw = (b"\x03???" if padded else b"") + array.tobytes(order="A")
    return b"\x80\x02}(" + text("a") + wrapper + raw + text("fps") + b"K\x1eu."


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_joblib_lie_between_the_pickle(padded: bool, order: str) -> None:
    array = np.array(np.arange(12.0).reshape(3, 4), order=order)
    found = unpickle(joblib_dump(array, padded))
    np.testing.assert_array_equal(found["a"], array)
    assert found["fps"] == 30
    with pytest.raises(UserError):
        unpickle(joblib_dump(array, padded)[:-40])
