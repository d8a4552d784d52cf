"""The check of data sets: a sound one passes, and each kind of damage is found by the line that is about it."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest

from legged_gym.demonstrations.check import check, command_histograms, format_checks, format_histograms
from legged_gym.demonstrations.dataset import Demonstrations
from legged_gym.demonstrations.writer import write_shard
from legged_gym.errors import UserError
from tests.demonstrations.demonstration_runs import data_set


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return data_set(tmp_path_factory.mktemp("sound") / "data", "--env.commands.min_norm=0")


def copy_of(data, folder, **changed):
    """The data set with other arrays."""
    (shard,) = data.load()
    shard.update(changed)
    write_shard(str(folder / "demonstrations_00000.npz"), [shard])
    for name in ("metadata.json", "model.mjb"):
        shutil.copy(os.path.join(data.folder, name), folder)
    return Demonstrations(str(folder))


def failures(data):
    return [line.name for line in check(data) if not line.passed]


def test_a_sound_data_set_passes(sound):
    found = check(sound)
    assert all(line.passed for line in found)
    replays = [line for line in found if "replayed" in line.name]
    assert [line.looked_at for line in replays] == [64 * 7, 64 * 7]
    assert [line.worst for line in replays] == [0.0, 0.0]
    assert format_checks(found).count(" ok") == len(found)


def test_robots_that_differ_are_replayed_each_with_its_model(tmp_path):
    varied = data_set(tmp_path, "--randomize", "--env.domain_rand.randomize_com=true")
    (shard,) = varied.load()
    assert len(np.unique(shard["model_body_mass"][:, 1])) == len(np.unique(shard["model_body_ipos"][:, 1, 0])) == 64
    assert [line.worst for line in check(varied) if "replayed" in line.name] == [0.0, 0.0]
    shard["model_body_mass"][:, 1] += 0.01
    write_shard(varied.shards[0], [shard])
    assert [line.name for line in check(varied) if not line.passed] == [
        "replayed step, mujoco", "replayed step, mujoco.batch",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"states": np.zeros((64, 8, 5))}, r"its states are \(64, 8, 5\), \(episodes, 8, 37\) is needed"),
        ({"warm_starts": np.zeros((64, 8))}, r"its warm_starts are \(64, 8\)"),
        ({"targets": np.zeros((64, 9, 12))}, r"its targets are \(64, 9, 12\)"),
        ({"torques": np.zeros((63, 8, 12))}, "its arrays are of different episodes"),
        ({"episode_lengths": np.full(64, 0.5)}, "its episode_lengths are no whole numbers"),
    ],
)
def test_arrays_that_do_not_fit_are_one_line_with_the_file(sound, tmp_path, changed, message):
    with pytest.raises(UserError, match=rf"demonstrations_00000\.npz is damaged .*{message}") as error:
        check(copy_of(sound, tmp_path, **changed))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("entry", "value", "message"),
    [
        ("decimation", 0, "metadata cannot be: simulator 'mujoco', decimation 0"),
        ("decimation", "4", r"metadata\.json is damaged: decimation is '4'"),
        ("commands", None, r"metadata\.json is damaged: commands is None"),
        ("collection", {"model_sha256": 5}, r"model\.mjb is damaged"),
    ],
)
def test_metadata_that_cannot_be_are_one_line(sound, tmp_path, entry, value, message):
    data = copy_of(sound, tmp_path)
    data.metadata[entry] = value
    with pytest.raises(UserError, match=message):
        (command_histograms if entry == "commands" else check)(data)


def test_another_model_is_not_loaded(sound, tmp_path):
    data = copy_of(sound, tmp_path)
    (tmp_path / "model.mjb").write_bytes(b"no model")
    with pytest.raises(UserError, match=r"model\.mjb is damaged: it is not the model that was recorded"):
        check(data)


def test_damage_is_found(sound, tmp_path):
    (shard,) = sound.load()

    def damaged(name, place, value, lengths=None):
        array = shard[name].copy()
        array[place] = value
        return copy_of(sound, tmp_path, **{name: array}, **(lengths or {}))

    replays = ["replayed step, mujoco", "replayed step, mujoco.batch"]
    assert failures(damaged("rewards", (3, 2), np.nan)) == ["numbers that are not finite"]
    twice = shard["states"][4]
    assert "episodes like others" in failures(damaged("states", 5, twice))
    target = shard["targets"][7, 3, 2] + 1e-5
    assert failures(damaged("targets", (7, 3, 2), target)) == replays
    turned = -shard["states"][2, 4:, 3:7]
    assert "quaternion changes sign" in failures(damaged("states", (2, slice(4, None), slice(3, 7)), turned))
    long = 1.001 * shard["states"][2, 4, 3:7]
    assert "quaternion norm less 1" in failures(damaged("states", (2, 4, slice(3, 7)), long))
    assert "joint beyond its limit, rad" in failures(damaged("states", (2, 4, 9), 0.0))
    short = {"episode_lengths": np.full(64, 6, np.int32)}
    assert failures(copy_of(sound, tmp_path, **short)) == ["numbers after the end"]
    lost = damaged("states", (1, 3, 0), np.nan)
    assert {"numbers that are not finite", *replays} <= set(failures(lost))
    assert "FAILED" in format_checks(check(lost))


def test_histograms_count_valid_steps(sound, tmp_path):
    found = command_histograms(sound)
    assert list(found) == ["lin_vel_x", "lin_vel_y", "ang_vel_yaw"]
    for histogram in found.values():
        assert sum(histogram["shares"]) == pytest.approx(1.0)
        assert max(histogram["shares"]) < 0.15
        assert -1 <= histogram["edges"][0] < -0.95
        assert 0.95 < histogram["edges"][-1] <= 1
    lengths = np.zeros(64, np.int32)
    lengths[8] = 5
    one = command_histograms(copy_of(sound, tmp_path, episode_lengths=lengths))
    assert all(sorted(histogram["shares"])[-2:] == [0.0, 1.0] for histogram in one.values())
    assert format_histograms(one).count("100.0") == 3
