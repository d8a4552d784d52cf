"""Reading data sets: what other programs do with the files, windows, and frames against rotations by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from legged_gym.demonstrations import dataset as demonstrations
from legged_gym.demonstrations.dataset import Demonstrations, relative_to_start, to_base_frame, to_world_frame
from legged_gym.demonstrations.writer import write_shard
from legged_gym.errors import UserError

LENGTHS = np.array([10, 4, 7], np.int32)


@pytest.fixture
def folder(tmp_path):
    """Two shards, the second without episodes; state t of episode i is 100 i + t in every column."""
    states = (100.0 * np.arange(3)[:, None, None] + np.arange(10)[:, None]) * np.ones(5)
    shard = {"states": states, "conditionings": -states[..., :2].astype(np.float32), "episode_lengths": LENGTHS}
    none = {name: values[:0] for name, values in shard.items()}
    for number, content in enumerate((shard, none)):
        write_shard(str(tmp_path / f"demonstrations_{number:05d}.npz"), [content])
    (tmp_path / "metadata.json").write_text(json.dumps({"format_version": 1}))
    return tmp_path


def test_other_programs_find_the_keys(folder):
    with np.load(folder / "demonstrations_00000.npz", allow_pickle=False) as shard:
        assert {"states", "conditionings"} <= set(shard.files)
        assert shard["states"].shape == (3, 10, 5)
        assert shard["conditionings"].shape == (3, 10, 2)


def test_windows_lie_within_episodes(folder):
    first, empty = Demonstrations(str(folder)).windows(horizon=2, stride=3)
    states, conditionings = first
    assert states[..., 0].tolist() == [
        [0, 1, 2], [3, 4, 5], [6, 7, 8],
        [100, 101, 102],
        [200, 201, 202], [203, 204, 205],
    ]  # fmt: skip
    assert conditionings.tolist() == [[-w[0], -w[0]] for w in states[..., 0]]
    assert empty[0].shape == (0, 3, 5)


def test_windows_next_to_each_other_use_every_step(folder):
    states, _ = next(Demonstrations(str(folder)).windows(horizon=1, stride=2))
    assert len(states) == 5 + 2 + 3
    assert len(np.unique(states[..., 0])) == states[..., 0].size


def test_arrays_are_read_by_name(folder):
    found = list(Demonstrations(str(folder)).load("episode_lengths"))
    assert [list(shard) for shard in found] == [["episode_lengths"]] * 2
    assert found[0]["episode_lengths"].tolist() == LENGTHS.tolist()


@pytest.mark.parametrize("content", [None, "{", '{"format_version": 2}'])
def test_what_is_no_data_set_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "metadata.json").write_text(content)
    with pytest.raises(UserError, match=r"holds no demonstrations|has format 2, this program reads 1"):
        Demonstrations(str(tmp_path))


def random_states(*shape):
    states = np.random.default_rng(0).normal(size=(*shape, 37))
    states[..., 3:7] /= np.linalg.norm(states[..., 3:7], axis=-1, keepdims=True)
    return states


def about(axis, angle):
    """A quaternion wxyz."""
    return [math.cos(angle / 2), *(math.sin(angle / 2) * np.eye(3)["xyz".index(axis)])]


@pytest.mark.parametrize(
    ("quat", "expected"),
    [
        (about("z", math.pi / 2), [2, -1, 3]),  # it looks along y: what goes along x goes to its right
        (about("x", math.pi / 2), [1, 3, -2]),
        (about("y", math.pi / 2), [-3, 2, 1]),
    ],
)
def test_velocity_in_the_base_frame_by_hand(quat, expected):
    states = random_states(1)
    states[0, 3:7], states[0, 19:22] = quat, [1, 2, 3]
    found = to_base_frame(states)
    np.testing.assert_allclose(found[0, 19:22], expected, atol=1e-12)
    rest = np.r_[:19, 22:37]
    assert np.array_equal(found[:, rest], states[:, rest])


def test_frames_there_and_back():
    states = random_states(3, 5)
    assert np.abs(to_world_frame(to_base_frame(states)) - states).max() < 1e-12


def test_relative_to_the_start_by_hand():
    """A robot that starts at (1, 2) looking along y, then stands 3 m ahead and turned left again, rolled by 0.3."""
    states = np.zeros((1, 2, 37))
    states[0, 0, :7] = [1, 2, 0.5, *about("z", math.pi / 2)]
    turn, roll = about("z", math.pi), about("x", 0.3)
    states[0, 1, :7] = [1, 5, 0.6, *demonstrations._multiply(np.array(turn), np.array(roll))]
    states[0, 1, 19:25] = [0, 2, 0.1, 7, 8, 9]
    found = relative_to_start(states)
    np.testing.assert_allclose(found[0, 0, :7], [0, 0, 0.5, 1, 0, 0, 0], atol=1e-12)
    expected = demonstrations._multiply(np.array(about("z", math.pi / 2)), np.array(roll))
    np.testing.assert_allclose(found[0, 1, :7], [3, 0, 0.6, *expected], atol=1e-12)
    np.testing.assert_allclose(found[0, 1, 19:25], [2, 0, 0.1, 7, 8, 9], atol=1e-12)
    # a rotation is the same whatever the frame it is looked at from
    assert np.abs(to_base_frame(found)[..., 19:22] - to_base_frame(states)[..., 19:22]).max() < 1e-12


def test_files_do_not_tell_the_time(tmp_path):
    for name in ("one.npz", "two.npz"):
        write_shard(str(tmp_path / name), [{"states": np.ones((2, 3)), "commands": np.zeros((2, 3))}])
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
