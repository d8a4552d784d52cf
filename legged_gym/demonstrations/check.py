"""Is a data set of demonstrations sound? Replays in plain MuJoCo and in its batch, and a look at every state."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections import Counter
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Tuple

import numpy as np

import legged_gym.sim  # noqa: F401 - which imports MuJoCo whatever OpenGL there is
from legged_gym.demonstrations.dataset import MODEL, Demonstrations, damaged_shard, read_shard
from legged_gym.errors import UserError
from legged_gym.utils.files import sha256_of

# how far a replayed step may be off, in m, rad, m/s or rad/s: the CPU computes in float64, a GPU in float32
_REPLAY_LIMITS = {"mujoco": 1e-9, "mujoco_warp": 1e-2}
_NORM_LIMIT = 1e-6
_JOINT_LIMIT = 0.25  # rad; joint limits are springs, and robots land on them
_BINS = 10

Findings = Iterator[Tuple[str, float, int]]


class Check(NamedTuple):
    """One line of the table.

    Attributes:
        name: what was looked at.
        worst: the worst that was found.
        limit: what is allowed.
        looked_at: how many numbers, steps or episodes.
    """

    name: str
    worst: float
    limit: float
    looked_at: int

    @property
    def passed(self) -> bool:
        """Whether it is within the limit; no number is not."""
        return self.worst <= self.limit


class Steps(NamedTuple):
    """Policy steps to replay.

    Attributes:
        before: (n, nq + nv) states.
        warm_starts: (n, nv) before.
        after: (n, nq + nv) states one step later.
        inputs: (n, S, D) of the actuators, one after the other.
        substeps: sub-steps that each input is held for.
        fields: field of the model -> (n, ...), of robots that differ.
    """

    before: np.ndarray
    warm_starts: np.ndarray
    after: np.ndarray
    inputs: np.ndarray
    substeps: int
    fields: Dict[str, np.ndarray]


def check(data: Demonstrations, num_replays: int = 1000, seed: int = 0) -> List[Check]:
    """Check a data set.

    Args:
        data: the data set.
        num_replays: steps that are replayed with each engine, at least.
        seed: of the choice of these steps.

    Raises:
        UserError: there are no episodes, or a file is damaged.
    """
    import mujoco

    path = os.path.join(data.folder, MODEL)
    if not is_model(path, data.entry("collection", "model_sha256")):
        raise UserError(f"{path} is damaged: it is not the model that was recorded; collect again, and it is replaced")
    decimation = data.entry("decimation", kind=int)
    sim = str(data.entry("collection", "sim"))
    if sim not in _REPLAY_LIMITS or decimation < 1:
        raise UserError(f"{data.folder}: its metadata cannot be: simulator {sim!r}, decimation {decimation}")
    limits = {"quaternion norm less 1": _NORM_LIMIT, "joint beyond its limit, rad": _JOINT_LIMIT}
    limits.update(dict.fromkeys(REPLAYS, _REPLAY_LIMITS[sim]))
    worst: Dict[str, float] = {}
    counts: Dict[str, int] = {}
    generator = np.random.default_rng(seed)
    episodes: Dict[bytes, int] = Counter()
    for name in data.shards:
        shard = read_shard(name)
        _check_columns(name, shard, mujoco.MjModel.from_binary_path(path))
        if not shard["episode_lengths"].any():
            continue
        for states in shard["states"]:
            episodes[hashlib.sha256(states).digest()] += 1
        steps = draw_steps(shard, -(-num_replays // len(data.shards)), decimation, generator)
        model = mujoco.MjModel.from_binary_path(path)
        for name, found, count in itertools.chain(_findings(shard, model), _replay(steps, path)):
            worst[name] = float(np.maximum(worst.get(name, 0.0), found))  # unlike max, it keeps NaN
            counts[name] = counts.get(name, 0) + count
    if not episodes:
        raise UserError(f"{data.folder} has no episodes to check")
    repeated = sum(episodes.values()) - len(episodes)
    checks = [Check("episodes like others", repeated, 0.0, sum(episodes.values()))]
    return checks + [Check(name, found, limits.get(name, 0.0), counts[name]) for name, found in worst.items()]


def is_model(path: str, digest: str) -> bool:
    """Whether a file is the compiled model with this SHA-256; MuJoCo tests little of what it loads."""
    try:
        return sha256_of(path) == digest
    except OSError:
        return False


def _check_columns(path: str, shard: Dict[str, np.ndarray], model: Any) -> None:
    """Refuse a shard without the arrays that are needed here, or of a robot other than the model.

    Raises:
        UserError: naming the first array.
    """
    inputs = "controls" if "controls" in shard else "targets"
    columns = {"states": model.nq + model.nv, "warm_starts": model.nv, inputs: model.nu}
    steps = shard["states"].shape[1] if "states" in shard and shard["states"].ndim == 3 else None
    for name, width in columns.items():
        shape = shard[name].shape if name in shard else None
        if shape is None or len(shape) < 3 or shape[1] != steps or shape[-1] != width or 0 in shape[2:]:
            raise UserError(damaged_shard(path, f"its {name} are {shape}, (episodes, {steps}, {width}) is needed"))
    lengths = shard.get("episode_lengths", np.zeros(()))
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu" or lengths.min(initial=0) < 0:
        raise UserError(damaged_shard(path, "its episode_lengths are no whole numbers"))


def _findings(shard: Dict[str, np.ndarray], model: Any) -> Findings:
    """Name, the worst found and how many were looked at, of one shard."""
    states, lengths = shard["states"], shard["episode_lengths"]
    valid = np.arange(states.shape[1]) < lengths[:, None]
    floats = [values for values in shard.values() if values.dtype.kind == "f"]
    yield "numbers that are not finite", sum(int((~np.isfinite(v)).sum()) for v in floats), sum(v.size for v in floats)
    yield "numbers after the end", int(np.count_nonzero(states[~valid])), int((~valid).sum())
    if model.nq == model.nv + 1:  # a free base and joints of one degree of freedom
        quat = states[..., 3:7]
        yield "quaternion norm less 1", np.abs(np.linalg.norm(quat, axis=-1) - 1.0)[valid].max(), int(valid.sum())
        flips = ((quat[:, 1:] * quat[:, :-1]).sum(-1) < 0.0) & valid[:, 1:]
        yield "quaternion changes sign", int(flips.sum()), int(valid[:, 1:].sum())
    limited = model.jnt_limited.astype(bool)
    angles = states[valid][:, model.jnt_qposadr[limited]]
    low, high = model.jnt_range[limited].T
    yield "joint beyond its limit, rad", np.maximum(low - angles, angles - high).max(initial=0.0), angles.size


def draw_steps(shard: Dict[str, np.ndarray], count: int, decimation: int, generator: np.random.Generator) -> Steps:
    """Steps of a shard at random, as many as asked for or all of them."""
    valid = np.arange(1, shard["states"].shape[1]) < shard["episode_lengths"][:, None]
    found = np.argwhere(valid)
    rows, columns = found[generator.permutation(len(found))[:count]].T
    inputs = shard["controls"] if "controls" in shard else shard["targets"][:, :, None]
    return Steps(
        before=shard["states"][rows, columns],
        warm_starts=shard["warm_starts"][rows, columns],
        after=shard["states"][rows, columns + 1],
        inputs=inputs[rows, columns],
        substeps=decimation // inputs.shape[2],
        fields={name[len("model_") :]: values[rows] for name, values in shard.items() if name.startswith("model_")},
    )


def _replay(steps: Steps, path: str) -> Findings:
    import mujoco

    for name, replay in REPLAYS.items():
        after = replay(mujoco.MjModel.from_binary_path(path), steps)
        yield name, np.abs(after - steps.after).max(initial=0.0), len(after)


def replay_alone(model: Any, steps: Steps) -> np.ndarray:
    """States (n, nq + nv) after the steps, one by one in an `mujoco.MjData`; the model's fields are written to."""
    import mujoco

    after, data = np.empty_like(steps.after), mujoco.MjData(model)
    for i in range(len(after)):
        for name, values in steps.fields.items():
            getattr(model, name)[...] = values[i]
        if steps.fields:
            mujoco.mj_setConst(model, data)
        mujoco.mj_resetData(model, data)
        data.qpos[:], data.qvel[:] = np.split(steps.before[i], [model.nq])
        data.qacc_warmstart[:] = steps.warm_starts[i]
        for inputs in steps.inputs[i]:
            data.ctrl[:] = inputs
            mujoco.mj_step(model, data, steps.substeps)
        after[i] = np.concatenate((data.qpos, data.qvel))
    return after


