"""train.py with the task `fake`, as a script; runs go below the current folder."""

from __future__ import annotations

import os
import sys

from legged_gym.envs import registry
from legged_gym.programs import run_script
from legged_gym.scripts import train
from tests.utils.fake_task import FakeCfg, FakeEnv, FakeTrainCfg


def main(argv=None) -> int:
    os.environ["LEGGED_GYM_LOGS"] = os.path.abspath("logs")
    registry.register("fake", FakeEnv, FakeCfg, FakeTrainCfg)
    status = train.main(["--task=fake", "--sim=mujoco", "--rl_device=cpu", *(argv or sys.argv[1:])])
    print("loaded", "wandb" in sys.modules)
    return status


if __name__ == "__main__":
    run_script(main)
