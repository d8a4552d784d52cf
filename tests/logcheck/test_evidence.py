"""Each kind of evidence on motions made by hand, and what undoes each mistake."""

from __future__ import annotations

import numpy as np
import pytest

from legged_gym.logcheck.evidence import Evidence, t_loss
from legged_gym.logcheck.layout import ACTION, Layout, legs_of
from legged_gym.logcheck.mistakes import Mistake, candidates
from legged_gym.logcheck.readings import gravity_of
from legged_gym.logcheck.search import Search
from legged_gym.logcheck.statistics import Statistics
from legged_gym.logcheck.turning import base_from_world, gravity_from_inverse, rotation
from legged_gym.logcheck.words import mend, what
from tests.logcheck.logs import policy_of

DT = 0.02
TIME = DT * np.arange(200)


@pytest.fixture(scope="module")
def parts():
    policy = policy_of("a1_flat")
    layout = Layout(policy.description)
    return layout, Statistics(policy.path.replace("policy.onnx", "statistics.npz"), policy.description, layout)


def rocking():
    """Roll, pitch and yaw of a base that rocks and turns, and what it feels: angles, gyroscope, gravity, rotations."""
    fine = np.arange(200 * 50) * DT / 50
    angles = [0.2 * np.sin(9.0 * fine), 0.15 * np.cos(7.0 * fine), 0.8 * fine]
    turns = rotation(*angles)
    rates = np.einsum("tji,tjk->tik", turns[:-1], np.diff(turns, axis=0)) / (DT / 50)
    gyro = np.stack((rates[:, 2, 1], rates[:, 0, 2], rates[:, 1, 0]), axis=1)[::50]
    turns = turns[::50][: len(gyro)]
    return turns, gyro, -turns[:, 2]


NOISE = np.random.default_rng(3).normal(size=(2, 200, 3))


def turning(parts, change, noise):
    """(term, kind) that gyroscope and gravity alone tell of, of a rocking base with noisy sensors and a mistake."""
    _, gyro, gravity = rocking()
    values = {"base_ang_vel": gyro + 5 * noise * NOISE[0], "projected_gravity": gravity + noise * NOISE[1]}
    values.update(change(values))
    evidence = Evidence(*parts, {name: np.ones(3, bool) for name in values})
    found = Search(parts[0], values, evidence, np.arange(5, 180)).of_turning([])
    return [(mistake.term, mistake.kind) for each in found for mistake in each.cause]


@pytest.mark.parametrize(
    ("term", "change", "kind"),
    [
        ("projected_gravity", lambda v: np.roll(v, 1, axis=0), "late"),
        ("base_ang_vel", lambda v: np.roll(v, 2, axis=0), "late"),
        ("base_ang_vel", lambda v: v[:, [1, 0, 2]], "order"),
        ("base_ang_vel", lambda v: v * [1, -1, 1], "sign"),
    ],
)
def test_what_the_noise_of_a_log_allows_to_be_told_is_told(parts, term, change, kind):
    assert turning(parts, lambda values: {term: change(values[term])}, 0.005) == [(term, kind)]


def test_a_mirrored_gravity_is_a_gyroscope_negated_besides(parts):
    """Which of the two it is, they alone cannot tell: turning is what mirrors negate."""
    ((term, kind),) = turning(parts, lambda v: {"projected_gravity": v["projected_gravity"][:, [1, 0, 2]]}, 0.005)
    assert term in ("base_ang_vel", "projected_gravity")
    assert kind == "order"


@pytest.mark.parametrize("noise", [0.0, 0.005, 0.03, 0.1])
def test_gyroscope_and_gravity_that_agree_are_left_alone(parts, noise):
    assert turning(parts, lambda values: {}, noise) == []


def test_what_nothing_mends_is_not_called_by_a_name(parts):
    """A gyroscope with another scale leaves more than noise whatever is exchanged, negated or late."""
    assert turning(parts, lambda values: {"base_ang_vel": 3.0 * values["base_ang_vel"]}, 0.005) == []


def gains_of(parts, values, new):
    layout, statistics = parts
    evidence = Evidence(layout, statistics, {name: np.ones(each.shape[1], bool) for name, each in values.items()})
    state = evidence.state(values, np.arange(5, 180))
    return evidence.gains(state, new, {})


def test_the_loss_grows_with_the_logarithm_of_what_is_far_off():
    near, far, further = (float(t_loss(np.full((9, 1), size))[0]) for size in (0.0, 1e3, 1e6))
    assert near == 0.0
    np.testing.assert_allclose(further - far, 4.0 * np.log(1e3), rtol=1e-3)


def test_the_gyroscope_says_how_gravity_turns(parts):
    _, gyro, gravity = rocking()
    values = {"base_ang_vel": gyro, "projected_gravity": gravity}
    for wrong in (-gyro, gyro[:, [1, 0, 2]], gyro * [1, -1, 1], 0.25 * gyro):
        assert gains_of(parts, values, {"base_ang_vel": wrong})["turns"] < -1.0
    # both in a frame that is turned about the vertical: consistent, so this evidence is silent
    turned = {name: each * [-1, -1, 1] for name, each in values.items()}
    np.testing.assert_allclose(gains_of(parts, values, turned)["turns"], 0.0, atol=1e-9)


