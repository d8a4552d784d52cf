"""What robots with goals share: a robot and its mirror image see mirror images."""

from __future__ import annotations

import torch

from legged_gym.envs.parkour.galileo_config import GalileoParkourCfg
from legged_gym.envs.parkour.parkour_robot import ParkourRobot

LEFT_RIGHT = torch.tensor([3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8])  # joints FL, FR, RL, RR, each hip, thigh, calf
JOINT_SIGNS = torch.tensor([-1.0, 1.0, 1.0]).repeat(4)
FEET = torch.tensor([1, 0, 3, 2])


def in_the_mirror(state: torch.Tensor) -> torch.Tensor:
    """Root state (13,) of the mirror image in the xz plane, quaternion x, y, z, w."""
    return state * torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0])


def test_a_robot_and_its_mirror_image():
    cfg = GalileoParkourCfg()
    cfg.update({"env": {"num_envs": 2}, "domain_rand": {"push_robots": False}})
    cfg.sim.num_threads = 1
    env = ParkourRobot(cfg, sim="mujoco", seed=1)
    env.reset()
    env.hurdles.put_up(torch.arange(2), torch.tensor([[0.2, 0.3, 0.4, 0.0]] * 2))
    draw = torch.Generator().manual_seed(0)
    root = torch.tensor([2.9, 0.6, 0.5, 0.1, -0.05, 0.4, 1.0, 0.5, 0.3, 0.1, 0.4, -0.2, 0.6])
    root[3:7] /= root[3:7].norm()
    roots = torch.stack((root, in_the_mirror(root)))
    roots[:, :3] += env.env_origins
    angles, speeds, actions = (0.3 * torch.randn(12, generator=draw) for _ in range(3))
    angles, speeds, actions = (torch.stack((x, x[LEFT_RIGHT] * JOINT_SIGNS)) for x in (angles, speeds, actions))
    env.sim.set_root_states(torch.arange(2), roots)
    env.sim.set_dof_states(torch.arange(2), env.default_dof_pos + angles, speeds)
    env._update_base()
    touched = torch.tensor([True, False, True, True])
    env.actions, env.feet_touched = actions, torch.stack((touched, touched[FEET]))
    env._touching_now = torch.zeros_like(env.feet_touched)
    env.commands[:], env.friction_coeffs[:], env.added_masses[:] = 0.9, 0.7, 1.5
    env.com_displacements[:] = torch.tensor([[0.01, -0.02, 0.03], [0.01, 0.02, 0.03]])
    gains = torch.rand(12, generator=draw)
    env.env_p_gains[:] = (0.5 + torch.stack((gains, gains[LEFT_RIGHT]))) * env.p_gains
    env.env_d_gains[:] = (0.5 + torch.stack((gains, gains[LEFT_RIGHT]))) * env.d_gains
    env.motor_strengths[:] = 1.0
    env.observation_history.fresh_frames[:] = True
    env.episode_length_buf[:] = 0
    env._assemble()
    maps = env.mirror_maps()
    assert maps is not None and set(maps) == {*env.obs_buf, "actions"}
    for name, seen in env.obs_buf.items():
        index, sign = maps[name]
        torch.testing.assert_close(seen[1], seen[0, index] * sign, rtol=0, atol=1e-4, msg=lambda m, n=name: f"{n}: {m}")
    for name in ("proprioception", "scan", "explicit", "latent", "history"):
        assert not torch.allclose(env.obs_buf[name][0], env.obs_buf[name][1], atol=1e-2), f"{name} must be lopsided"
