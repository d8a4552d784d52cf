"""Memory for contacts on MuJoCo Warp: measured generously, and never short of it in silence."""

from __future__ import annotations

import pytest
import torch

from legged_gym.sim.warp_contacts import contact_sizes
from tests.sim.worlds import a1_cfg, build, make, place_a1, sloped_ground


def test_room_for_more_than_standing_on_four_feet():
    robot = build(a1_cfg())
    contacts, rows = contact_sizes(robot, 1.0)
    assert contacts >= 4
    assert rows >= 16
    assert contacts % 16 == 0
    assert rows % 16 == 0


def test_margin_and_self_collisions_and_obstacles_need_more():
    cfg = a1_cfg()
    contacts, rows = contact_sizes(build(cfg), 1.0)
    with_margin = contact_sizes(build(cfg), 3.0)
    assert with_margin[0] > contacts
    assert with_margin[1] > 2 * rows
    cfg.asset.self_collisions = 0
    more, _ = contact_sizes(build(cfg, ground=sloped_ground(), obstacles=["box"] * 3), 1.0)
    assert more > contacts


def test_it_is_measured_alike_each_time():
    robot = build(a1_cfg())
    assert contact_sizes(robot, 1.5) == contact_sizes(robot, 1.5)


def test_overflow_is_said_once(capfd):
    pytest.importorskip("mujoco_warp")
    cfg = a1_cfg()
    cfg.sim.mujoco_warp.contact_margin = 0.01
    sim = make("mujoco_warp", cfg, 2)
    place_a1(sim, height=0.3)
    folded = torch.tensor([0.0, 3.0, -2.6]).repeat(4).repeat(2, 1)
    capfd.readouterr()
    for _ in range(250):
        sim.step(folded, 4)
    said = [line for line in capfd.readouterr().err.splitlines() if line.startswith("warning")]
    assert len(said) == 1
    assert "raise sim.mujoco_warp.contact_margin" in said[0]
