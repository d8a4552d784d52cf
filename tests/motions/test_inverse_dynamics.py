"""Torques that a clip takes, against MuJoCo's statics: forces of feet that stand still do no work."""

from __future__ import annotations

import dataclasses

import mujoco
import numpy as np
import pytest
import torch

from legged_gym.motions.inverse_dynamics import inverse_dynamics
from legged_gym.sim.robot.skeleton import Skeleton
from tests.motions.biped import STANDING, Engine, stepping_clip


@pytest.mark.parametrize("lean", [0.0, 0.1])
def test_standing(skeleton: Skeleton, robot_file: str, lean: float) -> None:
    """Whatever moves the robot with both feet fixed takes the work that gravity does not give."""
    clip = stepping_clip(skeleton, 2, 50.0).taken(torch.zeros(10, dtype=torch.long))
    column = skeleton.joint_names.index
    clip.joints[:, [column("left_shoulder_roll_joint"), column("right_elbow_joint")]] = 1.0
    clip.joints[:, column("waist_roll_joint")] = lean
    clip = dataclasses.replace(
        clip, contacts=torch.ones(10, 2, dtype=torch.bool), contact_names=tuple(skeleton.foot_names)
    )
    torques, pushes = (part.numpy() for part in inverse_dynamics(clip, skeleton))
    assert np.ptp(torques, axis=0).max() < 1e-6

    engine = Engine(robot_file)
    model, data = engine.model, engine.data
    engine.poses(clip.root_pos[:1], clip.root_quat[:1], clip.joints[:1].numpy(), clip.joint_names)
    mujoco.mj_forward(model, data)
    fixed = np.zeros((12, model.nv))
    for k, foot in enumerate(skeleton.foot_names):
        mujoco.mj_jacBody(model, data, fixed[6 * k : 6 * k + 3], fixed[6 * k + 3 : 6 * k + 6], model.body(foot).id)
    ways = np.linalg.svd(fixed)[2][12:]
    dofs = [int(model.joint(name).dofadr[0]) for name in skeleton.joint_names]
    np.testing.assert_allclose(ways[:, dofs] @ torques[0], ways @ data.qfrc_bias, atol=0.05)
    assert np.abs(ways @ data.qfrc_bias).max() > 1.0
    # and pushes do the work that the root takes
    np.testing.assert_allclose(ways[:, dofs] @ pushes[0], ways[:, [0, 1, 3, 4]], atol=1e-3)


def test_falling_takes_none(skeleton: Skeleton) -> None:
    """With no foot on the ground and the acceleration of gravity."""
    clip = stepping_clip(skeleton, 2, 50.0).taken(torch.zeros(60, dtype=torch.long))
    time = torch.arange(60) / 50.0
    clip.root_pos[:, 2] += STANDING - 0.5 * 9.81 * time**2
    clip = dataclasses.replace(
        clip, contacts=torch.zeros(60, 2, dtype=torch.bool), contact_names=tuple(skeleton.foot_names)
    )
    middle = inverse_dynamics(clip, skeleton).needed[25:35]
    assert float(middle.abs().max()) < 0.05
