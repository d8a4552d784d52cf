"""What the report finds in sources, and whom it asks."""

from __future__ import annotations

from legged_gym.forks.report import report
from legged_gym.isaacgym import gymapi

SOURCE = """
from isaacgym import gymapi, gymutil as gu
import isaacgym.torch_utils as tu
from isaacgym.torch_utils import quat_mul, quat_of_nothing
import isaacgym

class Task:
    def __init__(self):
        self.gym = gymapi.acquire_gym()
        sim = gymapi.acquire_gym()
        sim.simulate(1)
        self.gym.create_cloth_grid(2)
        self.gym.refresh_all(2)
        self.env.gym.prepare_sim(3)
        self.env.gym_count.nothing()
        gymapi.KEY_ESCAPE, gymapi.KEY_OF_NOTHING, gu.parse_arguments, tu.quat_apply, isaacgym.gymutil.draw_nothing
"""
OPENAI = "import gym\nfrom isaacgym import gymapi\ngym.make('x')\nthe = gymapi.acquire_gym()\nthe.fetch_results(1, 2)\n"


def lay_out(root, **sources):
    for name, text in sources.items():
        (root / f"{name}.py").write_text(text)


def test_names_that_are_not_there_are_told_with_reason_and_place(tmp_path):
    lay_out(tmp_path, task=SOURCE)
    *lines, summary = report(str(tmp_path)).splitlines()
    assert lines == [
        f"gym.create_cloth_grid: {gymapi.UNSUPPORTED['create_cloth_grid']}", "    task.py:12",
        "gym.refresh_all: no call of that name is known", "    task.py:13",
        "gymapi.KEY_OF_NOTHING: isaacgym.gymapi does not have it", "    task.py:16",
        "gymutil.draw_nothing: isaacgym.gymutil does not have it", "    task.py:16",
        "torch_utils.quat_of_nothing: isaacgym.torch_utils does not have it", "    task.py:4",
    ]  # fmt: skip
    assert summary == "12 names of Isaac Gym are in use, 4 of them calls of the gym object; 5 are not there"


def test_a_module_called_gym_is_no_gym_object(tmp_path):
    lay_out(tmp_path, openai=OPENAI)
    assert report(str(tmp_path)).endswith("1 of them calls of the gym object; all are there")


def test_many_places_are_counted_and_files_that_do_not_parse_named(tmp_path):
    lay_out(tmp_path, a="gym.dance()\n" * 5, b="print 'old'\n")
    first, places, unread, _ = report(str(tmp_path)).splitlines()
    assert first.startswith("gym.dance: ") and places == "    a.py:1, a.py:2, a.py:3 and 2 more"
    assert unread.startswith("not read: b.py: ")
