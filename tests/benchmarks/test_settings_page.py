"""The tables of settings say what the classes declare."""

from __future__ import annotations

import os

from benchmarks.settings_page import fill, read_remarks
from legged_gym import LEGGED_GYM_ROOT_DIR


def test_the_page_of_settings_is_what_the_classes_declare():
    with open(os.path.join(LEGGED_GYM_ROOT_DIR, "docs", "configuration.md"), encoding="utf-8") as file:
        page = file.read()
    assert page.count("<!-- settings: ") == page.count("<!-- end of settings -->") > 10
    assert fill(page) == page, "run python benchmarks/make_docs.py"


def test_a_table_has_name_default_bounds_and_the_comment():
    head = "<!-- settings: legged_gym.envs.base.legged_robot_config LeggedRobotCfg.env -->\n"
    rows = fill(head + "old\n<!-- end of settings -->").splitlines()
    assert rows[3] == "| `num_envs` | 4096 | whole number from 1 to 1048576 | robots |"
    assert rows[-1] == "<!-- end of settings -->"


def test_comments_stand_behind_a_setting_or_above_it():
    source = "class A:\n class b:\n  x = 1  # behind\n  # above\n  # it\n  y: int = f(\n   2\n  )\n"
    assert read_remarks(source) == {"A.b.x": "behind", "A.b.y": "above it"}
