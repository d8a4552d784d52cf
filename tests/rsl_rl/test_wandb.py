"""Weights & Biases, the package itself, offline: what a run writes is read back from its file."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

PROGRAM = """
import io, sys
from rsl_rl.utils.console import Progress
from rsl_rl.utils.logger import Logger

settings = {"logger": "wandb", "log_interval": 1, "experiment_name": "exp", "wandb_project": None, "wandb_entity": None,
            "wandb_mode": None}
log = Logger(sys.argv[1], settings, {"seed": 7, "algorithm": {"gamma": 0.99}}, stream=io.StringIO())
log.start(0)
for iteration in (1, 2, 3):
    log.log({"Train/mean reward": 10.0 * iteration}, Progress(iteration, 3, 0, 0.0, None, 0.0, 0.0))
log.close()
"""


def records(path: Path) -> List[Any]:
    """The records of a run's file, which is LevelDB's log format behind 7 bytes of W&B.

    Blocks of 32 KiB hold pieces: checksum (4 bytes), length (2), kind (1: whole, 2: first, 3: middle, 4: last).
    """
    from wandb.proto import wandb_internal_pb2

    data = path.read_bytes()
    assert data[:4] == b":W&B"
    found, at, whole = [], 7, b""
    while at + 7 <= len(data):
        length, kind = struct.unpack_from("<HB", data, at + 4)
        if kind == 0 or 32768 - at % 32768 < 7:  # the rest of a block that is too short for another piece
            at += 32768 - at % 32768
            continue
        whole = (b"" if kind in (1, 2) else whole) + data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(whole)
            found.append(record)
    return found


def test_an_offline_run_holds_config_and_metrics_and_asks_nobody(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WANDB")}
    environment.update(PYTHONPATH=str(root), HOME=str(tmp_path), WANDB_SILENT="true", http_proxy="http://127.0.0.1:9",
                       https_proxy="http://127.0.0.1:9")  # fmt: skip
    folder = tmp_path / "20260131_120000_trial"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)], env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    (file,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    run, history, config = None, [], {}
    for record in records(file):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            run = record.run
            config.update({item.key: item.value_json for item in run.config.update})
        elif kind == "config":
            config.update({item.key: item.value_json for item in record.config.update})
        elif kind == "history":
            history.append(_values(record.history))
    assert run is not None and run.project == "exp" and run.display_name == "20260131_120000_trial"
    assert config["seed"] == "7" and config["algorithm"] == '{"gamma":0.99}'
    assert [row["_step"] for row in history] == ["1", "2", "3"]
    assert [float(row["Train/mean_reward"]) for row in history] == [10.0, 20.0, 30.0]


def _values(history: Any) -> Dict[str, str]:
    return {item.key or "/".join(item.nested_key): item.value_json for item in history.item}
