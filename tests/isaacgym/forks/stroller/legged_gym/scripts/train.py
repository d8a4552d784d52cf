import isaacgym
import torch

from legged_gym.envs import *  # noqa: F403
from legged_gym.utils import get_args, task_registry
from rsl_rl import HillClimber

assert isaacgym


def train(args):
    env = task_registry.make_env(args)
    HillClimber(env, args.rl_device).learn(args.max_iterations)
    assert torch.isfinite(env.obs_buf).all()


if __name__ == "__main__":
    train(get_args())
