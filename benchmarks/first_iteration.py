"""From nothing to the first training iteration: a new environment, the installation, one iteration of `a1_flat`.

    python benchmarks/first_iteration.py --python=python3.12 --json=benchmarks/results/first_iteration_312.json
    python benchmarks/first_iteration.py --installer="uv pip install --python PYTHON" --torch=torch==2.13.0
    python benchmarks/first_iteration.py --torch="torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu"

Twice: from a clone of this repository, and from a wheel, the training in an empty folder. Wall clock and CPU time of
each step. A first run fills the installer's cache; the second is what is asked for. It needs no package.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PIP = "PYTHON -m pip install --quiet"
TRAIN = ("-m", "legged_gym", "train", "--task=a1_flat", "--headless", "--max_iterations=1")


class Clock:
    """Runs commands, and adds up what they take.

    Attributes:
        steps: title -> wall clock and CPU time of its commands and their children, s.
    """

    def __init__(self) -> None:
        self.steps: Dict[str, Tuple[float, float]] = {}

    def run(self, title: str, command: Sequence[str], folder: str, more: Optional[Mapping[str, str]] = None) -> str:
        """Return what a command prints; ends the program if it fails."""
        begin, used = time.monotonic(), _children()
        done = subprocess.run(command, cwd=folder, env={**os.environ, **(more or {})}, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{done.stdout}{done.stderr}\nerror: {title}: {shlex.join(command)} failed; see above")
        wall, cpu = self.steps.get(title, (0.0, 0.0))
        self.steps[title] = (wall + time.monotonic() - begin, cpu + _children() - used)
        return done.stdout

    def total(self) -> Tuple[float, float]:
        """Wall clock and CPU time of all steps, s."""
        walls, cpus = zip(*self.steps.values())
        return sum(walls), sum(cpus)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def installed(clock: Clock, python: str, folder: str, installer: str, wanted: Sequence[str]) -> str:
    """Make an environment in a folder and install packages into it, one command each; returns its Python."""
    bare = [] if "-m pip" in installer else ["--without-pip"]
    clock.run("environment", [python, "-m", "venv", *bare, os.path.join(folder, "env")], folder)
    own = os.path.join(folder, "env", "bin", "python")
    command = [own if word == "PYTHON" else word for word in shlex.split(installer)]
    for each in wanted:
        clock.run("install", [*command, *shlex.split(each)], folder)
    return own


def from_clone(python: str, folder: str, installer: str, torch: str) -> Clock:
    """`git clone`, `pip install .`, `legged-gym train`, in a folder of one's own."""
    clock, source = Clock(), os.path.join(folder, "source")
    clock.run("clone", ["git", "clone", "--quiet", REPOSITORY, source], folder)
    own = installed(clock, python, folder, installer, [torch, source])
    train(clock, own, folder)
    return clock


def from_wheel(python: str, folder: str, installer: str, torch: str, wheel: str) -> Clock:
    """The same with a wheel that is there."""
    clock = Clock()
    train(clock, installed(clock, python, folder, installer, [torch, wheel]), folder)
    return clock


def train(clock: Clock, own: str, folder: str) -> None:
    """One iteration, in an empty folder."""
    where = os.path.join(folder, "empty")
    os.mkdir(where)
    clock.run("train", [own, *TRAIN], where, {"PYTHONPATH": ""})


def build(python: str, folder: str) -> str:
    """Build a wheel of the repository as it is committed, which is not timed."""
    source = os.path.join(folder, "source")
    subprocess.run(["git", "clone", "--quiet", REPOSITORY, source], check=True)
    subprocess.run([python, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, source], check=True)
    (name,) = (each for each in os.listdir(folder) if each.endswith(".whl"))
    return os.path.join(folder, name)


def machine() -> Dict[str, object]:
    """What decides how fast this is, without any package."""
    cpu = platform.processor()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            cpu = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), cpu)
    return {"cpu": cpu, "cores": len(os.sched_getaffinity(0)), "load_average": os.getloadavg()[0]}


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Measure, and print or write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--python", default=sys.executable, help="interpreter that environments are made with (this one)")
    add("--installer", default=PIP, help=f"command that installs; PYTHON is the environment's ({PIP})")
    add("--torch", default="torch==2.13.0", help="what is installed first, with options of the installer")
    add("--wheel", help="a wheel that is there; else one is built")
    add("--folder", help="environments are made below it, and removed (the system's for temporary files)")
    add("--json", metavar="FILE", help="write what was measured")
    args = parser.parse_args(argv)
    here: List[str] = [args.python, "-c", "import platform; print(platform.python_version())"]
    result = {
        "kind": "first_iteration",
        "python": subprocess.run(here, check=True, capture_output=True, text=True).stdout.strip(),
        "installer": "pip" if args.installer == PIP else os.path.basename(shlex.split(args.installer)[0]),
        "torch": args.torch.split()[0],
        "command": shlex.join(["python", "benchmarks/first_iteration.py", *(sys.argv[1:] if argv is None else argv)]),
        "created": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "commit": _commit(),
        "machine": machine(),
    }
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        wheel = os.path.abspath(args.wheel) if args.wheel else build(sys.executable, folder)
        for title, measure in (("clone", from_clone), ("wheel", from_wheel)):
            own = tempfile.mkdtemp(dir=folder)
            more = (wheel,) if title == "wheel" else ()
            clock = measure(args.python, own, args.installer, args.torch, *more)
            result[title] = {step: [round(value, 1) for value in taken] for step, taken in clock.steps.items()}
            print(f"{title}: {clock.total()[0]:.0f} s, CPU {clock.total()[1]:.0f} s  {result[title]}", flush=True)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=2)
            file.write("\n")


def _commit() -> str:
    done = subprocess.run(["git", "-C", REPOSITORY, "rev-parse", "HEAD"], capture_output=True, text=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
