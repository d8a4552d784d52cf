"""Benchmarks find what they import: nobody runs them all after a change."""

from __future__ import annotations

import importlib
import pathlib

import pytest

import benchmarks

FOLDER = pathlib.Path(benchmarks.__path__[0])


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__"))
def test_a_benchmark_can_be_imported(name):
    module = importlib.import_module(f"benchmarks.{name}")
    assert module.__doc__
