"""collect.py from the outside: the files, going on after an interruption, failures, and the check."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.demonstrations import writer as demonstrations_writer
from legged_gym.demonstrations.dataset import Demonstrations, relative_to_start
from legged_gym.demonstrations.episodes import Collector, Episodes
from legged_gym.demonstrations.writer import DemonstrationWriter
from legged_gym.envs.a1.a1_config import A1FlatCfg
from legged_gym.envs.base.base_config import Obstacle
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.errors import UserError
from legged_gym.scripts import collect
from tests.demonstrations.demonstration_runs import A1, data_set, files

SMALL = ("--max-steps=6", "--num-episodes=150", "--shard-episodes=64")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """150 episodes in three shards, collected without interruption."""
    folder = tmp_path_factory.mktemp("whole")
    assert collect.main([*A1, *SMALL, "--num-envs=64", f"--output={folder}"]) == 0
    return folder


def test_the_data_set_is_complete(whole):
    data = Demonstrations(str(whole))
    ids = np.concatenate([shard["episode_ids"] for shard in data.load("episode_ids")])
    assert ids.tolist() == list(range(150))
    assert sorted(os.listdir(whole)) == [
        "demonstrations_00000.npz", "demonstrations_00001.npz", "demonstrations_00002.npz",
        "metadata.json", "model.mjb",
    ]  # fmt: skip
    told = json.loads((whole / "metadata.json").read_text())
    assert told["result"]["episodes"] == told["result"]["attempts"] == 150
    assert (told["result"]["steps"], told["result"]["success_rate"]) == (900, 1.0)
    assert told["collection"]["seed"] == 42
    assert told["origin"]["command"].startswith("python legged_gym/scripts/collect.py --policy=a1_flat")
    assert told["settings"]["noise"]["add_noise"] is False


def test_the_number_of_robots_does_not_matter(whole, tmp_path):
    collect.main([*A1, *SMALL, "--num_envs=128", f"--output={tmp_path}"])
    assert files(tmp_path) == files(whole)


def test_shards_hold_the_same_episodes_whatever_their_size(whole, tmp_path):
    collect.main([*A1, *SMALL[:2], "--shard-episodes=128", f"--output={tmp_path}"])
    states = [np.concatenate([s["states"] for s in Demonstrations(str(f)).load("states")]) for f in (whole, tmp_path)]
    assert np.array_equal(*states)


def test_a_missing_shard_is_made_again(whole, tmp_path):
    collect.main([*A1, *SMALL, f"--output={tmp_path}"])
    (tmp_path / "demonstrations_00001.npz").unlink()
    collect.main([*A1, *SMALL, f"--output={tmp_path}"])
    assert files(tmp_path) == files(whole)


def test_going_on_after_a_kill(whole, tmp_path):
    """A process that is killed while it writes: what it leaves behind is whole or does not count."""
    script = os.path.join(LEGGED_GYM_ROOT_DIR, "legged_gym", "scripts", "collect.py")
    command = [sys.executable, script, *A1, *SMALL, f"--output={tmp_path}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while "128 of 150" not in process.stdout.readline():
            assert process.poll() is None
        process.kill()
    expected = files(whole)
    left = files(tmp_path)
    assert left == {name: expected[name] for name in left}
    (tmp_path / "demonstrations_00002.npz").unlink(missing_ok=True)
    (tmp_path / "demonstrations_00002.npz.tmp").write_bytes(b"half a shard")
    collect.main([*A1, *SMALL, f"--output={tmp_path}"])
    assert files(tmp_path) == expected
    assert not list(tmp_path.glob("*.tmp"))


def test_ctrl_c_keeps_whole_shards(whole, tmp_path, monkeypatch):
    original, calls = Collector.run, []

    def run(self, first):
        calls.append(first)
        if first == 64:
            raise KeyboardInterrupt
        return original(self, first)

    monkeypatch.setattr(Collector, "run", run)
    with pytest.raises(KeyboardInterrupt):
        collect.main([*A1, *SMALL, f"--output={tmp_path}"])
    assert files(tmp_path) == {"demonstrations_00000.npz": files(whole)["demonstrations_00000.npz"]}
    monkeypatch.undo()
    collect.main([*A1, *SMALL, f"--output={tmp_path}"])
    assert files(tmp_path) == files(whole)


def go_on(folder, whole):
    """Go on with a collection as collect.py does, without environments."""
    metadata = json.loads((whole / "metadata.json").read_text())
    with DemonstrationWriter(str(folder), metadata, (whole / "model.mjb").read_bytes()) as writer:
        return writer.kept


def test_going_on_with_a_damaged_shard_names_it(whole, tmp_path):
    """From the numbers of its episodes alone the shard would count as done."""
    shutil.copytree(whole, tmp_path / "data")
    assert go_on(tmp_path / "data", whole) == 150
    shard = tmp_path / "data" / "demonstrations_00001.npz"
    content = bytearray(shard.read_bytes())
    content[len(content) // 3] ^= 1
    for damage in (bytes(content), b"", (whole / "demonstrations_00000.npz").read_bytes()):
        shard.write_bytes(damage)
        with pytest.raises(UserError, match=r"demonstrations_00001\.npz is damaged .*; remove it, and") as error:
            go_on(tmp_path / "data", whole)
        assert "\n" not in str(error.value)


def test_going_on_mends_the_model(whole, tmp_path, capsys):
    shutil.copytree(whole, tmp_path / "data")
    model = tmp_path / "data" / "model.mjb"
    model.write_bytes(model.read_bytes()[:-1] + b"x")
    go_on(tmp_path / "data", whole)
    assert model.read_bytes() == (whole / "model.mjb").read_bytes()
    assert f"note: {model} was damaged or missing; it is written again" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["[]", "{", '{"format_version": 1}', '{"format_version": 1, "collection": 3}', ""])
def test_metadata_that_are_none_are_named(whole, tmp_path, content):
    shutil.copytree(whole, tmp_path / "data")
    metadata = tmp_path / "data" / "metadata.json"
    metadata.write_text(content) if content else metadata.unlink()
    for use in (lambda: go_on(tmp_path / "data", whole), lambda: collect.validate(str(tmp_path / "data"))):
        with pytest.raises(UserError, match=r"metadata\.json") as error:
            use()
        assert "\n" not in str(error.value)


def test_another_collection_in_the_folder_is_refused(whole):
    with pytest.raises(UserError, match="of another collection, they differ in seed: give another --output"):
        collect.main([*A1, *SMALL, "--seed=7", f"--output={whole}"])
    with pytest.raises(UserError, match="they differ in settings_sha256"):
        collect.main([*A1, *SMALL, "--env.commands.min_norm=0.3", f"--output={whole}"])


@pytest.fixture
def clumsy(monkeypatch):
    """Every third attempt falls after two steps."""
    original = Collector.run

    def run(self, first):
        episodes = original(self, first)
        fallen = (first + np.arange(len(episodes.lengths))) % 3 == 0
        return episodes._replace(terminated=fallen, lengths=np.where(fallen, 2, episodes.lengths).astype(np.int32))

    monkeypatch.setattr(Collector, "run", run)


def test_failures_are_dropped(clumsy, tmp_path):
    collect.main([*A1, *SMALL, f"--output={tmp_path}"])
    data = Demonstrations(str(tmp_path))
    ids = np.concatenate([shard["episode_ids"] for shard in data.load("episode_ids")])
    assert ids.tolist() == [k for k in range(225) if k % 3][:150]
    assert not any(shard["terminated"].any() for shard in data.load("terminated"))
    assert data.metadata["result"]["attempts"] == 225
    assert data.metadata["result"]["success_rate"] == pytest.approx(2 / 3, abs=0.01)


def test_failures_are_kept_and_marked(clumsy, tmp_path):
    collect.main([*A1, *SMALL, "--keep-failures", f"--output={tmp_path}"])
    data = Demonstrations(str(tmp_path))
    for shard in data.load():
        fallen = shard["episode_ids"] % 3 == 0
        assert np.array_equal(shard["terminated"], fallen)
        assert np.array_equal(shard["episode_lengths"], np.where(fallen, 2, 6))
        assert not shard["states"][fallen, 2:].any()
        assert shard["states"][~fallen, 5].any(1).all()
    assert data.metadata["result"]["success_rate"] == pytest.approx(2 / 3, abs=0.01)


def test_a_policy_that_always_falls_is_given_up(tmp_path, monkeypatch):
    def run(self, first):
        return Episodes(first, np.ones(64, np.int32), np.ones(64, bool), {"states": np.zeros((6, 64, 37))}, {})

    monkeypatch.setattr(Collector, "run", run)
    monkeypatch.setattr(collect, "_FIRST_ATTEMPTS", 128)
    with pytest.raises(UserError, match="only 0 of 192 episodes did not fall"):
        collect.main([*A1, *SMALL, f"--output={tmp_path}"])


def test_relative_episodes_start_at_the_origin_and_replay(whole, tmp_path):
    flags = [*A1, *SMALL, "--relative", f"--output={tmp_path}", "--validate"]
    assert collect.main(flags) == 0
    relative, absolute = (next(Demonstrations(str(f)).load()) for f in (tmp_path, whole))
    assert np.array_equal(relative["states"], relative_to_start(absolute["states"]))
    assert not relative["states"][:, 0, :2].any()
    forces = [np.linalg.norm(shard["foot_forces"], axis=-1) for shard in (relative, absolute)]
    np.testing.assert_allclose(*forces, rtol=1e-5, atol=1e-5)


def test_the_check_has_an_exit_status(whole, tmp_path, capsys):
    assert collect.main([f"--output={whole}", "--validate"]) == 0
    assert "replayed step, mujoco.batch" in capsys.readouterr().out
    data = data_set(tmp_path)
    (shard,) = data.load()
    shard["targets"] += 1e-4
    demonstrations_writer.write_shard(data.shards[0], [shard])
    assert collect.main([f"--output={tmp_path}", "--validate"]) == 1
    assert "FAILED" in capsys.readouterr().out


def test_a_full_disk_is_told_in_one_line(tmp_path, monkeypatch):
    def refuse(path, pieces):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(demonstrations_writer, "write_shard", refuse)
    with pytest.raises(UserError, match="No space left on device"):
        collect.main([*A1, *SMALL, f"--output={tmp_path}"])


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--validate"], "give the --output to check"),
        (["--policy=a1_flat", "--num-episodes=0"], "--num_episodes: expected a whole number of at least 1, got '0'"),
        (["--policy=a1_flat", "--shard-episodes=100"], "give a multiple of 64"),
        (["--policy=a1_flat", "--schedule=circle"], "invalid choice: 'circle'"),
        (["--policy=a1_flat", "--num-episode=3"], "did you mean --num_episodes"),
        (["--policy=a1_flat", "--num_episodes=1000000000", "--output={}"], "the demonstrations need"),
        (["--policy=a1", "--relative", "--env.terrain.num_rows=1", "--env.terrain.num_cols=1"], "on a plane"),
        (["--output=/nowhere", "--validate"], "/nowhere holds no demonstrations"),
    ],
)
def test_mistakes_are_told(flags, message, tmp_path):
    with pytest.raises(UserError) as caught:
        collect.main([flag.format(tmp_path) for flag in flags])
    assert message in str(caught.value)


def test_the_replay_of_the_docs(whole):
    """The page's own lines, on a data set."""
    with open(os.path.join(LEGGED_GYM_ROOT_DIR, "docs", "demonstrations.md"), encoding="utf-8") as file:
        (lines,) = (block for block in file.read().split("```python\n") if block.startswith("import json"))
    code = lines.split("```")[0].replace("data/a1", str(whole))
    names = {}
    exec(compile(code, "demonstrations.md", "exec"), names)
    assert names["t"] == 4


def test_obstacles_are_refused(tmp_path, monkeypatch):
    """A replay would not have them."""

    class OneObstacle(LeggedRobotCfg.obstacles):
        bar = Obstacle()

    monkeypatch.setattr(A1FlatCfg, "obstacles", OneObstacle, raising=False)
    shipped = pathlib.Path(LEGGED_GYM_ROOT_DIR, "resources", "policies", "a1_flat")
    settings = yaml.safe_load((shipped / "config.yaml").read_text())
    settings["env"].pop("obstacles")  # a saved config without any has none
    shutil.copy(shipped / "model.pt", tmp_path)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    with pytest.raises(UserError, match=r"leave each out with --env\.obstacles\.<name>=None"):
        collect.main(["--task=a1_flat", f"--policy={tmp_path / 'model.pt'}", *SMALL, f"--output={tmp_path / 'out'}"])