def test_speeds_are_differences_of_angles(parts):
    pos = 0.3 * np.sin(8.0 * TIME[:, None] + np.arange(12))
    vel = 2.4 * np.cos(8.0 * TIME[:, None] + np.arange(12))
    values = {"dof_pos": pos, "dof_vel": vel}
    exchanged = [3, 4, 5, 0, 1, 2, *range(6, 12)]
    for wrong in (-vel, vel[:, exchanged], np.roll(vel, 2, axis=0)):
        assert gains_of(parts, values, {"dof_vel": wrong})["speeds"] < -1.0
    both = {name: each[:, exchanged] for name, each in values.items()}
    assert abs(gains_of(parts, values, both)["speeds"]) < 1.0


def test_the_last_action_is_the_action_of_the_row_before(parts):
    action = np.random.default_rng(0).normal(size=(200, 12))
    values = {"actions": np.roll(action, 1, axis=0), ACTION: action}
    for wrong in (action, np.roll(action, 2, axis=0), 0.25 * values["actions"]):
        assert gains_of(parts, values, {"actions": wrong})["last action"] < -100.0


def test_the_clock_goes_on():
    policy = policy_of("g1")
    layout = Layout(policy.description)
    statistics = Statistics(policy.path.replace("policy.onnx", "statistics.npz"), policy.description, layout)
    angle = 2.0 * np.pi * 1.25 * TIME
    values = {"phase": np.stack((np.sin(angle), np.cos(angle)), axis=1)}
    for wrong in (values["phase"][:, ::-1], values["phase"] * [-1, 1]):
        assert gains_of((layout, statistics), values, {"phase": wrong})["clock"] < -1.0


def test_frames_are_undone():
    turns, gyro, gravity = rocking()
    world = {"base_ang_vel": np.einsum("tij,tj->ti", turns, gyro), "projected_gravity": gravity}
    found = base_from_world("base_ang_vel", 0.0)(world, DT)
    np.testing.assert_allclose(found, gyro, atol=0.2)  # of 1.8 rad/s: the yaw is summed up
    inverse = {"base_ang_vel": gyro, "projected_gravity": -turns[:, :, 2]}
    np.testing.assert_allclose(gravity_from_inverse(0.0)(inverse, DT), gravity, atol=0.1)


def test_gravity_of_a_quaternion_points_down():
    half = np.sqrt(0.5)
    quats = np.array([[0, 0, 0, 1], [0, 0, half, half], [half, 0, 0, half], [0, half, 0, half]])
    np.testing.assert_allclose(gravity_of(quats), [[0, 0, -1], [0, 0, -1], [0, -1, 0], [1, 0, 0]], atol=1e-12)


def test_every_candidate_is_told_in_words_with_a_mend(parts):
    layout, _ = parts
    values = {name: np.ones((9, term.size)) for name, term in layout.terms.items()}
    values.update(action=np.ones((9, 12)), motor=np.ones((9, 12)), quat=np.tile([0.0, 0.0, 0.0, 1.0], (9, 1)))
    known = candidates(layout, list(values))
    assert len(known) > 1000
    for mistake in (each for cause in known for each in cause):
        assert what(mistake, layout) and mend(mistake, layout)
        assert mistake.undo(values, DT).shape == values[mistake.term].shape
    orders = {each.take for (each, *_) in known if each.term == "dof_pos" and each.kind == "order"}
    assert (3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8) in orders  # the other side
    assert (0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11) in orders  # joint by joint


def test_words_say_which_columns_to_give(parts):
    layout, _ = parts
    mistake = Mistake("base_ang_vel", "order", (1, 0, 2), np.array([-1.0, 1.0, 1.0]))
    assert what(mistake, layout) == "x and y exchanged, x negated"
    assert mend(mistake, layout) == "give its columns [-1, 0, 2], to have x, y, z"
    sides = Mistake("dof_pos", "order", (3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8))
    assert what(sides, layout) == "the joints of FL and FR, RL and RR exchanged"
    assert (
        what(Mistake("dof_pos", "order", (1, 0, *range(2, 12))), layout) == "FL_hip_joint and FL_thigh_joint exchanged"
    )
    unscaled = Mistake("dof_vel", "scale", factor=np.full(12, 0.05), note="unscaled")
    assert (what(unscaled, layout), mend(unscaled, layout)) == ("not multiplied by its scale", "multiply by 0.05")


def test_legs_are_those_with_equal_joints():
    assert legs_of(["FL_hip", "FL_calf", "FR_hip", "FR_calf"]) == [[0, 1], [2, 3]]
    assert legs_of(["FL_hip", "FR_hip", "FL_calf", "FR_calf"]) == [[0, 2], [1, 3]]
    assert legs_of(["left_knee", "torso", "right_knee"]) == [[0, 1, 2]]
