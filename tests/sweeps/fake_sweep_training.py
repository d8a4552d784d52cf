"""What a sweep sees of train.py, without physics and learning: parameters in, metrics.jsonl and an exit status out.

Settings of `train.fake` in the --cfg file: `x` is the parameter, `status` the exit status; 0 if absent. The metric
after iteration i is -(x - 0.3)^2 - 1 / i. A run whose folder holds metrics goes on with them. If a file `wait_<run>`
lies beside the folders of the runs, it waits for the file `go` there after its first iteration. SIGTERM stops it early,
with status 75.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

import yaml

ITERATIONS = 4


def main() -> int:
    flags = dict(argument[2:].split("=", 1) for argument in sys.argv[1:] if "=" in argument)
    with open(flags["cfg"], encoding="utf-8") as file:
        settings = yaml.safe_load(file)["train"]
    folder = flags["run_folder"]
    os.makedirs(folder, exist_ok=True)
    stopped, deadline = [], time.monotonic() + 600
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    with open(os.path.join(folder, "starts"), "a", encoding="utf-8") as file:
        file.write(f"{os.getpid()} {os.getppid()}\n")
    path = os.path.join(folder, "metrics.jsonl")
    with open(path, "a+", encoding="utf-8") as file:
        file.seek(0)
        done = len(file.readlines())
    gate = os.path.join(os.path.dirname(folder), f"wait_{int(folder[-4:])}")
    for iteration in range(done + 1, ITERATIONS + 1):
        while (
            iteration > 1
            and os.path.exists(gate)
            and not os.path.exists(os.path.join(os.path.dirname(folder), "go"))
            and not stopped
        ):
            assert time.monotonic() < deadline, "nobody said go"
            time.sleep(0.01)
        if stopped:
            return 75
        with open(path, "a", encoding="utf-8") as file:
            value = -((settings.get("fake.x", 0.0) - 0.3) ** 2) - 1.0 / iteration
            file.write(json.dumps({"iteration": iteration, "Train/mean reward": value}) + "\n")
    return settings.get("fake.status", 0)


if __name__ == "__main__":
    sys.exit(main())
