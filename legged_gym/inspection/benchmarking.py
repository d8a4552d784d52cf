"""How much of the physics engine's speed is left once an environment, a policy and a learner are built on it.

Machines are noisy: clocks change, neighbours come and go. So speeds are measured in short blocks that take turns, and a
ratio is the median of ratios of two blocks that followed one another directly. The engine's block is a replay: the very
same targets from the very same states that the environment's block went through, so both do the same physics.

A step is one policy step of one environment (`decimation` sub-steps of physics).
"""

from __future__ import annotations

import contextlib
import statistics
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Tuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot
    from rsl_rl.runners.inference_policy import InferencePolicy

# as training from scratch begins
_RANDOM_ACTION_STD = 1.0
# spread of a distribution of blocks that results state
_QUARTILES = 4


class EngineReplay(ABC):
    """Takes down where a block begins and what it commands, and has the engine alone do the same.

    Attributes:
        clock: gives the time, s.
    """

    def __init__(self) -> None:
        """Begin with nothing taken down."""
        self.clock: Callable[[], float] = time.perf_counter
        self._noted: List[Tuple[Tensor, int]] = []

    def begin(self) -> None:
        """Take down the states that a block begins from."""
        self._noted.clear()
        self._save_states()

    def note(self, targets: Tensor, substeps: int) -> None:
        """Take down targets (N, D) and the number of sub-steps that they are for. Nothing is copied."""
        self._noted.append((targets, substeps))

    @abstractmethod
    def _save_states(self) -> None:
        """Keep the present states of all environments."""

    @abstractmethod
    def replay(self) -> float:
        """Repeat the block and return the seconds it took. The environment is left as it is."""


class BatchReplay(EngineReplay):
    """A `mujoco.batch.Batch` of its own: the same models, and nothing bound but the targets."""

    def __init__(self, env: LeggedRobot) -> None:
        """Build a batch like that of the environment, every robot's own friction and mass included."""
        super().__init__()
        from mujoco import batch as mujoco_batch

        sim: Any = env.sim
        self._source = sim.batch
        self._batch = mujoco_batch.Batch(self._source.model, env.num_envs, self._source.nthread)
        for name in mujoco_batch.MODEL_FIELDS:
            values = self._source.expanded(name)
            if values is not None:
                self._batch.expand(name)[...] = values
        self._targets = self._batch.bind("ctrl")
        self._states = self._source.state.copy()

    def _save_states(self) -> None:
        self._states[...] = self._source.state

    def replay(self) -> float:
        """See `EngineReplay`."""
        noted = [(targets.double().numpy(), substeps) for targets, substeps in self._noted]
        self._batch.state[...] = self._states
        began = self.clock()
        for targets, substeps in noted:
            self._targets[...] = targets
            self._batch.step(nstep=substeps)
        return self.clock() - began


class GraphReplay(EngineReplay):
    """MuJoCo Warp's own step, recorded as a graph of its own, on the simulator's data."""

    def __init__(self, env: LeggedRobot) -> None:
        """Use the simulator of the environment; it gets its state back after each replay."""
        super().__init__()
        self._sim: Any = env.sim
        self._states: Dict[str, Any] = {}

    def _save_states(self) -> None:
        self._states = self._sim.state_dict()

    def replay(self) -> float:
        """See `EngineReplay`."""
        sim, present = self._sim, self._sim.state_dict()
        sim.load_state_dict(self._states)
        seconds = timed(self._steps, sim.device)
        sim.load_state_dict(present)
        return seconds

    def _steps(self) -> None:
        for targets, substeps in self._noted:
            self._sim._arrays.ctrl.copy_(targets)
            self._sim._run(("engine", substeps), lambda count=substeps: self._step_engine(count))

    def _step_engine(self, count: int) -> None:
        import mujoco_warp

        for _ in range(count):
            mujoco_warp.step(self._sim.engine_model, self._sim.data)


REPLAYS: Dict[str, Callable[[Any], EngineReplay]] = {"mujoco": BatchReplay, "mujoco_warp": GraphReplay}
"""The replay for each simulator."""


class Block(NamedTuple):
    """Seconds of one block and of the engine's replay of it."""

    seconds: float
    engine_seconds: float


