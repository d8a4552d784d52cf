"""Command lines, settings of simulations, lines, and random properties."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from legged_gym.errors import UserError
from legged_gym.isaacgym import gymapi, gymutil

THERE = "cuda" if torch.cuda.is_available() else "cpu"


def parsed(monkeypatch, *flags, **more):
    monkeypatch.setattr(sys, "argv", ["train.py", *flags])
    return gymutil.parse_arguments(**more)


@pytest.mark.parametrize(("text", "device"), [("cpu", ("cpu", 0)), ("cuda:1", (THERE, 1)), ("gpu", (THERE, 0))])
def test_devices(text, device):
    assert gymutil.parse_device_str(text) == (device if device[0] == "cuda" else ("cpu", 0))


def test_what_is_no_device():
    for text in ("tpu", "cuda:x", "cpu:0:1"):
        with pytest.raises(UserError, match="is no device"):
            gymutil.parse_device_str(text)


def test_flags_of_all_programs_and_of_one(monkeypatch):
    own = [
        {"name": "--task", "type": str, "default": "a1", "help": "x"},
        {"name": "--rl_device", "type": str, "default": "cuda:0"},
        {"name": "--resume", "action": "store_true", "default": False},
        {"name": "--num_envs", "type": int},
    ]
    args = parsed(monkeypatch, "--headless", "--num_envs=4", "--subscenes=2", headless=True, custom_parameters=own)
    assert (args.task, args.resume, args.num_envs, args.headless) == ("a1", False, 4, True)
    assert (args.subscenes, args.slices, args.num_threads) == (2, 2, 0)
    assert args.rl_device == ("cuda:0" if THERE == "cuda" else "cpu")
    assert args.physics_engine == gymapi.SIM_PHYSX
    assert args.use_gpu == args.use_gpu_pipeline == (THERE == "cuda") and args.sim_device_type == THERE
    args = parsed(monkeypatch, "--sim_device=cpu", "--pipeline=cpu")
    assert not args.use_gpu and not args.use_gpu_pipeline and args.compute_device_id == 0


def test_parameters_that_say_too_little():
    for wrong in ({"type": int}, {"name": "--x"}):
        with pytest.raises(UserError, match="needs name, and type or action"):
            gymutil.parse_arguments(custom_parameters=[wrong])


class Physx:
    contact_collection = 1
    num_threads = 3


@pytest.mark.parametrize("physx", [{"contact_collection": 1, "num_threads": 3, "unknown": 0}, Physx])
def test_settings_come_from_dicts_and_classes(physx):
    params = gymapi.SimParams()
    settings = {"dt": 0.015625, "gravity": [0.0, 0.0, -3.0], "up_axis": 1, "physx": physx, "fps": 200}
    gymutil.parse_sim_config(settings, params)
    assert (params.dt, params.gravity.z, params.up_axis) == (0.015625, -3.0, gymapi.UP_AXIS_Z)
    assert (params.physx.contact_collection, params.physx.num_threads) == (gymapi.CC_LAST_SUBSTEP, 3)
    gymutil.parse_sim_config({"up_axis": "y"}, params)
    assert params.up_axis == gymapi.UP_AXIS_Y


def test_numbers_have_the_precision_of_the_original():
    params = gymapi.SimParams()
    gymutil.parse_sim_config({"dt": 0.005}, params)
    # as the logs of trainings show: episodes of 20 s that no robot ends have 1002 steps, one more than this
    assert np.ceil(20 / (4 * params.dt)) == 1001
    assert np.ceil(0.020 / params.dt) == 5


class Board:
    def add_lines(self, viewer, env, count, vertices, colors):
        self.drawn = (count, vertices, colors)


def drawn(geometry, pose=None):
    board = Board()
    gymutil.draw_lines(geometry, board, None, None, pose or gymapi.Transform())
    count, vertices, colors = board.drawn
    assert vertices.shape == (count, 2) and colors.shape == (count,)
    return np.stack([vertices[axis] for axis in "xyz"], axis=-1), colors


def test_lines_are_where_their_shapes_are():
    pose = gymapi.Transform(gymapi.Vec3(1.0, 2.0, 3.0))
    points, _ = drawn(gymutil.WireframeSphereGeometry(0.5, 4, 6, color=(1, 1, 0), color2=(0, 1, 0)), pose)
    np.testing.assert_allclose(np.linalg.norm(points - [1, 2, 3], axis=-1), 0.5, atol=1e-6)
    box, _ = drawn(gymutil.WireframeBoxGeometry(2.0, 4.0, 6.0))
    assert (
        len(box) == 12
        and sorted(np.linalg.norm(box[:, 0] - box[:, 1], axis=-1).round(5)) == [2] * 4 + [4] * 4 + [6] * 4
    )
    np.testing.assert_allclose(np.abs(box).reshape(-1, 3), np.tile([1, 2, 3], (24, 1)))
    corners = (gymapi.Vec3(0, 0, 0), gymapi.Vec3(1, 1, 1))
    assert set(drawn(gymutil.WireframeBBoxGeometry(corners))[0].ravel()) == {0.0, 1.0}
    axes, colors = drawn(gymutil.AxesGeometry(2.0, pose))
    np.testing.assert_allclose(axes[:, 1] - axes[:, 0], 2 * np.eye(3))
    assert colors["x"].tolist() == [1, 0, 0]


def test_one_line():
    board = Board()
    gymutil.draw_line(gymapi.Vec3(0, 0, 1), gymapi.Vec3(0, 0, 2), gymapi.Vec3(1, 0, 0), board, None, None)
    count, vertices, colors = board.drawn
    assert count == 1 and vertices["z"].tolist() == [[1.0, 2.0]] and colors["x"].tolist() == [1.0]


def changed(prop, attribute, original, step=0, **settings):
    plain = {"range": [2.0, 2.0], "distribution": "uniform", "operation": "scaling"}
    gymutil.apply_random_samples(prop, {attribute: original}, attribute, {**plain, **settings}, step)


def test_properties_are_changed_from_what_they_were_first():
    body = SimpleNamespace(mass=9.0)
    changed(body, "mass", 3.0)
    assert body.mass == 6.0
    changed(body, "mass", 3.0, operation="additive", distribution="gaussian", range=[1.0, 0.0])
    assert body.mass == 4.0
    array = np.zeros(2, dtype=[("damping", "f4")])
    changed(array, "damping", np.array([1.0, 2.0]), distribution="loguniform")
    np.testing.assert_allclose(array["damping"], [2.0, 4.0], rtol=1e-6)
    params = gymapi.SimParams()
    changed(params, "gravity", gymapi.Vec3(0, 0, -9.0), operation="additive", range=[1.0, 1.0])
    assert (params.gravity.x, params.gravity.z) == (1.0, -8.0)


def test_schedules_begin_without_an_effect_and_end_with_all_of_it():
    for schedule, middle in (("linear", 4.5), ("constant", 3.0)):
        masses = []
        for step in (0, 50, 200):
            body = SimpleNamespace(mass=0.0)
            changed(body, "mass", 3.0, step, schedule=schedule, schedule_steps=100)
            masses.append(body.mass)
        assert masses == [3.0, middle, 6.0]


def test_buckets_hold_few_values_and_unknown_distributions_are_named():
    values = set()
    for _ in range(100):
        shape = SimpleNamespace(friction=0.0)
        changed(shape, "friction", 1.0, range=[0.0, 1.0], num_buckets=3)
        values.add(shape.friction)
    assert values <= {0.0, 0.5, 1.0} and len(values) >= 2
    with pytest.raises(UserError, match="distribution 'dice'"):
        changed(SimpleNamespace(mass=0.0), "mass", 3.0, distribution="dice")


def test_setters_by_the_kind_of_properties():
    gym = gymapi.acquire_gym()
    setters, getters = gymutil.get_property_setter_map(gym), gymutil.get_property_getter_map(gym)
    assert setters.keys() == getters.keys() == gymutil.get_default_setter_args(gym).keys()
    assert setters["rigid_body_properties"] == gym.set_actor_rigid_body_properties
    assert gymutil.get_default_setter_args(gym)["rigid_body_properties"] == [True]
    assert gymutil.check_buckets(gym, [], {}) is None
