"""Files of others: whole, or one line that names the file."""

from __future__ import annotations

import os

import pytest

from legged_gym import LEGGED_GYM_ROOT_DIR
from legged_gym.errors import UserError
from legged_gym.reading import parse_json, parse_yaml, path_of, portable, read_json, read_yaml

# nine levels of nine aliases: 9^9 values in 200 bytes
BOMB = "\n".join(["a0: &a0 1", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10))])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("env:\n  control: {a: 1}\n  sim: {}\n  control: {b: 2}", "env.control stands twice, in lines 2 and 4"),
        ("tiles: &d [*d]", "tiles[0] contains itself"),
        (BOMB, "more than 100000 values"),
        ("[" * 1000 + "]" * 1000, "nested too deeply"),
        ("a: " + "[" * 60 + "]" * 60, "nested too deeply"),
        ("a: " + "9" * 5000, "digits"),
        ("a: [1", "this is not YAML"),
    ],
)
def test_yaml_that_no_config_has_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "my.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        read_yaml(str(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "c stands twice"),
        ("[" * 10_000 + "]" * 10_000, "nested too deeply"),
        ("[" * 60 + "]" * 60, "nested too deeply"),
        ("9" * 5000, "digits"),
        ('{"a": ', "this is not JSON"),
    ],
)
def test_json_that_no_program_writes_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "my.json"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        read_json(str(path))
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)


def test_aliases_are_filled_in():
    assert parse_yaml("a: &x {b: [1, 2]}\nc: *x\nd: *x") == {name: {"b": [1, 2]} for name in "acd"}
    assert parse_yaml("") is None
    assert parse_json('{"a": [1, {"b": null}]}') == {"a": [1, {"b": None}]}


@pytest.mark.parametrize("read", [read_yaml, read_json])
def test_bytes_that_are_no_text_and_files_that_are_not_there(tmp_path, read):
    (tmp_path / "latin").write_bytes(b'{"a": "\xfc"}')
    for name, message in (("latin", "it is not UTF-8"), ("none", "No such file")):
        with pytest.raises(UserError, match=message):
            read(str(tmp_path / name))


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path):
    (tmp_path / "marked").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_yaml(str(tmp_path / "marked")) == read_json(str(tmp_path / "marked")) == {"a": 1}


def test_paths_of_settings_may_begin_with_the_repository_or_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    assert path_of("{LEGGED_GYM_ROOT_DIR}/resources") == os.path.join(LEGGED_GYM_ROOT_DIR, "resources")
    assert path_of("~/robots/my.urdf") == "/home/ann/robots/my.urdf"
    assert path_of("robots/~my.urdf") == "robots/~my.urdf"


def test_settings_say_where_the_project_is_on_no_machine():
    robot = os.path.join(LEGGED_GYM_ROOT_DIR, "resources", "robots", "go2")
    settings = {"asset": {"file": robot}, "clips": [robot, 3, None], "of_another": LEGGED_GYM_ROOT_DIR + "_2/robot"}
    kept = portable(settings)
    assert kept["asset"]["file"] == kept["clips"][0] == "{LEGGED_GYM_ROOT_DIR}/resources/robots/go2"
    assert kept["clips"][1:] == [3, None] and kept["of_another"] == settings["of_another"]
    assert path_of(kept["asset"]["file"]) == robot


def test_files_of_the_project_are_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = os.path.join("resources", "robots", "go2", "urdf", "go2.urdf")
    assert path_of(name) == os.path.join(LEGGED_GYM_ROOT_DIR, name)
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text("")
    assert path_of(name) == name  # what is here comes first
    assert path_of("resources/nothing") == "resources/nothing"
    assert path_of("") == ""
