"""Exports from the page."""

from __future__ import annotations

import dataclasses
import os

import pytest

from legged_gym.errors import UserError
from legged_gym.policies.policy_io import find_policy
from legged_gym.utils.options import CommandLine
from legged_gym.viewing.policies import export_folder


@pytest.mark.parametrize("name", ["..", "../other", "/tmp", "", "."])
def test_exports_stay_in_the_folder_of_the_run(tmp_path, name):
    source = dataclasses.replace(find_policy(CommandLine(policy="a1_flat")), run_dir=str(tmp_path))
    with pytest.raises(UserError, match="not inside of the run folder"):
        export_folder(source, name)
    assert export_folder(source, "exported") == os.path.realpath(tmp_path / "exported")


def test_shipped_policies_are_not_exported():
    with pytest.raises(UserError, match="only policies of a run"):
        export_folder(find_policy(CommandLine(policy="a1_flat")), "exported")
