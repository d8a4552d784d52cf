"""Memory for contacts on MuJoCo Warp: measured generously, and never short of it in silence."""

from __future__ import annotations

import pytest
import torch

from legged_gym.sim.warp.contacts import contact_sizes
from tests.sim.worlds import a1_cfg, build, make, place_a1, root_states, sloped_ground


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


@pytest.mark.parametrize("deterministic", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_overflow_is_said_once(capfd, deterministic):
    pytest.importorskip("mujoco_warp")
    cfg = a1_cfg()
    cfg.sim.mujoco_warp.contact_margin = 0.01
    sim = make("mujoco_warp", cfg, 2, deterministic=deterministic)
    place_a1(sim, height=0.3)
    folded = torch.tensor([0.0, 3.0, -2.6]).repeat(4).repeat(2, 1)
    capfd.readouterr()
    for _ in range(250):
        sim.step(folded, 4)
    said = [line for line in capfd.readouterr().err.splitlines() if line.startswith("warning")]
    assert len(said) == 1
    assert "raise sim.mujoco_warp.contact_margin" in said[0]
    assert ("does not repeat" in said[0]) == deterministic


def test_overflow_is_counted():
    """Of every step and robot, against the engine's own numbers of what it would have needed."""
    pytest.importorskip("mujoco_warp")
    cfg = a1_cfg()
    cfg.sim.mujoco_warp.contact_margin = 0.2
    sim = make("mujoco_warp", cfg, 3)
    place_a1(sim, height=0.3)
    sim.set_root_states(torch.tensor([2]), root_states(1, 5.0))  # one is in the air and has all the room it needs
    data, expected, counted = sim.engine.data, [], []
    folded = torch.tensor([0.0, 3.0, -2.6]).repeat(4).repeat(3, 1)
    for _ in range(40):
        sim.step(folded, 1)
        short = torch.from_numpy(data.nefc.numpy() > data.njmax)
        everyone_is_short = max(data.nacon.numpy()[0], data.ncollision.numpy()[0]) > data.naconmax
        expected.append(3 if everyone_is_short else int(short.sum()))
        counted.append(sim.counts())
    names = {"Perf/contacts_without_room", "Perf/contacts_too_complex"}
    assert all(set(counts) == names for counts in counted)
    assert [int(counts["Perf/contacts_without_room"]) for counts in counted] == expected
    assert 0 in expected and max(expected) > 0
    for _ in range(3):
        sim.step(folded, 4)
    total = sim.counts()["Perf/contacts_without_room"]
    assert 3 <= int(total) <= 9 and int(sim.counts()["Perf/contacts_without_room"]) == 0
