"""Teleports, resets, saved states and failures on every backend: who changes, and who keeps every bit."""

from __future__ import annotations

import pytest
import torch

from legged_gym.errors import UserError
from tests.sim.worlds import A1_POSE, a1_cfg, everyone, make, place_a1, root_states, stand, trajectory

# of random targets around the standing pose, rad
AMPLITUDE = 0.3


def test_two_runs_after_reset_are_equal(a1):
    place_a1(a1)
    first = trajectory(a1, 20, amplitude=AMPLITUDE)
    place_a1(a1)
    assert torch.equal(trajectory(a1, 20, amplitude=AMPLITUDE), first)


def test_reset_clears_velocities_forces_and_torques(a1):
    place_a1(a1)
    stand(a1, 60)
    assert a1.contact_forces[1].abs().max() > 1
    others = a1.contact_forces[[0, 2]].clone()
    a1.reset(torch.tensor([1]))
    assert (a1.contact_forces[1] == 0).all()
    assert (a1.torques[1] == 0).all()
    assert (a1.dof_vel[1] == 0).all()
    assert (a1.root_states[1, 7:] == 0).all()
    assert torch.equal(a1.contact_forces[[0, 2]], others)


def test_teleports_leave_others_untouched(a1):
    place_a1(a1)
    stand(a1, 10)
    saved = a1.state_dict()
    undisturbed = trajectory(a1, 15, amplitude=AMPLITUDE)
    a1.load_state_dict(saved)
    one = torch.tensor([1])
    a1.reset(one)
    a1.set_root_states(one, root_states(1, 0.7))
    a1.set_dof_states(one, 0.5 * A1_POSE[None], torch.ones(1, 12))
    assert a1.body_states[1, 0, 2].item() == torch.tensor(0.7).item()
    disturbed = trajectory(a1, 15, amplitude=AMPLITUDE)
    assert torch.equal(disturbed[:, [0, 2]], undisturbed[:, [0, 2]])
    assert (disturbed[:, 1] - undisturbed[:, 1]).abs().max() > 0.1


def test_saved_state_goes_on_bit_for_bit_elsewhere(backend, a1):
    original, other = (make(backend, a1_cfg(), 3) for _ in range(2))
    place_a1(original)
    ids = everyone(original)
    original.set_friction(ids, torch.tensor([0.2, 0.7, 1.5]))
    original.set_masses(ids, "base", torch.tensor([-1.0, 0.0, 3.0]))
    original.set_coms(torch.tensor([2]), "base", torch.tensor([[0.05, 0.0, 0.02]]))
    original.set_gains(ids, 20 + 5 * torch.rand(3, 12), 0.5 + torch.rand(3, 12))
    original.set_motor_strength(torch.tensor([0]), torch.full((1, 12), 0.8))
    original.set_joint_friction(torch.tensor([1]), torch.full((1, 12), 0.3))
    trajectory(original, 15, amplitude=AMPLITUDE)
    saved = original.state_dict()
    forces, torques = original.contact_forces.clone(), original.torques.clone()
    continued = trajectory(original, 15, amplitude=AMPLITUDE)

    place_a1(other)
    stand(other, 5)
    other.load_state_dict(saved)
    assert torch.equal(other.contact_forces, forces)
    assert torch.equal(other.torques, torques)
    assert torch.equal(trajectory(other, 15, amplitude=AMPLITUDE), continued)


def test_a_state_from_before_a_field_was_saved_has_the_robots_own(backend, a1):
    other = make(backend, a1_cfg(), 3)
    place_a1(a1)
    saved = a1.state_dict()
    saved["fields"].pop("dof_frictionloss", None)
    other.set_joint_friction(everyone(other), torch.full((3, 12), 5.0))
    other.load_state_dict(saved)
    assert torch.equal(trajectory(other, 5, amplitude=AMPLITUDE), trajectory(a1, 5, amplitude=AMPLITUDE))


def test_saved_state_is_plain(a1, tmp_path):
    torch.save(a1.state_dict(), tmp_path / "state.pt")
    a1.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))


def test_one_broken_environment_is_reported_alone(a1):
    place_a1(a1)
    healthy = trajectory(a1, 10, amplitude=AMPLITUDE)
    place_a1(a1)
    first = trajectory(a1, 3, amplitude=AMPLITUDE)
    assert a1.failure is None
    before = a1.dof_pos[1].clone()

    place_a1(a1)
    one = torch.tensor([1])
    generator = torch.Generator().manual_seed(7)
    seen = []
    for k in range(10):
        if k == 3:
            assert torch.equal(a1.dof_pos[1], before)
            a1.set_dof_states(one, torch.full((1, 12), float("nan")), torch.zeros(1, 12))
        a1.step(A1_POSE + AMPLITUDE * torch.randn(3, 12, generator=generator), 4)
        if k == 3:
            failure = a1.failure
            assert failure.env_ids.tolist() == [1]
            assert "NaN" in failure.reason and a1.failed.tolist() == [False, True, False]
            assert failure.before["root_states"].shape == (1, 13)
            torch.testing.assert_close(failure.before["root_states"], first[2, 1:2, :13])
            a1.reset(one)
            a1.set_root_states(one, root_states(1, 0.36))
            a1.set_dof_states(one, A1_POSE[None], torch.zeros(1, 12))
        else:
            assert a1.failure is None
        seen.append(a1.root_states[[0, 2]].clone())
    assert torch.equal(torch.stack(seen), healthy[:, [0, 2], :13])
    assert torch.isfinite(a1.root_states).all()
    assert torch.isfinite(a1.body_states).all()


