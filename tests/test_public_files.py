"""What a public project has beside its code: nothing in it that `make check` and `make test` do not run."""

from __future__ import annotations

import pathlib
import re

import yaml

from legged_gym import LEGGED_GYM_ROOT_DIR

ROOT = pathlib.Path(LEGGED_GYM_ROOT_DIR)
MAKEFILE = (ROOT / "Makefile").read_text()


def recipe(target):
    """The commands of a target of the Makefile, without the folder of the environment."""
    body = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    return [line.strip().replace("$(BIN)/", "") for line in body.group(1).splitlines()]


def test_the_hooks_run_what_make_check_runs():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    commands = [hook["entry"].replace(".venv/bin/", "") for hook in hooks]
    own = [line[: -len(" .")] if line.endswith(" .") else line for line in recipe("check")]
    assert commands and set(commands) <= set(own)


def test_the_workflow_runs_make():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text())["jobs"]
    said = {name: " ".join(step.get("run", "") for step in job["steps"]) for name, job in jobs.items()}
    assert "make check" in said["check"] and "make test" in said["test"] and "make.ps1 test" in said["test-windows"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]


def test_powershell_takes_the_makefile_s_steps():
    script = (ROOT / "make.ps1").read_text().replace('"', "")
    for target in ("test", "check", "format"):
        for command in recipe(target):
            if not command.startswith("vermin"):  # whose pattern is of a shell
                assert f"Invoke-Own -m {command.replace('python -m ', '')}" in script, command


def test_versions_agree():
    version = re.search(r'version="([^"]+)"', (ROOT / "setup.py").read_text()).group(1)
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == version
    assert f"\n## {version}\n" in (ROOT / "CHANGELOG.md").read_text()
