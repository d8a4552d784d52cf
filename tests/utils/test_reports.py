"""What is noted about the code of a run, on throw-away repositories."""

from __future__ import annotations

import subprocess

import pytest

from legged_gym.utils.reports import git_diff, git_state, versions


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init", "-b", "main")
    (tmp_path / "walk.py").write_text("speed = 1\n")
    (tmp_path / ".gitignore").write_text("ignored.py\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    return tmp_path


def test_a_clean_tree_is_its_commit(repository):
    state = git_state(str(repository))
    assert len(state["commit"]) == 40
    assert (state["branch"], state["changes"]) == ("main", False)
    assert git_diff(str(repository)) == ""


def test_the_diff_rebuilds_the_tree_with_its_new_files(repository, tmp_path_factory):
    (repository / "walk.py").write_text("speed = 2\n")
    (repository / "robot.py").write_text("legs = 4\n")
    (repository / "ignored.py").write_text("x\n")
    (repository / "model.pt").write_bytes(b"\0\1")
    assert git_state(str(repository))["changes"]
    copy = tmp_path_factory.mktemp("copy")
    git(copy, "clone", str(repository), "tree")
    patch = copy / "git.diff"
    patch.write_text(git_diff(str(repository)))
    git(copy / "tree", "apply", str(patch))
    assert (copy / "tree" / "walk.py").read_text() == "speed = 2\n"
    assert (copy / "tree" / "robot.py").read_text() == "legs = 4\n"
    assert not (copy / "tree" / "ignored.py").exists()
    assert not (copy / "tree" / "model.pt").exists()


def test_files_that_cannot_be_looked_at_are_left_out(repository):
    """Git lists them: the lock of an editor is a link to nothing, and files may go between two commands."""
    (repository / ".#walk.py").symlink_to("me@host.1:2")
    (repository / "robot.py").write_text("legs = 4\n")
    assert git_state(str(repository))["changes"]
    patch = git_diff(str(repository))
    assert "legs = 4" in patch and "me@host" not in patch


def test_without_git_or_commits_there_is_nothing_to_note(tmp_path, monkeypatch):
    assert (git_state(str(tmp_path)), git_diff(str(tmp_path))) == ({}, "")
    git(tmp_path, "init")
    assert (git_state(str(tmp_path)), git_diff(str(tmp_path))) == ({}, "")
    monkeypatch.setenv("PATH", "/nowhere")
    assert (git_state(str(tmp_path)), git_diff(str(tmp_path))) == ({}, "")


def test_versions_name_what_is_installed():
    found = versions()
    assert {"python", "platform", "numpy", "torch"} <= set(found)
    assert all(isinstance(version, str) for version in found.values())
