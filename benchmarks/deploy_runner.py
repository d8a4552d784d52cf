"""How long a control step takes in the C++ program for robots, examples/deploy/cpp, with shipped policies.

    python benchmarks/deploy_runner.py                       all shipped policies
    python benchmarks/deploy_runner.py a1_flat go2           some

A step is observations, put together from readings where the program knows all terms, and the network, on one thread.
"""

from __future__ import annotations

import argparse
import glob
import os
import shutil
import subprocess
import sys
import tempfile
from typing import Optional, Sequence

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import onnxruntime

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.utils.reports import machine
from legged_gym.utils.run_folder import POLICIES_DIR

SOURCES = os.path.join(LEGGED_GYM_ROOT_DIR, "examples", "deploy", "cpp")


def missing() -> Optional[str]:
    """What it takes to build the program and is not there."""
    for tool in ("cmake", "c++"):
        if shutil.which(tool) is None:
            return f"no {tool}"
    return None if library() else "no shared library in the onnxruntime package"


def library() -> str:
    """The shared library of the installed onnxruntime; empty if there is none."""
    folder = os.path.join(os.path.dirname(onnxruntime.__file__), "capi")
    return next(iter(sorted(glob.glob(os.path.join(folder, "libonnxruntime*.[sd]*[0-9by]")))), "")


def build(folder: str) -> str:
    """Build the program in an empty folder; returns its path."""
    steps = (
        ["cmake", "-S", SOURCES, "-B", folder, f"-DONNXRUNTIME_LIBRARY={library()}"],
        ["cmake", "--build", folder],
    )
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(step)}:\n{done.stdout}{done.stderr}")
    return os.path.join(folder, "runner")


def main(argv: Sequence[str]) -> None:
    """Build and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="shipped policies; by default all")
    names = parser.parse_args(argv).names or sorted(os.listdir(POLICIES_DIR))
    if missing():
        sys.exit(f"error: {missing()}")
    with tempfile.TemporaryDirectory() as folder:
        runner = build(folder)
        print(machine()["cpu"])
        for name in names:
            policy = os.path.join(POLICIES_DIR, name, "policy.onnx")
            done = subprocess.run([runner, policy, "--benchmark"], capture_output=True, text=True, check=True)
            print(f"{name:<24} {done.stdout.strip()}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
