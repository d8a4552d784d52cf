"""Observation terms that remember: histories and holds against frames written down by hand, and exact resume."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from legged_gym.envs import A1FlatCfg
from legged_gym.envs.base.base_config import ObsTerm
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.terms.observation_groups import make_group
from legged_gym.errors import UserError


class Clocks(LeggedRobot):
    """Sees its number and the step of the run, and nothing else."""

    def _obs_clock(self) -> torch.Tensor:
        """Number of the robot, step of the run."""
        numbers = torch.arange(self.num_envs, dtype=torch.float32)
        return torch.stack((numbers, torch.full_like(numbers, float(self.common_step_counter))), dim=1)


def make_env(num_envs: int = 3, add_noise: bool = False, **terms: ObsTerm) -> Clocks:
    cfg = A1FlatCfg()
    cfg.update({"env": {"num_envs": num_envs}, "noise": {"add_noise": add_noise}})
    for name in list(vars(cfg.observations.policy)):
        setattr(cfg.observations.policy, name, None)
    for name, entry in terms.items():
        setattr(cfg.observations.policy, name, entry)
    env = Clocks(cfg, sim="mujoco", seed=1)
    env.reset()
    return env


def stepped(env: Clocks, end: Any = ()) -> torch.Tensor:
    """The observation after a step, in which some robots' episodes end."""
    for robot in end:
        env.episode_length_buf[robot] = env.max_episode_length
    return env.step(torch.zeros(env.num_envs, 12))[0]["policy"]


def test_a_history_is_filled_at_a_reset_and_then_moves_on():
    env = make_env(clock=ObsTerm(history=3))
    assert env.observation_dims["policy"] == (6,)
    # frames of (robot, step), the oldest first
    assert env.obs_buf["policy"].tolist() == [[n, 0, n, 0, n, 0] for n in range(3)]
    assert stepped(env).tolist() == [[n, 0, n, 0, n, 1] for n in range(3)]
    assert stepped(env).tolist() == [[n, 0, n, 1, n, 2] for n in range(3)]
    # robot 1 begins an episode: its frames are all the first; the rows of the others go on
    seen = stepped(env, end=[1])
    assert seen.tolist() == [[0, 1, 0, 2, 0, 3], [1, 3, 1, 3, 1, 3], [2, 1, 2, 2, 2, 3]]
    assert stepped(env).tolist() == [[0, 2, 0, 3, 0, 4], [1, 3, 1, 3, 1, 4], [2, 2, 2, 3, 2, 4]]
    env.close()


def test_newest_first_and_a_plain_term_beside_a_history():
    env = make_env(1, clock=ObsTerm(history=2, newest_first=True, scale=[10.0, 1.0]), added_mass=ObsTerm())
    assert stepped(env)[0, :4].tolist() == [0, 1, 0, 0]
    assert env.observation_groups["policy"].sizes == [4, 1]
    assert torch.equal(env.obs_buf["policy"][:, 4], env.added_masses)
    env.close()


def test_a_held_term_is_refreshed_at_every_kth_step_of_the_episode():
    env = make_env(2, clock=ObsTerm(hold=3, offset=1))
    seen = [float(env.obs_buf["policy"][0, 1])] + [float(stepped(env)[0, 1]) for _ in range(8)]
    # the first frame, then those of the steps 1, 4, 7
    assert seen == [0, 1, 1, 1, 4, 4, 4, 7, 7]
    # steps 9 and 10 of the run: robot 1 begins anew at 9 and takes its next frame one step later
    assert stepped(env, end=[1])[:, 1].tolist() == [7, 9]
    assert stepped(env)[:, 1].tolist() == [10, 10]
    assert stepped(env)[:, 1].tolist() == [10, 10]
    env.close()


def test_a_history_of_a_held_term_has_the_frames_that_were_taken():
    env = make_env(1, clock=ObsTerm(history=3, hold=2))
    seen = [stepped(env)[0, 1::2].tolist() for _ in range(6)]
    assert seen == [[0, 0, 0], [0, 0, 2], [0, 0, 2], [0, 2, 4], [0, 2, 4], [2, 4, 6]]
    env.close()


def test_noise_is_drawn_once_for_a_frame():
    env = make_env(4, add_noise=True, clock=ObsTerm(history=3, noise=0.25))
    before = env.obs_buf["policy"]
    assert torch.equal(before[:, :2], before[:, 4:])  # filled with one frame, noise included
    for _ in range(3):
        after = stepped(env)
        assert torch.equal(after[:, :4], before[:, 2:])
        assert not torch.equal(after[:, 4:] - after[:, 2:4], torch.tensor([[0.0, 1.0]]).expand(4, 2))
        before = after


def test_looking_twice_in_a_step_takes_the_second_frame_instead_of_the_first():
    env = make_env(1, clock=ObsTerm(history=3))
    for _ in range(3):
        stepped(env)
    env._observe()
    assert env.obs_buf["policy"][0, 1::2].tolist() == [1, 2, 3]
    env.close()


def test_plain_terms_keep_no_frames():
    env = make_env(1, clock=ObsTerm())
    assert "history" not in env.parts and not any("frames" in name for name in env.state_dict())
    env.close()


def test_a_resumed_history_goes_on_where_it_was():
    terms = {"clock": ObsTerm(history=4, hold=2, offset=1), "dof_pos": ObsTerm(history=2, noise=0.1)}
    whole, resumed = make_env(add_noise=True, **terms), make_env(add_noise=True, **terms)
    for step in range(4):
        stepped(whole, end=[step % 3])
    stepped(resumed)
    resumed.load_state_dict(whole.state_dict())
    for step in range(4):
        end = [1] if step == 2 else []
        assert torch.equal(stepped(whole, end), stepped(resumed, end))
    whole.close()
    resumed.close()


def test_the_mirror_of_a_history_mirrors_each_frame():
    env = make_env(1, base_lin_vel=ObsTerm(history=2), commands=ObsTerm())
    maps = env.mirror_maps()
    index, sign = maps["policy"]
    assert index.tolist() == list(range(9)) and sign.tolist() == [1, -1, 1, 1, -1, 1, 1, -1, -1]
    env.close()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hold": 2, "offset": 2}, r"clock.offset is 2: it has to be below hold, which is 2"),
        ({"history": 0}, "clock.history: expected a whole number from 1"),
    ],
)
def test_times_that_cannot_be_are_refused(change, message):
    with pytest.raises(UserError, match=message):
        make_env(1, clock=ObsTerm(**change))


def test_images_have_no_history():
    with pytest.raises(UserError, match="is an image: it takes a scale"):
        make_group("depth", {"depth": ObsTerm(history=2)}, {"depth": (1, 3, 4)}, 1.0)
