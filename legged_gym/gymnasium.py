"""Tasks as vector environments of Gymnasium, for learners other than ours. Importing this registers them.

    import gymnasium
    import legged_gym.gymnasium

    envs = gymnasium.make_vec("legged_gym/a1_flat-v0", num_envs=64)
    envs = legged_gym.gymnasium.make("a1_vision", num_envs=64, observations="dict", settings={"env.seed": 3})

An environment whose episode ends is reset within that step (`AutoresetMode.SAME_STEP`); what its episode saw last is
then in `infos["final_obs"]`.
"""

from __future__ import annotations

import contextlib
from typing import Any, Dict, Mapping, Optional, Tuple, Union

import numpy as np
from torch import Tensor, as_tensor, float32

try:
    import gymnasium
    from gymnasium.spaces import Box
    from gymnasium.vector import AutoresetMode, VectorEnv
    from gymnasium.vector.utils import batch_space
except ImportError as error:
    raise ImportError("legged_gym.gymnasium needs Gymnasium: pip install 'gymnasium>=1.1'") from error

from legged_gym.envs import registry
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.parts.final_observations import FinalObservations
from legged_gym.errors import UserError
from legged_gym.utils import training

Observations = Union[np.ndarray, Dict[str, np.ndarray]]

_KINDS = ("flat", "dict")


def make(task: str, observations: str = "flat", **wishes: Any) -> LeggedVectorEnv:
    """A task as a vector environment.

    Args:
        task: what `--task` takes.
        observations: "flat" for the group `policy` alone, (N, k); "dict" for all groups by name.
        wishes: num_envs, settings, device, seed, num_threads of `training.make_env_of`.

    Raises:
        UserError: for a task or a setting that does not exist.
    """
    if observations not in _KINDS:
        raise UserError(f"observations={observations!r}: one of {', '.join(_KINDS)}")
    return LeggedVectorEnv(training.make_env_of(task, **wishes), observations == "flat")


class LeggedVectorEnv(VectorEnv):
    """A `LeggedRobot` with the interface of Gymnasium: numpy arrays in and out.

    Actions are those of the environment: unscaled, about 1 in size, and clipped at `normalization.clip_actions`, which
    bounds the space. Learners that scale actions to the space's bounds want that setting small.

    Attributes:
        env: the environment.
    """

    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_modes": []}

    def __init__(self, env: LeggedRobot, flat: bool = True) -> None:
        """Show the group `policy` alone, or all groups."""
        self.env, self.num_envs, self._flat = env, env.num_envs, flat
        limits = env.cfg.normalization
        spaces = {name: _box(shape, limits.clip_observations) for name, shape in env.observation_dims.items()}
        self.single_observation_space = spaces["policy"] if flat else gymnasium.spaces.Dict(spaces)
        self.single_action_space = _box((env.num_actions,), limits.clip_actions)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._ends = env.use_part("final_observations", FinalObservations(env), first=True)

    def reset(
        self, *, seed: Optional[int] = None, options: Optional[Dict[str, Any]] = None
    ) -> Tuple[Observations, Dict[str, Any]]:
        """Begin new episodes of all robots."""
        if seed is not None:
            self.env.generator.manual_seed(seed)
        return self._shown(self.env.reset()), {}

    def step(self, actions: Any) -> Tuple[Observations, np.ndarray, np.ndarray, np.ndarray, Dict[str, Any]]:
        """Advance all robots by one policy step.

        Args:
            actions: (N, A).

        Returns:
            Observations; rewards (N,) float32; whether an episode was terminated, and truncated, (N,) bool; infos, in
            which `log` has the means of episodes that ended.
        """
        self._ends.last = {}
        observations, rewards, dones, extras = self.env.step(as_tensor(np.asarray(actions), dtype=float32))
        truncated = extras["time_outs"]
        infos: Dict[str, Any] = {"log": extras["log"]} if "log" in extras else {}
        if self._ends.last:
            infos.update(self._final(dones.cpu().numpy()))
        ends = _numpy(dones & ~truncated), _numpy(truncated)
        return (self._shown(observations), _numpy(rewards), *ends, infos)

    def _final(self, dones: np.ndarray) -> Dict[str, Any]:
        """As Gymnasium has it: an array of objects, None for those that go on, and a mask."""
        found = np.full(self.num_envs, None, dtype=object)
        for index in np.flatnonzero(dones):
            one = {name: _numpy(values[index]) for name, values in self._ends.last.items()}
            found[index] = one["policy"] if self._flat else one
        return {"final_obs": found, "_final_obs": dones}

    def _shown(self, observations: Mapping[str, Tensor]) -> Observations:
        return _numpy(observations["policy"]) if self._flat else {k: _numpy(v) for k, v in observations.items()}

    def close_extras(self, **_: Any) -> None:
        """Free the simulator."""
        self.env.close()


def _box(shape: Tuple[int, ...], limit: float) -> Any:
    return Box(-limit, limit, tuple(shape), np.float32)


def _numpy(values: Tensor) -> np.ndarray:
    """A copy: the environment refreshes its buffers in place."""
    array: np.ndarray = values.detach().cpu().numpy().copy()
    return array


def _register() -> None:
    for name in registry.names():
        with contextlib.suppress(gymnasium.error.Error):  # imported before
            gymnasium.register(
                f"legged_gym/{name}-v0", vector_entry_point="legged_gym.gymnasium:make", kwargs={"task": name}
            )


_register()
