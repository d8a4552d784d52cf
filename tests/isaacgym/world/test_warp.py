"""The API on MuJoCo Warp, here on the CPU: as on MuJoCo's own engine, in float32."""

from __future__ import annotations

import os

import pytest
import torch

from legged_gym.isaacgym import gymapi, gymtorch
from legged_gym.isaacgym.world import world
from tests.isaacgym.scenes import Scene, at, gym, options
from tests.sim.worlds import A1, A1_POSE


def scene() -> Scene:
    folder, file = os.path.split(A1)
    made = gym.load_asset(None, folder, file, options())
    feet = [gym.find_asset_rigid_body_index(made, f"{leg}_foot") for leg in ("FL", "FR", "RL", "RR")]
    for foot in feet:
        gym.create_asset_force_sensor(made, foot, at(), gymapi.ForceSensorProperties(use_world_frame=True))

    def load(sim, env, actors):
        bodies = gym.get_actor_rigid_body_properties(env, actors[0])
        bodies[0].mass += 2.0 * env.index
        gym.set_actor_rigid_body_properties(env, actors[0], bodies, recomputeInertia=True)

    return Scene([made], [at(z=0.3)], before=load)


def stand(scene: Scene, steps: int) -> None:
    q, qd = scene.dof.view(2, 12, 2).unbind(-1)
    for _ in range(steps):
        scene.efforts(60.0 * (A1_POSE - q) - 1.5 * qd)
        gym.simulate(scene.sim)
        gym.refresh_dof_state_tensor(scene.sim)
    scene.refresh()


@pytest.fixture
def warp(monkeypatch) -> Scene:
    pytest.importorskip("mujoco_warp")
    monkeypatch.setattr(world, "_make_engine", world.warp_engine)
    return scene()


def test_robots_stand_as_on_the_other_engine(warp, monkeypatch) -> None:
    monkeypatch.undo()
    scenes = (scene(), warp)
    for one in scenes:
        one.dof[:, 0] = A1_POSE.repeat(2)
        gym.set_dof_state_tensor(one.sim, gymtorch.unwrap_tensor(one.dof))
        stand(one, 120)
    cpu, gpu = scenes
    torch.testing.assert_close(gpu.root, cpu.root, atol=5e-3, rtol=0.0)
    torch.testing.assert_close(gpu.dof[:, 0], cpu.dof[:, 0], atol=5e-3, rtol=0.0)
    torch.testing.assert_close(gpu.bodies[:, :7], cpu.bodies[:, :7], atol=5e-3, rtol=0.0)
    sensors = gymtorch.wrap_tensor(gym.acquire_force_sensor_tensor(gpu.sim)).view(2, 4, 6)
    gym.refresh_force_sensor_tensor(gpu.sim)
    weights = 9.81 * torch.tensor([12.454, 14.454])
    torch.testing.assert_close(gpu.contact.view(2, -1, 3)[..., 2].sum(1), weights, rtol=0.1, atol=0.0)
    torch.testing.assert_close(sensors[..., 2].sum(1), weights, rtol=0.1, atol=0.0)


def test_a_robot_that_breaks_down_begins_anew(warp) -> None:
    warp.root[1, 7] = float("nan")
    gym.set_actor_root_state_tensor(warp.sim, warp.root)
    warp.step(2)
    assert torch.isfinite(warp.root).all() and torch.isfinite(warp.bodies).all()
    assert warp.root[1, 2] == pytest.approx(0.3, abs=0.01)


def test_gravity_changes(warp) -> None:
    changed = gym.get_sim_params(warp.sim)
    changed.gravity = gymapi.Vec3(0, 0, 2.0)
    gym.set_sim_params(warp.sim, changed)
    warp.root[:, 2], warp.dof[:, 0] = 1.0, A1_POSE.repeat(2)
    gym.set_dof_state_tensor(warp.sim, warp.dof)
    gym.set_actor_root_state_tensor(warp.sim, warp.root)
    warp.step(5)
    assert warp.root[:, 9].tolist() == pytest.approx([0.05, 0.05], rel=0.05)