def replay_batch(model: Any, steps: Steps) -> np.ndarray:
    """The same in a `mujoco.batch.Batch`, all at once."""
    from mujoco import batch as mujoco_batch

    batch = mujoco_batch.Batch(model, len(steps.before), 1)
    for name, values in steps.fields.items():
        batch.expand(name)[...] = values
    if steps.fields:
        batch.set_const()
    batch.qpos, batch.qvel = np.split(steps.before, [model.nq], axis=1)
    batch.qacc_warmstart = steps.warm_starts
    for inputs in steps.inputs.swapaxes(0, 1):
        batch.ctrl = inputs
        batch.step(nstep=steps.substeps)
    return np.concatenate((batch.qpos, batch.qvel), axis=1)


REPLAYS: Dict[str, Callable[[Any, Steps], np.ndarray]] = {
    "replayed step, mujoco": replay_alone,
    "replayed step, mujoco.batch": replay_batch,
}


def format_checks(checks: List[Check]) -> str:
    """Lay the table out."""
    lines = [f"{'':<30}{'worst':>10}{'allowed':>10}{'looked at':>12}"]
    for line in checks:
        verdict = "ok" if line.passed else "FAILED"
        lines.append(f"{line.name:<30}{line.worst:>10.3g}{line.limit:>10.3g}{line.looked_at:>12,}  {verdict}")
    return "\n".join(lines)


def command_histograms(data: Demonstrations) -> Dict[str, Dict[str, List[float]]]:
    """Command -> edges of the bins and the fraction of all valid steps in each."""
    names = data.entry("commands", kind=list)
    rows = [np.zeros((0, len(names)))]
    for path, shard in zip(data.shards, data.load("commands", "episode_lengths")):
        commands = shard["commands"]
        if commands.ndim != 3 or commands.shape[2] != len(names):
            raise UserError(damaged_shard(path, f"its commands are {commands.shape}, those of {names} are needed"))
        rows.append(commands[np.arange(commands.shape[1]) < shard["episode_lengths"][:, None]])
    found = {}
    for name, values in zip(names, np.concatenate(rows).T):
        counts, edges = np.histogram(values, _BINS)
        found[name] = {"edges": edges.tolist(), "shares": (counts / max(len(values), 1)).tolist()}
    return found


def format_histograms(histograms: Dict[str, Dict[str, List[float]]]) -> str:
    """One line a command: its range and the percentage of steps in each tenth of it."""
    lines = [f"{'command':<14}{'from':>8}{'to':>8}   % of the steps in each tenth"]
    for name, found in histograms.items():
        low, high = found["edges"][0], found["edges"][-1]
        shares = "".join(f"{100.0 * share:6.1f}" for share in found["shares"])
        lines.append(f"{name:<14}{low:>8.2f}{high:>8.2f}  {shares}")
    return "\n".join(lines)
