"""Scripts by the names that Isaac Lab's projects give them."""

from __future__ import annotations

import os
import runpy
import sys
from typing import Any, List

import pytest

from legged_gym import LEGGED_GYM_ROOT_DIR


def run(monkeypatch: Any, name: str, *argv: str) -> int:
    path = os.path.join(LEGGED_GYM_ROOT_DIR, "legged_gym", "scripts", f"{name}.py")
    monkeypatch.setattr(sys, "argv", [path, *argv])
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(path, run_name="__main__")
    return int(caught.value.code or 0)


def test_list_envs(monkeypatch, capsys):
    run(monkeypatch, "list_envs")
    head, first, *rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert head == ["number", "task", "entry", "point", "config", "class"] and first[0] == "1"
    found = {name: (module, cfg) for _, name, module, cfg in rows}
    module = "legged_gym.envs.parkour.tile_robot:ParkourTilesRobot"
    assert found["Isaac-Go2-Parkour-Student-Play-v0"] == (module, "Go2ParkourStudentCfg")


@pytest.mark.parametrize(("name", "argv"), [("evaluation", []), ("demo", ["--port=0"])])
def test_flags_are_those_of_the_other_name(name: str, argv: List[str], monkeypatch, capfd):
    """--port alone would be refused: demo.py shows a page by itself."""
    assert run(monkeypatch, name, "--task=a1_flot", *argv) == 2
    assert "unknown task 'a1_flot'; did you mean" in capfd.readouterr().err