def measure_blocks(
    env: LeggedRobot, replay: EngineReplay, works: Mapping[str, Callable[[], None]], num_blocks: int
) -> Dict[str, List[Block]]:
    """Time several kinds of work that step an environment, taking turns.

    Args:
        env: the environment; what it asks of its simulator is watched meanwhile.
        replay: of the environment's engine.
        works: name -> a block of that work.
        num_blocks: blocks of each kind, after one of each that is not counted.

    Returns:
        name -> its blocks in order.
    """
    blocks: Dict[str, List[Block]] = {name: [] for name in works}
    with watched(env, replay):
        for turn in range(num_blocks + 1):
            for name, work in works.items():
                replay.begin()
                seconds = timed(work, env.device)
                block = Block(seconds, replay.replay())
                if turn > 0:
                    blocks[name].append(block)
    return blocks


@contextlib.contextmanager
def watched(env: LeggedRobot, replay: EngineReplay) -> Iterator[None]:
    """Note the targets of every step of the simulator."""
    env.control.listeners.append(replay.note)
    try:
        yield
    finally:
        env.control.listeners.remove(replay.note)


def timed(work: Callable[[], None], device: torch.device) -> float:
    """Seconds that work on a device took, to its very end."""
    _synchronize(device)
    began = time.perf_counter()
    work()
    _synchronize(device)
    return time.perf_counter() - began


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def env_work(env: LeggedRobot, num_steps: int) -> Callable[[], None]:
    """A block of `env.step` with random actions, drawn beforehand."""
    generator = torch.Generator().manual_seed(0)
    shape = (num_steps, env.num_envs, env.num_actions)
    actions = (_RANDOM_ACTION_STD * torch.randn(shape, generator=generator)).to(env.device)

    @torch.no_grad()
    def work() -> None:
        for action in actions:
            env.step(action)

    return work


def policy_work(env: LeggedRobot, policy: InferencePolicy, num_steps: int) -> Callable[[], None]:
    """A block of a policy acting: observations (by group) -> actions -> `env.step`."""

    @torch.no_grad()
    def work() -> None:
        observations = env.get_observations()
        for _ in range(num_steps):
            observations, _, dones, _ = env.step(policy(observations).to(env.device))
            policy.reset(dones)

    return work


def mix_ages(env: LeggedRobot) -> None:
    """Begin with episodes of all ages, so that blocks see as many time-outs as training does."""
    env.reset()
    env.mix_ages(torch.Generator().manual_seed(0))


def summarize(blocks: Mapping[str, List[Block]], steps_per_block: int) -> Dict[str, Any]:
    """Turn times into speeds and ratios.

    Args:
        blocks: name of a speed (such as `env_steps_per_s`) -> its blocks.
        steps_per_block: environments times steps.

    Returns:
        The median of each speed and of `raw_engine_steps_per_s` (replays of the first kind of block); `ratios`, each
        the median over blocks of speed / speed of the replay; `quartiles` of all of these.
    """
    first = next(iter(blocks.values()))
    samples = {"raw_engine_steps_per_s": [steps_per_block / block.engine_seconds for block in first]}
    samples.update({name: [steps_per_block / block.seconds for block in kind] for name, kind in blocks.items()})
    ratios = {
        ratio_name(name): [block.engine_seconds / block.seconds for block in kind] for name, kind in blocks.items()
    }
    return {
        **{name: statistics.median(values) for name, values in samples.items()},
        "ratios": {name: statistics.median(values) for name, values in ratios.items()},
        "quartiles": {name: _quartiles(values) for name, values in {**samples, **ratios}.items()},
    }


def ratio_name(speed_name: str) -> str:
    """Name of the ratio of a speed to the engine's: "train_samples_per_s_bfloat16" -> "train_bfloat16_over_raw"."""
    for unit in ("_steps_per_s", "_samples_per_s"):
        speed_name = speed_name.replace(unit, "")
    return f"{speed_name}_over_raw"


def _quartiles(values: List[float]) -> Tuple[float, float]:
    if len(values) == 1:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=_QUARTILES, method="inclusive")
    return low, high
