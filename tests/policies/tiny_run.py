"""Run folders like those of training, made in a moment: the weights are random, nothing is learnt."""

from __future__ import annotations

import json
import os

import torch

from legged_gym.policies.export import export_checkpoint
from legged_gym.policies.policy_io import find_policy
from legged_gym.utils.cli import get_args
from legged_gym.utils.task_registry import task_registry

ITERATION = 7
SMALL = (
    "--sim=mujoco",
    "--num_envs=4",
    "--logger=none",
    "--env.terrain.num_rows=1",
    "--env.terrain.easy_rows=0",
    "--env.terrain.num_cols=1",
    "--env.terrain.border_size=4",
    "--train.policy.actor_hidden_dims=[32,16]",
    "--train.policy.critic_hidden_dims=[32,16]",
    "--train.policy.rnn_hidden_size=16",
    "--train.policy.normalize_observations=true",
    "--train.algorithm.symmetry=none",  # recurrent policies have none
)
RECURRENT = "--train.runner.policy_class_name=ActorCriticRecurrent"


def make_run(root, task="a1_flat", *options):
    """Make a run with one checkpoint and return its folder."""
    args = get_args([f"--task={task}", *SMALL, *options])
    env, _ = task_registry.make_env(task, args)
    runner, _ = task_registry.make_alg_runner(env, task, args, log_root=str(root))
    obs = env.reset()
    with torch.no_grad():
        for parameter in runner.policy.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    runner.policy.update_normalizers({name: value + 0.3 * torch.randn_like(value) for name, value in obs.items()})
    runner.current_learning_iteration = ITERATION
    runner.save(os.path.join(runner.log_dir, f"model_{ITERATION}.pt"))
    runner.close()
    env.close()
    return runner.log_dir


def make_env(source, *options):
    """The environment of a policy that was found, without noise."""
    args = get_args([f"--task={source.task}", *SMALL[:2], "--env.noise.add_noise=false", *options])
    return task_registry.make_env(source.task, args, source.env_cfg)[0]


def flags(*argv):
    """The command line of a script that runs policies."""
    from legged_gym.policies.policy_io import add_policy_flag
    from legged_gym.utils.cli import make_parser
    from legged_gym.utils.options import CommandLine

    parser = make_parser("")
    add_policy_flag(parser)
    return CommandLine.read(parser.parse(list(argv)))


def export(run, folder, *options):
    source = find_policy(flags(f"--policy={run}", *options))
    env = make_env(source, *options)
    export_checkpoint(source, env, str(folder))
    return env, json.loads((folder / "policy.json").read_text())


def make_plane_env(task, *options):
    args = get_args([*SMALL[:2], "--env.terrain.mesh_type=plane", *options])
    return task_registry.make_env(task, args)[0]
