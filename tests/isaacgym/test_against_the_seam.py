"""The same robot with the same targets through the API and through the seam moves alike."""

from __future__ import annotations

import os

import pytest
import torch

from legged_gym.isaacgym import gymapi, gymtorch
from legged_gym.sim.factory import make_simulator
from legged_gym.sim.spec import SimSpec, Solver
from tests.isaacgym.scenes import Scene, at, gym, options
from tests.sim.worlds import A1, A1_POSE

GAINS = 40.0, 1.0
STEPS = 400
HEIGHT = 0.4


def targets(step: int) -> torch.Tensor:
    """A trot of two robots, one half as wide as the other."""
    phase = torch.tensor(0.03 * step)
    wave = torch.stack((torch.sin(phase), torch.sin(phase + torch.pi)))
    swing = torch.zeros(4, 3)
    swing[:, 1] = wave[[0, 1, 1, 0]]
    return A1_POSE + torch.tensor([[0.3], [0.15]]) * swing.flatten()


@pytest.fixture
def a1_asset():
    folder, file = os.path.split(A1)
    return gym.load_asset(None, folder, file, options())


def seam(position_control: bool):
    spec = SimSpec(
        A1, foot_name="foot", position_control=position_control, dt=0.005, num_threads=1,
        stiffness={"joint": GAINS[0]}, damping={"joint": GAINS[1]}, solver=Solver(integrator="implicitfast"),
        self_collisions=True,
    )  # fmt: skip
    sim = make_simulator(spec, 2, "mujoco")
    every = torch.arange(2)
    root = torch.tensor([[0.0, 0.0, HEIGHT, 0.0, 0.0, 0.0, 1.0] + [0.0] * 6]).repeat(2, 1)
    sim.set_root_states(every, root)
    sim.set_dof_states(every, A1_POSE.repeat(2, 1), torch.zeros(2, 12))
    return sim


def start(scene: Scene) -> None:
    scene.dof[:, 0] = A1_POSE.repeat(2)
    scene.dof[:, 1] = 0.0
    gym.set_dof_state_tensor(scene.sim, gymtorch.unwrap_tensor(scene.dof))


def close(scene: Scene, sim) -> bool:
    scene.refresh()
    near = torch.allclose(scene.root, sim.root_states, rtol=0.0, atol=1e-5)
    return near and torch.allclose(scene.dof.view(2, 12, 2)[..., 0], sim.dof_pos, rtol=0.0, atol=1e-5)


def test_torques_of_the_caller(a1_asset) -> None:
    scene, sim = Scene([a1_asset], [at(z=HEIGHT)]), seam(False)
    start(scene)
    q, qd = scene.dof.view(2, 12, 2).unbind(-1)
    for step in range(STEPS):
        scene.efforts(GAINS[0] * (targets(step) - q) - GAINS[1] * qd)
        gym.simulate(scene.sim)
        gym.refresh_dof_state_tensor(scene.sim)
        sim.step_torques(GAINS[0] * (targets(step) - sim.dof_pos) - GAINS[1] * sim.dof_vel)
    assert close(scene, sim)
    assert scene.root[:, 2].min() > 0.15
    torch.testing.assert_close(scene.bodies.view(2, -1, 13), sim.body_states, rtol=0.0, atol=1e-4)
    torch.testing.assert_close(scene.contact.view(2, -1, 3), sim.contact_forces, rtol=1e-3, atol=1e-2)


def test_drives_of_the_engine(a1_asset) -> None:
    def drive(sim, env, actors):
        dofs = gym.get_actor_dof_properties(env, actors[0])
        dofs["driveMode"], dofs["stiffness"], dofs["damping"] = gymapi.DOF_MODE_POS, *GAINS
        assert gym.set_actor_dof_properties(env, actors[0], dofs)

    scene, sim = Scene([a1_asset], [at(z=HEIGHT)], before=drive), seam(True)
    start(scene)
    for step in range(STEPS):
        gym.set_dof_position_target_tensor(scene.sim, gymtorch.unwrap_tensor(targets(step)))
        gym.simulate(scene.sim)
        sim.step(targets(step), 1)
    assert close(scene, sim)
    torch.testing.assert_close(scene.dof_force.view(2, 12), sim.torques, rtol=1e-3, atol=1e-3)
