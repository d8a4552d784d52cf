"""Rollout buffers and how they are dealt out."""

from __future__ import annotations

from itertools import chain
from typing import Optional

import pytest
import torch

from rsl_rl.storage import MiniBatch, RolloutStorage
from rsl_rl.utils.errors import RslRlError

STEPS, ENVS = 6, 8


def filled(recurrent: bool = False, length: Optional[int] = None) -> RolloutStorage:
    """A rollout in which every entry tells its step and environment: 100 t + n."""
    hidden = {"actor": {"h": torch.zeros(1, ENVS, 2)} if recurrent else {}, "critic": {}}
    storage = RolloutStorage(ENVS, STEPS, {"policy": (3,)}, 2, hidden, torch.device("cpu"), length)
    for step in range(STEPS):
        label = 100.0 * step + torch.arange(ENVS)
        if recurrent:
            storage.save_hidden({"actor": {"h": label.view(1, ENVS, 1).expand(1, ENVS, 2)}, "critic": {}})
        storage.add_actions(
            {"policy": label.unsqueeze(1).expand(-1, 3), "unused": label},
            label.unsqueeze(1).expand(-1, 2),
            label.unsqueeze(1).expand(-1, 2),
            label,
        )
        storage.add_outcome(label, torch.rand(ENVS) < 0.3, None)
    label = 100.0 * torch.arange(STEPS).unsqueeze(1) + torch.arange(ENVS)
    for buffer in (storage.values, storage.returns, storage.advantages):
        buffer.copy_(label)
    return storage


def labels(batch: MiniBatch) -> list[int]:
    """The samples in a mini-batch, after checking that all its parts speak of the same ones."""
    assert batch.observations.keys() == {"policy"}
    for part in (batch.observations["policy"], batch.actions, batch.action_means):
        assert torch.equal(part, batch.log_probs.unsqueeze(1).expand_as(part))
    for part in (batch.values, batch.returns, batch.advantages):
        assert torch.equal(part, batch.log_probs)
    return batch.log_probs.int().tolist()


ALL = sorted(100 * step + env for step in range(STEPS) for env in range(ENVS))


@pytest.mark.parametrize("parts", [1, 4, 5])
def test_every_epoch_sees_every_sample_once(parts: int) -> None:
    batches = [labels(batch) for batch in filled().mini_batches(parts, num_epochs=3)]
    assert len(batches) == 3 * parts
    epochs = [batches[start : start + parts] for start in range(0, 3 * parts, parts)]
    for epoch in epochs:
        assert sorted(chain(*epoch)) == ALL
        assert max(map(len, epoch)) - min(map(len, epoch)) <= 1
    assert epochs[0] == epochs[1] == epochs[2]
    assert list(chain(*epochs[0])) != ALL


@pytest.mark.parametrize("parts", [1, 3, 8])
def test_recurrent_batches_hold_whole_environments(parts: int) -> None:
    storage = filled(recurrent=True)
    start = torch.arange(ENVS).float().view(1, ENVS, 1).expand(1, ENVS, 2)
    storage.save_hidden({"actor": {"h": start}, "critic": {}})
    seen = []
    for batch in storage.recurrent_mini_batches(parts, num_epochs=1):
        samples = labels(batch)
        envs = [sample % 100 for sample in samples[: len(samples) // STEPS]]
        assert samples == [100 * step + env for step in range(STEPS) for env in envs]
        assert batch.hidden["actor"]["h"][0, :, 0].int().tolist() == envs
        assert batch.hidden["critic"] == {}
        assert batch.trajectories is not None
        assert batch.trajectories.num_pieces == len(envs) + int(storage.dones[:-1, envs].sum())
        seen += samples
    assert sorted(seen) == ALL


@pytest.mark.parametrize(("length", "parts"), [(3, 1), (2, 5), (1, 7), (6, 2)])
def test_recurrent_batches_hold_whole_sequences(length: int, parts: int) -> None:
    storage = filled(recurrent=True, length=length)
    seen = []
    for batch in storage.recurrent_mini_batches(parts, num_epochs=1):
        samples = labels(batch)
        firsts = samples[: len(samples) // length]
        assert samples == [first + 100 * step for step in range(length) for first in firsts]
        assert all(first // 100 % length == 0 for first in firsts)
        # The memory is the one that was there before the first step of the sequence, and goes on until a done.
        assert batch.hidden["actor"]["h"][0, :, 0].int().tolist() == firsts
        assert batch.trajectories is not None
        restarts = [[bool(storage.dones[s // 100 - 1, s % 100]) for s in row] for row in chunks(samples, len(firsts))]
        restarts[0] = [False] * len(firsts)
        assert batch.trajectories.restarts.tolist() == restarts
        seen += samples
    assert sorted(seen) == ALL


def chunks(items: list[int], size: int) -> list[list[int]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def test_time_outs_of_an_earlier_rollout_are_forgotten() -> None:
    storage = filled()
    storage.clear()
    storage.time_outs[0] = True
    storage.add_actions({"policy": torch.zeros(ENVS, 3)}, torch.zeros(ENVS, 2), torch.zeros(ENVS, 2), torch.zeros(ENVS))
    storage.add_outcome(torch.zeros(ENVS), torch.zeros(ENVS, dtype=torch.bool), None)
    assert not storage.time_outs[0].any()


def test_too_many_steps() -> None:
    with pytest.raises(RuntimeError, match="has its 6 steps"):
        filled().add_actions({"policy": torch.zeros(ENVS, 3)}, *[torch.zeros(ENVS, 2)] * 2, torch.zeros(ENVS))


def test_too_many_mini_batches() -> None:
    with pytest.raises(RslRlError, match="num_mini_batches is 9; this rollout has 8 environments"):
        next(filled().recurrent_mini_batches(9, 1))
    with pytest.raises(RslRlError, match="num_mini_batches is 17; this rollout has 16 sequences"):
        next(filled(length=3).recurrent_mini_batches(17, 1))
    with pytest.raises(RslRlError, match="num_mini_batches is 49; this rollout has 48 samples"):
        next(filled().mini_batches(49, 1))
