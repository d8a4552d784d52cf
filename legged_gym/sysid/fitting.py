"""Fits a network to recordings of drives, and says how much better than a PD controller it is.

Samples are split by time: the last part of every recording is held out, and no input of a held-out sample reaches back
into the part that was learned from.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor, nn

from legged_gym.actuators.networks import NetworkSpec, build_network
from legged_gym.errors import UserError
from legged_gym.sysid.recordings import Recording

# steps of backpropagation through time, and the steps before them that only fill an LSTM's memory
_SEQUENCE, _WARM_UP = 64, 16
# share by which measured spacings of recordings may differ
_SAME = 0.02


@dataclass
class Fit:
    """A fitted network and its errors on samples that it has not learned from.

    Attributes:
        network: from `build_network`.
        spec: what it was built from.
        rmse: N m, root mean squared error of the torque, held out.
        pd_rmse: N m, the same of the best PD controller.
        pd_gains: its stiffness N m/rad and damping N m s/rad.
        torque_rms: N m, of the held-out torque.
        samples: learned from, held out.
        traces: held-out time (s), torque, network and pd (N m) of the joint with the largest torque, for a plot.
    """

    network: nn.Module
    spec: NetworkSpec
    rmse: float
    pd_rmse: float
    pd_gains: Tuple[float, float]
    torque_rms: float
    samples: Tuple[int, int]
    traces: Dict[str, np.ndarray]

    def report(self) -> Dict[str, Any]:
        """Plain values."""
        return {
            "network": self.spec.to_dict(),
            "samples": self.samples[0],
            "held_out_samples": self.samples[1],
            "torque_rms": self.torque_rms,
            "rmse": self.rmse,
            "relative_rmse": self.rmse / self.torque_rms,
            "pd_stiffness": self.pd_gains[0],
            "pd_damping": self.pd_gains[1],
            "pd_rmse": self.pd_rmse,
            "times_better_than_pd": self.pd_rmse / self.rmse,
        }


def fit_pd(recordings: Sequence[Recording]) -> Tuple[float, float]:
    """Stiffness (N m/rad) and damping (N m s/rad) of torque = Kp error - Kd velocity, by least squares."""
    inputs = np.concatenate([np.stack((r.error.ravel(), -r.velocity.ravel()), 1) for r in recordings])
    torques = np.concatenate([r.torque.ravel() for r in recordings])
    gains = np.linalg.lstsq(inputs.astype(np.float64), torques.astype(np.float64), rcond=None)[0]
    return float(gains[0]), float(gains[1])


def fit(
    recordings: Sequence[Recording],
    spec: NetworkSpec,
    epochs: int = 60,
    held_out: float = 0.2,
    learning_rate: float = 5e-3,
    batch_size: int = 4096,
    seed: int = 1,
) -> Fit:
    """Fit a network.

    Args:
        recordings: of one spacing in time.
        spec: of the network; its sample_interval is a multiple of that spacing, None takes the spacing itself; its
            scales are replaced by those of the samples.
        epochs: passes over the samples.
        held_out: fraction of the time of every recording that is not learned from.
        learning_rate: of Adam at the start; it falls to zero along a cosine.
        batch_size: samples a step.
        seed: of initial weights and order of samples.

    Raises:
        UserError: spacings differ or do not fit, a recording is too short, or the fit diverges.
    """
    spec = _complete(recordings, spec)
    parts = [recording.split(held_out) for recording in recordings]
    learned, unseen = [first for first, _ in parts], [last for _, last in parts]
    need = 2 * (_SEQUENCE + _WARM_UP) if spec.type == "lstm" else 2 * _reach(spec, recordings[0].dt) + 2
    if min(len(r.target) for part in parts for r in part) < need:
        raise UserError(f"a recording is too short: both parts of the split need at least {need} samples")
    spec = _scaled(learned, spec)
    torch.manual_seed(seed)
    network = build_network(spec)
    batches = _Windows(learned, spec) if spec.type == "mlp" else _Sequences(learned)
    _optimise(network, batches, spec.torque_scale, epochs, learning_rate, batch_size, seed)
    network.eval().requires_grad_(False)
    result = _measure(network, spec, learned, unseen)
    if not math.isfinite(result.rmse):
        raise UserError("the fit has diverged: its torques are no numbers; give a lower learning rate")
    return result


def predict(network: nn.Module, spec: NetworkSpec, recording: Recording) -> np.ndarray:
    """Torques (T - r, J) N m of a network along a recording, from the first sample with a whole history on."""
    with torch.no_grad():
        if spec.type == "mlp":
            inputs, torques = _windows(recording, spec)
            return network(inputs).view(torques.shape).numpy()
        rows = _rows(recording)
        state = torch.zeros(len(spec.hidden_sizes), rows.shape[0], spec.hidden_sizes[0])
        out, _ = network(rows, (state, state))
        return out.view(rows.shape[:2])[:, _WARM_UP:].T.numpy()


def _complete(recordings: Sequence[Recording], spec: NetworkSpec) -> NetworkSpec:
    spacings = sorted({round(recording.dt, 9) for recording in recordings})
    if spacings[-1] > (1.0 + _SAME) * spacings[0]:
        raise UserError(f"the recordings have samples every {spacings} s: give one spacing to resample them to")
    interval = recordings[0].dt if spec.sample_interval is None else spec.sample_interval
    spec = NetworkSpec(**{**spec.to_dict(), "sample_interval": interval})
    _reach(spec, recordings[0].dt)
    return spec


def _scaled(recordings: Sequence[Recording], spec: NetworkSpec) -> NetworkSpec:
    """The spec with root mean squares as scales."""
    rms = {
        f"{name}_scale": float(np.sqrt(np.mean(np.concatenate([getattr(r, name).ravel() ** 2 for r in recordings]))))
        for name in ("error", "velocity", "torque")
    }
    for name, value in rms.items():
        if value == 0.0:
            raise UserError(f"the recordings have no {name.split('_')[0]} other than zero")
    return NetworkSpec(**{**spec.to_dict(), **rms})


def _reach(spec: NetworkSpec, dt: float) -> int:
    """Samples of the recording from the oldest input to the newest."""
    return (spec.history - 1) * spec.spacing(dt)


def _windows(recording: Recording, spec: NetworkSpec) -> Tuple[Tensor, Tensor]:
    """Inputs (T - r, J, 2 history) of an MLP, newest first, and torques (T - r, J)."""
    reach, spacing = _reach(spec, recording.dt), spec.spacing(recording.dt)
    length = len(recording.target) - reach
    columns: List[np.ndarray] = []
    for values in (recording.error, recording.velocity):
        columns += [values[reach - k * spacing : reach - k * spacing + length] for k in range(spec.history)]
    return torch.from_numpy(np.stack(columns, axis=-1)), torch.from_numpy(recording.torque[reach:])


def _rows(recording: Recording) -> Tensor:
    """Inputs (J, T, 2) of an LSTM."""
    return torch.from_numpy(np.stack((recording.error.T, recording.velocity.T), axis=-1))


class _Windows:
    """Samples of an MLP in random order."""

    def __init__(self, recordings: Sequence[Recording], spec: NetworkSpec) -> None:
        pairs = [_windows(recording, spec) for recording in recordings]
        self._inputs = torch.cat([inputs.flatten(0, 1) for inputs, _ in pairs])
        self._torques = torch.cat([torques.flatten() for _, torques in pairs])

    def steps(self, batch_size: int) -> int:
        return math.ceil(len(self._torques) / batch_size)

    def epoch(self, network: nn.Module, batch_size: int, generator: torch.Generator) -> Iterator[Tuple[Tensor, Tensor]]:
        """Torques of the network and of the recording, batch by batch."""
        for rows in torch.randperm(len(self._torques), generator=generator).split(batch_size):
            yield network(self._inputs[rows]).flatten(), self._torques[rows]


class _Sequences:
    """Pieces of joints' recordings for an LSTM; where they are cut is drawn anew every epoch."""

    def __init__(self, recordings: Sequence[Recording]) -> None:
        self._pairs = [(_rows(recording), torch.from_numpy(recording.torque.T.copy())) for recording in recordings]
        self._length = _SEQUENCE + _WARM_UP

    def steps(self, batch_size: int) -> int:
        pieces = sum(rows.shape[0] * (rows.shape[1] // self._length) for rows, _ in self._pairs)
        return math.ceil(pieces * _SEQUENCE / batch_size)

    def epoch(self, network: Any, batch_size: int, generator: torch.Generator) -> Iterator[Tuple[Tensor, Tensor]]:
        """Torques of the network and of the recording, batch by batch; the first of a piece only fill the memory."""
        rows, torques = (torch.cat(part) for part in zip(*(self._cut(pair, generator) for pair in self._pairs)))
        layers, width = network.lstm.num_layers, network.lstm.hidden_size
        for chosen in torch.randperm(len(rows), generator=generator).split(max(1, batch_size // _SEQUENCE)):
            state = torch.zeros(layers, len(chosen), width)
            out, _ = network(rows[chosen], (state, state))
            yield out.view(len(chosen), -1)[:, _WARM_UP:].flatten(), torques[chosen, _WARM_UP:].flatten()

    def _cut(self, pair: Tuple[Tensor, Tensor], generator: torch.Generator) -> Tuple[Tensor, Tensor]:
        """Pieces (n, length, 2) and (n, length)."""
        rows, torques = pair
        count = rows.shape[1] // self._length - 1
        start = int(torch.randint(0, rows.shape[1] - count * self._length + 1, (1,), generator=generator))
        used = slice(start, start + count * self._length)
        return rows[:, used].reshape(-1, self._length, 2), torques[:, used].reshape(-1, self._length)


def _optimise(
    network: nn.Module, batches: Any, scale: float, epochs: int, learning_rate: float, batch_size: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * batches.steps(batch_size))
    for epoch in range(epochs):
        total, count = 0.0, 0
        for predicted, torques in batches.epoch(network, batch_size, generator):
            loss = nn.functional.mse_loss(predicted / scale, torques / scale)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total, count = total + float(loss.detach()), count + 1
        if (epoch + 1) % max(1, epochs // 10) == 0:
            print(f"epoch {epoch + 1:4d}: {scale * math.sqrt(total / count):.4f} N m", flush=True)


def _measure(network: nn.Module, spec: NetworkSpec, learned: Sequence[Recording], unseen: Sequence[Recording]) -> Fit:
    gains = fit_pd(learned)
    rows: Dict[str, List[np.ndarray]] = {"torque": [], "network": [], "pd": []}
    for recording in unseen:
        predicted = predict(network, spec, recording)
        used = slice(len(recording.target) - len(predicted), None)
        rows["torque"].append(recording.torque[used])
        rows["network"].append(predicted)
        rows["pd"].append(gains[0] * recording.error[used] - gains[1] * recording.velocity[used])
    flat = {name: np.concatenate([part.ravel() for part in parts]) for name, parts in rows.items()}
    joint = int(np.argmax((rows["torque"][0] ** 2).mean(0)))
    traces = {name: parts[0][:, joint] for name, parts in rows.items()}
    return Fit(
        network=network,
        spec=spec,
        rmse=_rms(flat["network"] - flat["torque"]),
        pd_rmse=_rms(flat["pd"] - flat["torque"]),
        pd_gains=gains,
        torque_rms=_rms(flat["torque"]),
        samples=(sum(r.torque.size for r in learned), flat["torque"].size),
        traces={"time": unseen[0].dt * np.arange(len(traces["torque"])), **traces},
    )


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values.astype(np.float64) ** 2)))
