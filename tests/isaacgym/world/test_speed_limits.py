"""Joints are not faster than their DOFs may be."""

from __future__ import annotations

import pytest
import torch

from legged_gym.isaacgym import gymtorch
from tests.isaacgym.robots import joint, link, robot
from tests.isaacgym.scenes import Scene, asset, at, gym

FREE = 'lower="-1000" upper="1000" effort="100" velocity="{}"'


@pytest.mark.parametrize(("velocity", "held"), [("5", 5.0), ("0", None)])
def test_a_joint_that_is_driven_on_stays_at_its_limit(tmp_path, velocity, held):
    parts = [link("base", 9.0), link("wheel"), joint("turn", "base", "wheel", limit=FREE.format(velocity))]
    wheel = asset(tmp_path, robot(parts), fix_base_link=True)
    scene = Scene([wheel], [at(0, 0, 1)])
    torques = torch.tensor([4.0, 0.0])
    for _ in range(100):
        gym.set_dof_actuation_force_tensor(scene.sim, gymtorch.unwrap_tensor(torques))
        gym.simulate(scene.sim)
    scene.refresh()
    first, second = scene.dof[:, 1].tolist()
    assert first == pytest.approx(held) if held else first > 10.0  # 4 N m on 0.1 kg m^2 for 0.5 s
    assert second == 0.0
