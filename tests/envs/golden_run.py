"""Drives an environment with random actions, and holds every number of every step against a golden one."""

from __future__ import annotations

from typing import Any, Dict, List, Set, Tuple, Type

import numpy as np
import torch

from legged_gym.envs.base.base_config import ObsTerm, Termination, table
from legged_gym.envs.base.legged_robot import LeggedRobot
from tests.envs.golden_physics import Physics
from tests.envs.golden_robot import GoldenRobot

# what single precision leaves of an excess over a limit of 100 N or 25 N m, and of places a step apart as velocities;
# all else is compared to 2e-6
ROUNDING = {"reward_feet_contact_forces": 2e-4, "reward_torque_limits": 5e-5, "obs_deepmimic_lin_ang_vel": 3e-5}
PREFIXES = ("_reward_", "_obs_", "_termination_")


def terms_of(owner: type, prefix: str) -> Set[str]:
    """Names of the terms of a class, without their prefix."""
    return {name[len(prefix) :] for name in dir(owner) if name.startswith(prefix)}


def watched(cls: Type[LeggedRobot]) -> Any:
    """The class with a note of what each term said last, in `said`, at the moment it was asked."""

    def recorder(name: str) -> Any:
        def term(self: Any) -> torch.Tensor:
            value = getattr(super(watching, self), name)()
            self.__dict__.setdefault("said", {})[name] = value.clone().numpy().astype(np.float64)
            return value

        return term

    names = [prefix + name for prefix in PREFIXES for name in terms_of(cls, prefix)]
    watching: Any = type("Watched" + cls.__name__, (cls,), {name: recorder(name) for name in names})
    return watching


def switch_all_on(cfg: Any, cls: type) -> Any:
    """Every term of a class in its table: rewards and ends with the config's numbers where it has some."""
    for name in terms_of(cls, "_reward_"):
        setattr(cfg.rewards.scales, name, getattr(cfg.rewards.scales, name, 0.0) or 0.1)
    entries = {"base_contact": 1.0, "tilt": 0.7, "roll": 35.0, "pitch": 30.0}
    for name in terms_of(cls, "_termination_") - set(table(cfg.terminations)):
        setattr(cfg.terminations, name, Termination(threshold=entries[name]))
    names = sorted(terms_of(cls, "_obs_") - {"depth"})
    cfg.observations.critic = type("critic", (), {})()
    for name in names:
        setattr(cfg.observations.critic, name, ObsTerm())
    cfg.terrain.measure_heights, cfg.noise.add_noise = True, False
    return cfg


