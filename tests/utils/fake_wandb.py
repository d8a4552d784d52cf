"""The part of the package `wandb` that sweeps use, with a server that is a folder: $FAKE_WANDB.

`parameters.json` there is the list of runs that it hands out; every call is a line of `calls.jsonl`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

run = None


def _note(call, **what):
    with open(Path(os.environ["FAKE_WANDB"], "calls.jsonl"), "a", encoding="utf-8") as file:
        file.write(json.dumps({"call": call, "pid": os.getpid(), "run": os.environ.get("WANDB_RUN_ID"), **what}) + "\n")


def _handed_out():
    return json.loads(Path(os.environ["FAKE_WANDB"], "parameters.json").read_text())


def login(prompt):
    return not prompt


def sweep(config, entity, project):
    _note("sweep", config=config, entity=entity, project=project)
    return "abcd1234"


def agent(sweep_id, function, entity, project, count):
    _note("agent", id=sweep_id, entity=entity, project=project, count=count)
    for number, _ in enumerate(_handed_out()[:count]):
        os.environ.update(WANDB_SWEEP_ID=sweep_id, WANDB_RUN_ID=str(number))
        try:
            function()
        finally:
            del os.environ["WANDB_SWEEP_ID"], os.environ["WANDB_RUN_ID"]


class _Config(dict):
    def update(self, values, allow_val_change=False):
        assert allow_val_change
        _note("update", values=values)
        super().update(values)


class _Run:
    def __init__(self):
        self.config = _Config(_handed_out()[int(os.environ["WANDB_RUN_ID"])])

    def finish(self, exit_code=0):
        _note("finish", exit_code=exit_code)


def init():
    global run
    _note("init")
    run = _Run()
    return run


def log(metrics, step):
    _note("log", step=step, tags=sorted(metrics))


def finish():
    run.finish()
