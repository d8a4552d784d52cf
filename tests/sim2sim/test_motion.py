"""Robots that follow a clip in plain MuJoCo: they see and move as in their task, and what is told of them."""

from __future__ import annotations

import json
from typing import Any

import mujoco
import numpy as np
import pytest
import torch

from legged_gym.envs.imitation.training_config import SENSED, TARGETS
from legged_gym.errors import UserError
from legged_gym.policies.metadata import describe_policy
from legged_gym.scripts.sim2sim import robot_file_of
from legged_gym.sim2sim.ground import Ground
from legged_gym.sim2sim.motion import Reference, follow
from legged_gym.sim2sim.robot import Robot, World
from legged_gym.sim2sim.terms import TERMS
from rsl_rl.models import ActorCritic
from tests.envs.imitation.robots import make

GROUPS = [*SENSED, *TARGETS, "torso_xy_rel", "torso_yaw_rel", "upper_body_joint_targets", "terrain_height"]
SETTINGS = {
    "noise.add_noise": False, "domain_rand.randomize_base_mass": False, "deepmimic.randomize_start_offset": False,
    "deepmimic.amass_terrain_difficulty": 1, "control.beta": 0.7,
    "deepmimic.cut_off_import_length": 60,
}  # fmt: skip


class Acting:
    """In the place of an exported network: the actor itself."""

    def __init__(self, actor: Any, description: Any, folder: Any) -> None:
        self.actor, self.path = actor, str(folder / "policy.onnx")
        self.description = json.loads(json.dumps(description))

    def reset(self) -> None:
        """It remembers nothing."""

    def __call__(self, obs: Any) -> np.ndarray:
        self.seen = obs
        with torch.no_grad():
            return self.actor({name: torch.as_tensor(x)[None].float() for name, x in obs.items()})[0][0].numpy()


@pytest.fixture(scope="module", params=["reference", "inverse_dynamics"])
def env(request):
    return make("g1_deepmimic_root_heightfield_dagger", 1, **SETTINGS, **{"control.actions_about": request.param})


@pytest.fixture(scope="module")
def robot(env, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    torch.manual_seed(1)
    policy = ActorCritic(env.observation_dims, 23, actor_obs_groups=GROUPS, critic_obs_groups=GROUPS)
    more, files = env.beside_policy()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    acting = Acting(policy.actor, {**describe_policy(env, policy.actor, "any", {}), **more}, folder)
    return Robot(acting, World(robot_file_of(acting), Ground()), TERMS)


def test_it_sees_and_moves_as_in_its_task(env, robot):
    obs = env.reset()
    robot.start()
    for step in range(12):
        robot.step()
        for name, found in robot.policy.seen.items():
            np.testing.assert_allclose(found, obs[name][0].numpy(), atol=3e-3, err_msg=f"{name}, {step}")
        actions = robot.policy({name: value[0].numpy() for name, value in obs.items()})
        obs, _, dones, _ = env.step(torch.as_tensor(actions)[None])
        assert not dones.any()
        np.testing.assert_allclose(robot.joint_angles, env.dof_pos[0].numpy(), atol=1e-3)


def test_what_is_told_of_an_episode(robot, monkeypatch):
    """A robot that is 0.1 m beside its clip with one joint of 23 off by 0.23 rad; then one that goes too far."""
    reference, away = robot.reference, [0.1]

    def step() -> None:
        robot.steps += 1
        robot.data.qpos[:] = reference.qpos[reference.last(robot.steps)]
        robot.data.qpos[1] += away[0]
        robot.data.qpos[robot._qpos[-1]] += 0.23  # an elbow, which turns the wrist alone
        mujoco.mj_kinematics(robot.model, robot.data)

    monkeypatch.setattr(robot, "step", step)
    found = follow(robot, reference)
    assert found.share == 1.0 and found.joint_error == pytest.approx(0.23 / np.sqrt(23), rel=1e-3)
    assert found.body_pos_error == pytest.approx(0.1, abs=0.01)
    away[0] = 2.0 * robot.description["motion"]["threshold"]
    assert follow(robot, reference).share == pytest.approx(2 / 59)


def test_clips_that_do_not_fit(robot, tmp_path):
    def write(**changes: Any) -> str:
        with np.load(f"{robot.policy.path[: -len('policy.onnx')]}clip_0.npz") as file:
            fields = {**file, **changes}
        path = str(tmp_path / f"{'_'.join(changes)}.npz")
        np.savez(path, **fields)
        return path

    for path, words in (
        (write(fps=np.array(30.0)), "has 30 frames a second, and the policy acts 50 times"),
        (
            write(joint_names=np.array([f"j{k}" for k in range(23)])),
            "is a clip of another robot: it has no joint left_hip",
        ),
        (write(joints=np.zeros((1, 23))), "has 1 frames, at least 2"),
        (str(tmp_path / "none.npz"), "cannot read the clip .*none"),
    ):
        with pytest.raises(UserError, match=words):
            Reference(path, robot.model, robot.description)
