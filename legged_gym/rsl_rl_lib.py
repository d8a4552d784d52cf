"""Tasks for the learner of PyPI's rsl-rl-lib, whose package is called `rsl_rl` as ours is.

    from legged_gym.rsl_rl_lib import make

    env = make("a1_flat", num_envs=512)
    from rsl_rl.runners import OnPolicyRunner  # PyPI's, from here on

In a process that has called `make`, `rsl_rl` is PyPI's package. Ours goes on under a private name, and with it the
environment: `legged_gym` is not to be imported once more there.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

from legged_gym.errors import UserError
from legged_gym.forks.names import PRIVATE, load_privately

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot

_LEARNER = "rsl_rl"


def make(task: str, **wishes: Any) -> Any:
    """A task as a `rsl_rl.env.VecEnv` of rsl-rl-lib.

    Args:
        task: what `--task` takes.
        wishes: num_envs, settings, device, seed, num_threads of `training.make_env_of`.

    Raises:
        UserError: the package is not installed, or for a task or setting that does not exist.
    """
    try:
        folder = str(metadata.distribution("rsl-rl-lib").locate_file(_LEARNER))
    except metadata.PackageNotFoundError:
        raise UserError("rsl-rl-lib is not installed: pip install rsl-rl-lib") from None
    private = PRIVATE["legged_gym"]
    if private not in sys.modules:
        load_privately()
        spec = importlib.util.spec_from_file_location(
            _LEARNER, f"{folder}/__init__.py", submodule_search_locations=[folder]
        )
        assert spec is not None and spec.loader is not None
        sys.modules[_LEARNER] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[_LEARNER])
    env = importlib.import_module(f"{private}.utils.training").make_env_of(task, **wishes)
    return _class()(env)


def _class() -> type:
    """The class of environments, whose base is there only now."""
    from tensordict import TensorDict

    base: Any = importlib.import_module(f"{_LEARNER}.env").VecEnv

    class LeggedVecEnv(base):  # type: ignore[misc]
        """A `LeggedRobot` as rsl-rl-lib wants it; groups of observations keep their names."""

        def __init__(self, env: LeggedRobot) -> None:
            self.env, self.cfg = env, env.cfg.to_dict()
            self.num_envs, self.num_actions, self.device = env.num_envs, env.num_actions, env.device
            self.max_episode_length = env.max_episode_length
            env.reset()

        @property
        def episode_length_buf(self) -> Any:
            """(N,) int64, steps done; their runner sets it, to begin with episodes of all ages."""
            return self.env.episode_length_buf

        @episode_length_buf.setter
        def episode_length_buf(self, ages: Any) -> None:
            self.env.mix_ages()

        def get_observations(self) -> TensorDict:
            """All groups."""
            return self._shown(self.env.get_observations())

        def step(self, actions: Any) -> Any:
            """Observations, rewards (N,), dones (N,) and extras: `time_outs`, and `log` when episodes ended."""
            observations, rewards, dones, extras = self.env.step(actions)
            shown = {"time_outs": extras["time_outs"], **({"log": extras["log"]} if "log" in extras else {})}
            return self._shown(observations), rewards.clone(), dones.clone(), shown

        def close(self) -> None:
            """Free the simulator."""
            self.env.close()

        def _shown(self, observations: Any) -> TensorDict:
            copies = {name: values.clone() for name, values in observations.items()}
            return TensorDict(copies, batch_size=[self.num_envs], device=self.device)

    return LeggedVecEnv
