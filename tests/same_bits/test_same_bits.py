"""Trainings give the weights that they gave when the files beside this test were written, bit for bit.

A refactoring must not change a run. The YAML files hold every setting, so a change of a recipe does not matter. What a
machine makes of a sum depends on its kind of CPU and on the versions of the libraries: where `roundings.py` says
something else than it did then, or another maker's CPU gives the same sums, there is nothing to compare with. To
compare two commits on any machine, run `python tests/same_bits/test_same_bits.py` in both: it writes the file anew for
this machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import Dict, Iterable

import pytest
import torch

from legged_gym.utils.reports import machine

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
EXPECTED = HERE / "weights.json"
# The plainest code that the libraries have, which most CPUs share.
PLAIN = {
    "OMP_NUM_THREADS": "1",
    "MKL_CBWR": "COMPATIBLE",
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "PYTHONPATH": str(ROOT),
}
ITERATIONS = {"a1_flat": 20, "a1_vision": 20, "a1_vision_student": 4}


def run(*arguments: str) -> str:
    """What a program of this checkout prints."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env={**os.environ, **PLAIN}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def kind_of_machine() -> str:
    """How this machine rounds, and who made its CPU: a training may differ where all sums of `roundings.py` agree."""
    digest = run(str(HERE / "roundings.py")).split()[-1]
    return f"{digest} {machine()['cpu'].split()[0]}"


def weights_of(task: str, folder: pathlib.Path, *flags: str) -> str:
    """Train, and return a digest of all weights; of their values alone, as names may change."""
    what = ["--headless", "--device=cpu", f"--task={task}", f"--cfg={HERE / task}.yaml"]
    run("legged_gym/scripts/train.py", *what, f"--run_folder={folder}", f"--max_iterations={ITERATIONS[task]}", *flags)
    state = torch.load(folder / f"model_{ITERATIONS[task]}.pt", weights_only=True)["model_state_dict"]
    return digest_of(hashlib.sha256(tensor.numpy().tobytes()).hexdigest() for tensor in state.values())


def digest_of(parts: Iterable[str]) -> str:
    """One digest of many, in any order."""
    return hashlib.sha256("".join(sorted(parts)).encode()).hexdigest()[:32]


def measure(folder: pathlib.Path) -> Dict[str, str]:
    """The weights of all runs, by task."""
    teacher = folder / "a1_vision"
    return {
        "a1_flat": weights_of("a1_flat", folder / "a1_flat"),
        "a1_vision": weights_of("a1_vision", teacher),
        "a1_vision_student": weights_of("a1_vision_student", folder / "student", f"--teacher={teacher}"),
    }


def test_trainings_give_the_weights_they_gave(tmp_path: pathlib.Path) -> None:
    expected = json.loads(EXPECTED.read_text())
    kind = kind_of_machine()
    if kind not in expected:
        pytest.skip("no weights are known of such a CPU with these versions of torch, numpy, MuJoCo and Warp")
    assert measure(tmp_path) == expected[kind]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        known = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}
        known[kind_of_machine()] = measure(pathlib.Path(scratch))
    EXPECTED.write_text(json.dumps(known, indent=2) + "\n")
    print(EXPECTED.read_text())