class Seam:
    """Copies what the simulator shows after the physics of a step, and notes what was pushed before it."""

    def __init__(self, env: LeggedRobot) -> None:
        self._env, self._step, self._set_root_states = env, env.sim.step, env.sim.set_root_states
        env.sim.step, env.sim.set_root_states = self.step, self.set_root_states
        self.physics = Physics.of(env.sim)
        self.in_step = False
        self.pushes: List[Tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def step(self, targets: torch.Tensor, decimation: int) -> None:
        self.in_step = False
        self._step(targets, decimation)
        self.physics = Physics.of(self._env.sim)

    def set_root_states(self, env_ids: torch.Tensor, states: torch.Tensor) -> None:
        if self.in_step:
            self.pushes.append((env_ids.numpy(), self._env.root_states[env_ids].numpy(), states.numpy()))
        self._set_root_states(env_ids, states)


def run(env: Any, golden: GoldenRobot, steps: int, seed: int = 0) -> Set[str]:
    """Compare; returns the names of the terms, with their kind, that were compared and did not just say one thing."""
    rng = np.random.default_rng(seed)
    seam, scales = Seam(env), {name: scale for name, scale in vars(env.cfg.rewards.scales).items() if scale}
    notes = Notes()
    env.reset()
    first = golden.observe(Physics.of(env.sim), env)
    notes.add("obs_", first, env.said)
    seen = [name for name in env.obs_buf if name not in ("critic", "camera")]
    for name in seen:
        vector(golden, first, name)
    for _ in range(steps):
        actions = rng.normal(size=(env.num_envs, env.num_actions)).astype(np.float32)
        env.said.clear()
        seam.in_step = True
        obs, rewards, dones, extras = env.step(torch.as_tensor(actions))
        golden.act(actions)
        expected = golden.advance(seam.physics)
        notes.add("termination_", golden.endings, env.said)
        notes.add("reward_", expected, env.said)
        ends = (dones.numpy() == golden.ended) & (extras["time_outs"].numpy() == golden.timed_out)
        notes.expect(bool(ends.all()), "other episodes ended")
        notes.expect(total_is(golden, expected, scales, rewards.numpy()), "the sum of the rewards")
        notes.expect(log_is(golden, extras), "the log")
        raw = golden.observe(Physics.of(env.sim), env)
        notes.add("obs_", raw, env.said)
        policy = {name: vector(golden, raw, name) for name in seen}
        notes.add("group_", policy, {f"_group_{name}": obs[name].numpy() for name in policy})
    check_pushes(env, seam.pushes)
    return notes.compare()


def vector(golden: GoldenRobot, raw: Dict[str, np.ndarray], group: str) -> np.ndarray:
    """A group without noise: its terms in order, clipped, then scaled, then clipped to the overall limit."""
    parts, groups = [], table(golden.cfg.observations)
    for name, entry in table(groups.get(group, groups.get(getattr(golden.cfg.env, "obs_layout", "")))).items():
        clip = entry.clip
        low, high = (-np.inf, np.inf) if clip is None else (-clip, clip) if isinstance(clip, float) else clip
        parts.append(past_of(golden, f"{group}.{name}", np.clip(raw[name], low, high) * np.array(entry.scale), entry))
    limit = golden.cfg.normalization.clip_observations
    return np.clip(np.concatenate(parts, axis=1), -limit, limit)


def past_of(golden: GoldenRobot, key: str, frame: np.ndarray, entry: Any) -> np.ndarray:
    """The last frames of a term; all are the first one when an episode begins."""
    if entry.history == 1:
        return frame
    old = golden.past.get(key, [frame] * entry.history)
    new = golden.past[key] = [frame] + [np.where(golden.ended[:, None], frame, each) for each in old[:-1]]
    return np.concatenate(new if entry.newest_first else new[::-1], axis=1)


class Notes:
    """What terms said, and what they should have said, over all steps."""

    def __init__(self) -> None:
        self._said: Dict[str, List[np.ndarray]] = {}
        self._golden: Dict[str, List[np.ndarray]] = {}

    def add(self, kind: str, golden: Dict[str, np.ndarray], said: Dict[str, np.ndarray]) -> None:
        for name, value in golden.items():
            if f"_{kind}{name}" in said:
                self._said.setdefault(kind + name, []).append(said[f"_{kind}{name}"])
                self._golden.setdefault(kind + name, []).append(value)

    def expect(self, holds: bool, what: str) -> None:
        """What follows from terms: if it does not hold, those that are wrong are named first."""
        if not holds:
            self.compare()
            raise AssertionError(f"{what}, though all terms are right")

    def compare(self) -> Set[str]:
        wrong, fine = [], set()
        for name, values in self._said.items():
            said, golden = np.stack(values).astype(float), np.stack(self._golden[name]).astype(float)
            assert said.shape == golden.shape, f"{name} has the shape {said.shape[1:]}, not {golden.shape[1:]}"
            sure = ~np.isnan(golden)
            off = sure & ~(np.abs(said - golden) <= ROUNDING.get(name, 2e-6) + 1e-5 * np.abs(golden))
            for at in np.argwhere(off)[:1]:
                place = f"step {at[0]}, robot {at[1]}: {said[tuple(at)]:.6g}, not {golden[tuple(at)]:.6g}"
                wrong.append(f"{name}: {off.mean():.1%} of the values are wrong; {place}")
            if sure.mean() > 0.8 and said[sure].max() > said[sure].min():
                fine.add(name)
        assert not wrong, "\n" + "\n".join(wrong)
        return fine


def total_is(golden: GoldenRobot, terms: Dict[str, np.ndarray], scales: Dict[str, float], said: np.ndarray) -> bool:
    """The weighted sum, exact to the rounding of its parts."""
    total = golden.total(terms, scales)
    parts = sum(np.abs(terms[name] * scale * golden.dt) for name, scale in scales.items())
    return bool((np.isnan(total) | (np.abs(said - total) < 1e-6 + 1e-5 * parts)).all())


def log_is(golden: GoldenRobot, extras: Dict[str, Any]) -> bool:
    """The logged terms are means over the robots that ended, a second of a full episode."""
    if not golden.ended.any():
        return "log" not in extras
    means = {name: sums[golden.ended] / golden.cfg.env.episode_length_s for name, sums in golden.sums.items()}
    return all(
        np.isnan(mean.sum())
        or abs(float(extras["log"][f"rew_{name}"]) - mean.mean()) < 1e-5 + 1e-4 * np.abs(mean).mean()
        for name, mean in means.items()
    )


def check_pushes(env: Any, pushes: List[Tuple[np.ndarray, np.ndarray, np.ndarray]]) -> None:
    """A push is a velocity within bounds, horizontal unless the task pushes upwards too, and nothing else."""
    limit, upward = env.cfg.domain_rand.max_push_vel_xy, getattr(env.cfg.domain_rand, "max_push_vel_z", None)
    assert bool(pushes) == env.cfg.domain_rand.push_robots
    for _, before, after in pushes:
        changed = after - before if env.cfg.domain_rand.push_adds else after
        assert np.abs(changed[:, 7:9]).max() <= limit + 1e-6
        others = [0, 1, 2, 3, 4, 5, 6, 10, 11, 12] + [9] * (upward is None)
        assert upward is None or np.abs(changed[:, 9]).max() <= upward + 1e-6
        np.testing.assert_array_equal(before[:, others], after[:, others])