def test_a_target_that_is_no_number_is_a_failure(a1):
    place_a1(a1)
    targets = A1_POSE.repeat(3, 1)
    targets[2, 4] = float("nan")
    a1.step(targets, 4)
    assert a1.failure.env_ids.tolist() == [2]
    place_a1(a1)
    stand(a1, 2)
    assert a1.failure is None


def test_what_is_known_of_a_failure_stays_until_the_reset(a1):
    """Of sub-steps one by one, the first that failed counts."""
    place_a1(a1)
    broken, one = A1_POSE.repeat(3, 1), torch.tensor([1])
    broken[1, 4] = float("nan")
    stand(a1, 1)
    start = a1.root_states[1].clone()
    a1.step(broken, 1)
    for _ in range(2):
        a1.step(A1_POSE.repeat(3, 1), 1)
    assert a1.failed.tolist() == [False, True, False]
    torch.testing.assert_close(a1.failure.before["root_states"][0], start)
    assert torch.isnan(a1.failure.before["ctrl"][0, 4]) and a1.failure.before["ctrl"].shape == (1, 12)
    a1.reset(one)
    assert not a1.failed.any() and a1.failure is None


def test_an_environment_recovers_from_failure_without_a_trace(a1):
    place_a1(a1)
    clean = trajectory(a1, 10)
    ids = everyone(a1)
    a1.set_dof_states(ids, torch.full((3, 12), float("inf")), torch.zeros(3, 12))
    stand(a1, 1)
    assert a1.failure.env_ids.tolist() == [0, 1, 2]
    place_a1(a1)
    assert torch.equal(trajectory(a1, 10), clean)


def test_a_state_of_something_else_is_refused(backend, a1):
    saved = make(backend, a1_cfg(), 2).state_dict()
    with pytest.raises(UserError, match="resume with the same simulator, robot, task and num_envs"):
        a1.load_state_dict(saved)
    other = "mujoco" if backend == "mujoco_warp" else "mujoco_warp"
    if other == "mujoco_warp":
        pytest.importorskip("mujoco_warp")
    with pytest.raises(UserError, match="resume with the same simulator"):
        a1.load_state_dict(make(other, a1_cfg(), 3).state_dict())


def test_loading_undoes_fields_set_since(backend):
    sim = make(backend, a1_cfg(), 2)
    place_a1(sim)
    saved = sim.state_dict()
    untouched = trajectory(sim, 10)
    sim.set_friction(everyone(sim), torch.tensor([0.1, 0.2]))
    sim.set_masses(everyone(sim), "base", torch.tensor([4.0, 5.0]))
    sim.set_gains(everyone(sim), torch.full((2, 12), 60.0), torch.full((2, 12), 2.0))
    sim.load_state_dict(saved)
    assert torch.equal(trajectory(sim, 10), untouched)


def test_generalized_state_is_of_the_engine(a1):
    place_a1(a1)
    trajectory(a1, 8, amplitude=AMPLITUDE)
    qpos, qvel, warm_start = a1.generalized_state()
    assert {part.dtype for part in (qpos, qvel, warm_start)} == {torch.float64}
    assert (qpos.shape, qvel.shape, warm_start.shape) == ((3, 19), (3, 18), (3, 18))
    root = a1.root_states
    assert torch.equal(qpos[:, :3].float(), root[:, :3])
    assert torch.equal(qpos[:, [4, 5, 6, 3]].float(), root[:, 3:7])
    assert torch.equal(qvel[:, :3].float(), root[:, 7:10])
    # the angular velocity is in the frame of the base: turned by the matrix of the quaternion it is the world's
    w, x, y, z = qpos[:, 3:7].unbind(1)
    rows = (
        torch.stack((1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)), 1),
        torch.stack((2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)), 1),
        torch.stack((2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)), 1),
    )
    spin = torch.stack([(row * qvel[:, 3:6]).sum(1) for row in rows], 1)
    torch.testing.assert_close(spin.float(), root[:, 10:13], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(qpos[:, 7:].float().sort(1)[0], a1.dof_pos.sort(1)[0], rtol=0, atol=0)


def test_a_generalized_state_is_gone_back_to_exactly(a1):
    place_a1(a1)
    trajectory(a1, 8, amplitude=AMPLITUDE)
    one = torch.tensor([1])
    state = [part[1:2].clone() for part in a1.generalized_state()]
    assert all(part.any() for part in state)
    tensors = [tensor[1].clone() for tensor in (a1.root_states, a1.dof_pos, a1.dof_vel)]
    first = [trajectory(a1, 1)[:, 1], *(part[1].clone() for part in a1.generalized_state())]
    trajectory(a1, 5, amplitude=AMPLITUDE)
    others = [tensor[[0, 2]].clone() for tensor in (a1.root_states, a1.dof_pos, *a1.generalized_state())]
    a1.reset(one)
    a1.set_generalized_state(one, *state)
    for tensor, expected in zip((a1.root_states, a1.dof_pos, a1.dof_vel), tensors):
        assert torch.equal(tensor[1], expected)
    for tensor, expected in zip((a1.root_states, a1.dof_pos, *a1.generalized_state()), others):
        assert torch.equal(tensor[[0, 2]], expected)
    again = [trajectory(a1, 1)[:, 1], *(part[1].clone() for part in a1.generalized_state())]
    assert all(torch.equal(a, b) for a, b in zip(first, again))
