"""A small learner for legged robots: PPO over thousands of environments stepped at once.

`env` is the contract that an environment keeps; `modules` are building blocks of networks; `models` map groups of
observations to outputs; `storage` holds one rollout; `algorithms` improve a policy from it; `runners` own the loop.
"""

ORIGIN = "legged_gym"
"""The project that this package is of; packages of other projects have the same name."""
