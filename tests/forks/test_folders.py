"""Where packages of a fork are searched: the two layouts that forks have, and what lies beside them."""

from __future__ import annotations

import os

from legged_gym.forks.folders import fork_root, package_folders


def lay_out(root, *files):
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def found(root, script, *named):
    return [os.path.relpath(folder, root) for folder in package_folders(str(root / script), named)]


def test_packages_at_the_top_with_a_learner_beside(tmp_path):
    script = "fork/legged_gym/scripts/train.py"
    lay_out(tmp_path, script, "fork/setup.py", "fork/legged_gym/__init__.py", "rsl_rl/rsl_rl/__init__.py")
    assert found(tmp_path, script) == ["fork/legged_gym/scripts", "fork", "rsl_rl"]
    assert found(tmp_path, script, tmp_path / "x") == ["fork/legged_gym/scripts", "fork", "x", "rsl_rl"]


def test_packages_one_level_down(tmp_path):
    script = "legged_gym/legged_gym/scripts/train.py"
    lay_out(tmp_path, script, "legged_gym/setup.py", "rsl_rl-1.0.2/rsl_rl/__init__.py", "rsl_rl-1.0.2/setup.py")
    assert found(tmp_path, script) == ["legged_gym/legged_gym/scripts", "legged_gym", "rsl_rl-1.0.2"]
    assert fork_root(str(tmp_path / script)) == str(tmp_path / "legged_gym")


def test_packages_inside_of_the_root_and_no_other_fork_beside(tmp_path):
    script = "fork/task/train.py"
    lay_out(tmp_path, script, "fork/pyproject.toml", "fork/tools/setup.py", "fork/.hidden/setup.py")
    lay_out(tmp_path, "other/legged_gym/__init__.py", "other/rsl_rl/__init__.py", "other/setup.py")
    assert found(tmp_path, script) == ["fork/task", "fork", "fork/tools"]


def test_a_script_alone(tmp_path):
    lay_out(tmp_path, "a/b/__init__.py", "a/b/train.py")
    assert fork_root(str(tmp_path / "a/b/train.py")) == str(tmp_path / "a")
