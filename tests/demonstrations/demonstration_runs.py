"""Collectors and data sets of a few steps, with the policy that is shipped for the A1."""

from __future__ import annotations

from legged_gym.demonstrations.collection import Collection
from legged_gym.demonstrations.dataset import Demonstrations
from legged_gym.demonstrations.setup import make_collector
from legged_gym.policies.policy_io import find_policy
from legged_gym.scripts.collect import _parse as parse
from legged_gym.scripts.collect import main
from legged_gym.utils.options import CommandLine

A1 = ("--policy=a1_flat", "--sim=mujoco", "--num_threads=1")
STEPS = 8


def wish_of(args):
    return Collection(**{name: getattr(args, name) for name in vars(Collection())})


def collector(*flags, steps=STEPS):
    args = parse([*A1, f"--max_steps={steps}", "--num_episodes=1000", *flags])
    return make_collector(find_policy(CommandLine.read(args)).settled(), wish_of(args))


def data_set(folder, *flags, steps=STEPS):
    main([*A1, f"--max_steps={steps}", "--num_episodes=64", f"--output={folder}", *flags])
    return Demonstrations(str(folder))


def files(folder):
    """Contents of the shards by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.npz"))}
