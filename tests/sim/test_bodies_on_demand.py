"""Bodies are derived when asked for: where the engine itself finds them, and nobody walks differently for it."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
import torch

from tests.sim.worlds import A1_POSE, a1_cfg, everyone, make, place_a1, sloped_ground, urdf_cfg


@pytest.fixture
def walkers():
    """Makes A1s, one of them with another mass and friction, just above sloping ground."""

    def make_one(control_type="P"):
        sim = make("mujoco", a1_cfg(control_type), 3, ground=sloped_ground())
        sim.set_masses(torch.tensor([1]), "base", torch.tensor([2.0]))
        sim.set_friction(everyone(sim), torch.tensor([0.3, 1.0, 1.7]))
        place_a1(sim, height=0.55)
        return sim

    return make_one


def targets(seed=0, steps=20):
    generator = torch.Generator().manual_seed(seed)
    return A1_POSE + 0.3 * torch.randn(steps, 3, 12, generator=generator)


def expected_states(sim, robot):
    """(B, 13) by plain MuJoCo, of the robot's positions and velocities alone."""
    model = sim.robot.model
    data = mujoco.MjData(model)
    qpos, qvel, _ = sim.generalized_state()
    data.qpos[:], data.qvel[:] = qpos[robot].numpy(), qvel[robot].numpy()
    mujoco.mj_forward(model, data)
    states, twist = [], np.zeros(6)
    for body in sim.robot.body_ids:
        mujoco.mj_objectVelocity(model, data, mujoco.mjtObj.mjOBJ_XBODY, body, twist, 0)
        states.append(np.concatenate((data.xpos[body], np.roll(data.xquat[body], -1), twist[3:], twist[:3])))
    return torch.from_numpy(np.array(states)).float()


def test_after_every_step_and_teleport_they_are_where_the_engine_finds_them(walkers):
    sim, touched = walkers(), False
    for step, target in enumerate(targets()):
        sim.step(target, 4)
        touched |= bool((sim.contact_forces[..., 2] > 10.0).any())
        if step == 12:
            sim.set_dof_states(torch.tensor([2]), target[2:] + 0.1, torch.ones(1, 12))
        for robot in range(3):
            torch.testing.assert_close(sim.body_states[robot], expected_states(sim, robot), atol=2e-5, rtol=2e-5)
    assert touched


@pytest.mark.parametrize("control_type", ["P", "T"])
def test_who_asks_changes_no_bit(walkers, control_type):
    asked, left_alone = walkers(control_type), walkers(control_type)
    for step, target in enumerate(targets()):
        for sim in (asked, left_alone):
            if control_type == "P":
                sim.step(target, 4)
            else:
                sim.step_torques(20.0 * (target - sim.dof_pos) - 0.5 * sim.dof_vel)
            if step == 15:
                sim.set_dof_states(torch.tensor([1]), target[1:2], torch.zeros(1, 12))
        assert asked.body_states.isfinite().all()
        for name in ("root_states", "dof_pos", "dof_vel", "torques", "contact_forces"):
            assert torch.equal(getattr(asked, name), getattr(left_alone, name)), name
    if control_type == "P":
        assert (asked.contact_forces[..., 2] > 10.0).any()


BALL_JOINT = """<mujoco><worldbody><body name="base" pos="0 0 2"><freejoint/><geom size="0.1"/>
<body name="arm" pos="0.2 0 0"><joint name="hinge" axis="0 1 0" range="-2 2"/><geom size="0.05"/>
<body name="chain" pos="0.1 0 0.1"><joint name="swivel" type="ball" pos="0 0 0.02"/><geom size="0.04" pos="0 0.1 0"/>
</body></body></body></worldbody></mujoco>"""


def test_bodies_behind_ball_joints_are_where_the_engine_finds_them_too(tmp_path):
    cfg = urdf_cfg(tmp_path, "<robot/>")
    (tmp_path / "robot.xml").write_text(BALL_JOINT)
    cfg.asset.file, cfg.asset.foot_name = str(tmp_path / "robot.xml"), "None"
    sim = make("mujoco", cfg, 2)
    sim.set_masses(torch.tensor([1]), "base", torch.tensor([0.5]))
    for _ in range(30):
        sim.step_torques(torch.tensor([[0.3], [-0.2]]))
    assert sim.body_states[:, 2, 7:].abs().max() > 0.1
    for robot in range(2):
        torch.testing.assert_close(sim.body_states[robot], expected_states(sim, robot), atol=2e-5, rtol=2e-5)
        torch.testing.assert_close(sim.states_of(torch.tensor([2]))[:, 0], sim.body_states[:, 2])
