"""Where the time of a training iteration goes, and how often it waits for its device.

A part is timed from the end of all work before it to the end of its own, so on a GPU the parts together take longer
than the iteration itself, which is measured apart. Within physics on MuJoCo Warp, the stages of a sub-step are each
recorded by themselves and replayed in the states that training is in.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Tuple

import torch

from legged_gym.inspection.benchmarking import timed
from legged_gym.inspection.waits import Waits

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot
    from rsl_rl.runners.runner import Runner

# replays of a stage of physics that are timed together
_REPLAYS = 20
# places that a profile names
_PLACES = 12


class Stopwatch:
    """Seconds by part; what is called within a part is taken from it.

    Attributes:
        seconds: part -> seconds.
    """

    def __init__(self, device: torch.device) -> None:
        """Measure work on a device."""
        self.seconds: Dict[str, float] = defaultdict(float)
        self._device = device
        self._running: List[str] = []
        self._since = 0.0

    @contextlib.contextmanager
    def watching(self, owner: Any, name: str, part: str) -> Iterator[None]:
        """While entered, a method of one object is a part."""
        original = getattr(owner, name)

        def work(*args: Any, **kwargs: Any) -> Any:
            with self.timing(part):
                return original(*args, **kwargs)

        setattr(owner, name, work)
        try:
            yield
        finally:
            delattr(owner, name)

    @contextlib.contextmanager
    def timing(self, part: str) -> Iterator[None]:
        """While entered, time passes for a part."""
        self._settle()
        self._running.append(part)
        try:
            yield
        finally:
            self._settle()
            self._running.pop()

    def _settle(self) -> None:
        """Book the time since the last call on the part that was running."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        now = time.perf_counter()
        if self._running:
            self.seconds[self._running[-1]] += now - self._since
        self._since = now


def profile(env: LeggedRobot, runner: Runner, iterations: int) -> Dict[str, Any]:
    """Profile training; episodes should be of all ages by now.

    Args:
        env: the environment.
        runner: trains in it.
        iterations: to average over, after one that is not counted.

    Returns:
        "iteration_ms" undisturbed, "parts_ms" of an iteration by name in the order of a step, "stages_ms" of one
        sub-step of physics by name (empty but for MuJoCo Warp), "substeps" of an iteration, and "waits" for the
        device: "per_iteration", "per_step" of collection, and "places".
    """
    with contextlib.redirect_stdout(io.StringIO()):  # what training prints
        runner.learn(1)
        seconds = timed(lambda: runner.learn(iterations), env.device) / iterations
        parts, waits = _parts(env, runner, iterations), _waits(env, runner)
    return {
        "iteration_ms": 1e3 * seconds,
        "parts_ms": {name: 1e3 * parts[name] / iterations for name in parts},
        "stages_ms": {name: 1e3 * value for name, value in stage_times(env).items()},
        "substeps": env.cfg.control.decimation * runner.cfg["num_steps_per_env"],
        "waits": waits,
    }


def _parts(env: LeggedRobot, runner: Runner, iterations: int) -> Dict[str, float]:
    watch, algorithm = Stopwatch(env.device), runner.algorithm
    watched: Tuple[Tuple[Any, str, str], ...] = (
        (algorithm, "act", "policy"),
        (env.sim, "step", "physics"),
        (env.sim, "step_torques", "physics"),
        (env.sim, "cast_rays", "rays of sensors"),
        (env, "step", "rest of the environment"),
        (algorithm, "process_env_step", "policy"),
        (algorithm, "compute_returns", "returns"),
        (algorithm, "update", "learning"),
    )
    with contextlib.ExitStack() as stack, watch.timing("rest"):
        for owner, name, part in watched:
            if hasattr(owner, name):
                stack.enter_context(watch.watching(owner, name, part))
        runner.learn(iterations)
    names = [*dict.fromkeys(part for _, _, part in watched), "rest"]
    return {name: watch.seconds[name] for name in names if watch.seconds[name] > 0.0}


def stage_times(env: LeggedRobot) -> Dict[str, float]:
    """Seconds of the stages of one sub-step of MuJoCo Warp in the present states; {} for other engines.

    The environment is left as it is.
    """
    engine: Any = getattr(env.sim, "engine", None)
    if not hasattr(engine, "engine_model"):
        return {}
    import mujoco_warp as mjw

    sim: Any = env.sim
    model, data, control = engine.engine_model, engine.data, engine.engine_model.callback.control
    stages: Dict[str, Callable[[], None]] = {
        "collision": lambda: mjw.collision(model, data),
        "constraints": lambda: mjw.make_constraint(model, data),
        "order of constraints": lambda: control(model, data),
        "solver": lambda: mjw.solve(model, data),
        "contact forces of bodies": lambda: mjw.sensor_acc(model, data),
    }
    if control is None:
        del stages["order of constraints"]
    present = sim.state_dict()
    engine.run(("profile", "forward"), lambda: mjw.forward(model, data))
    times = {name: _replayed(engine, name, work) for name, work in stages.items()}
    whole = _replayed(engine, "step", lambda: mjw.step(model, data))
    sim.load_state_dict(present)
    return {**times, "rest": max(whole - sum(times.values()), 0.0), "whole": whole}


def _replayed(engine: Any, name: str, work: Callable[[], None]) -> float:
    """Seconds of work that launches kernels, recorded as a graph."""

    def replay(times: int) -> None:
        for _ in range(times):
            engine.run(("profile", name), work)

    replay(2)  # compiles, and records
    return timed(lambda: replay(_REPLAYS), engine.device) / _REPLAYS


class _Watched:
    """An environment whose steps are watched."""

    def __init__(self, env: LeggedRobot, waits: Waits) -> None:
        self._of, self._waits = env, waits

    def step(self, actions: torch.Tensor) -> Any:
        with self._waits:
            return self._of.step(actions)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._of, name)


def _waits(env: LeggedRobot, runner: Runner) -> Dict[str, Any]:
    steps = Waits()
    runner.env = _Watched(env, steps)  # type: ignore[assignment]
    try:
        with Waits() as whole:
            runner.learn(1)
    finally:
        runner.env = env
    places = Counter(whole.places).most_common(_PLACES)
    return {
        "per_iteration": whole.total,
        "per_step": steps.total / runner.cfg["num_steps_per_env"],
        "places": dict(places),
    }


def format_profile(result: Dict[str, Any]) -> str:
    """Lay a profile out as tables for a page."""
    parts, stages, waits = result["parts_ms"], result["stages_ms"], result["waits"]
    total = sum(parts.values())
    lines = ["", f"an iteration takes {result['iteration_ms']:,.1f} ms; by parts, each waited for:", ""]
    lines += ["| part | ms an iteration | share |", "|---|---:|---:|"]
    for name, value in parts.items():
        lines.append(f"| {name} | {value:,.1f} | {value / total:.0%} |")
    if stages:
        lines += ["", f"| stage of physics | ms a sub-step, of {result['substeps']} | share |", "|---|---:|---:|"]
        for name, value in stages.items():
            lines.append(f"| {name} | {value:,.3f} | {value / stages['whole']:.0%} |")
    lines += ["", f"waits for the device: {waits['per_iteration']} an iteration, {waits['per_step']:.1f} a step", ""]
    lines += ["| place | waits an iteration |", "|---|---:|"]
    lines += [f"| `{place}` | {count} |" for place, count in waits["places"].items()]
    return "\n".join(lines)
