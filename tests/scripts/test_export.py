"""export.py as a user runs it."""

from __future__ import annotations

import json
import os

import pytest

from legged_gym.policies import latency as policy_latency
from legged_gym.policies import statistics
from legged_gym.policies.latency import Latency
from legged_gym.programs import run_script
from legged_gym.scripts import export
from legged_gym.utils import run_folder
from tests.policies.tiny_run import ITERATION, make_run

FILES = ["golden.npz", "policy.json", "policy.onnx", "policy.pt", "statistics.npz"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:  # a short walk
        patch.setattr(statistics, "ROBOTS", 4)
        patch.setattr(statistics, "STEPS", 20)
        yield make_run(tmp_path_factory.mktemp("run"))


def status_of(*argv):
    with pytest.raises(SystemExit) as caught:
        run_script(export.main, list(argv))
    return caught.value.code


def test_a_run_is_exported_into_its_folder(run, capfd):
    assert status_of("--task=a1_flat", f"--load_run={run}") == 0
    assert sorted(os.listdir(os.path.join(run, "exported"))) == FILES
    out, err = capfd.readouterr()
    assert err == ""
    assert [line.split()[0] for line in out.splitlines()] == [
        os.path.join(run, "exported", name)
        for name in ("policy.onnx", "policy.pt", "policy.json", "golden.npz", "statistics.npz")
    ]


def test_a_checkpoint_is_exported_anywhere(run, tmp_path):
    path = os.path.join(run, f"model_{ITERATION}.pt")
    assert status_of(f"--policy={path}", f"--output={tmp_path}/here") == 0
    assert sorted(os.listdir(tmp_path / "here")) == FILES
    description = json.loads((tmp_path / "here" / "policy.json").read_text())
    assert description["origin"]["run"] == os.path.basename(run)


def test_the_latency_of_what_was_exported_is_told(run, tmp_path, capfd, monkeypatch):
    measured = []

    def measure_latency(path):
        measured.append(path)
        return Latency(0.12345, 0.23456, 1000)

    monkeypatch.setattr(policy_latency, "measure_latency", measure_latency)
    assert status_of(f"--policy={run}", f"--output={tmp_path}/here", "--latency") == 0
    assert measured == [str(tmp_path / "here" / "policy.onnx")]
    last = capfd.readouterr().out.splitlines()[-1]
    assert last.startswith("one step  0.123 ms median, 0.235 ms 95th percentile of 1000 steps (onnxruntime, 1 thread, ")


def test_a_policy_is_shipped_with_its_evaluation(run, tmp_path, monkeypatch):
    result = {
        "kind": "evaluation",
        "task": "a1_flat",
        "num_episodes": 10,
        "metrics": {"fall_rate": {"mean": 0.125, "ci95": [0.1, 0.15]}},
    }
    (tmp_path / "result.json").write_text(json.dumps(result))
    monkeypatch.setattr(run_folder, "POLICIES_DIR", str(tmp_path))
    assert status_of(f"--policy={run}", "--ship", f"--evaluation={tmp_path}/result.json") == 0
    card = (tmp_path / "a1_flat" / "card.md").read_text()
    assert "fall_rate" in card and "0.1250" in card
    # and from there it is exported like any other checkpoint
    assert status_of("--policy=a1_flat", f"--output={tmp_path}/again") == 0
    assert sorted(os.listdir(tmp_path / "again")) == FILES


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--task=a1_flatt"], "unknown task 'a1_flatt'; did you mean a1_flat"),
        (["--task=a1_flat", "--load_run=nothing"], "no run 'nothing' in"),
        (["--policy={run}/exported/policy.onnx"], "is exported already; give a checkpoint"),
        (["--policy={run}", "--evaluation=x.json"], "--evaluation goes with --ship"),
        (["--policy={run}", "--ship", "--evaluation=/no/such.json"], "cannot read /no/such.json"),
        (["--policy={run}", "--ship", "--evaluation={tmp}/none.json"], "none.json lacks 'metrics'; write it anew"),
        (["--policy={run}", "--output=/dev/null/x"], "--output=/dev/null/x/policy.onnx: cannot write to the"),
        (["--policy={run}", "--outptu=x"], "unknown flag --outptu; did you mean --output?"),
    ],
)
def test_mistakes_are_one_line_and_status_2(run, tmp_path, capsys, argv, message):
    assert status_of(f"--policy={run}") == 0
    (tmp_path / "none.json").write_text('{"kind": "evaluation", "task": "a1_flat"}')
    capsys.readouterr()
    assert status_of(*(word.format(run=run, tmp=tmp_path) for word in argv)) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ") and message in err
    assert err.count("\n") == 1


def test_a_difference_is_status_2_and_writes_nothing(run, tmp_path, monkeypatch, capsys):
    from legged_gym.policies import export as policy_export

    monkeypatch.setattr(policy_export, "_TOLERANCE", -1.0)
    assert status_of(f"--policy={run}", f"--output={tmp_path}/here") == 2
    assert "is not what the network computes" in capsys.readouterr().err
    assert not (tmp_path / "here").exists()
