"""The aggregate against a record of all that was put into it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from rsl_rl.storage import SequenceStorage, sequence_storage
from rsl_rl.storage.aggregate_files import AggregateFiles
from rsl_rl.storage.image_frames import FrameList, ImageFormat
from rsl_rl.utils.errors import RslRlError

N, T, A = 3, 4, 2
DIMS = {"id": (2,), "depth": (1, 2, 3)}
RANGE = (-0.5, 0.5)
STEP = 1.0 / 255  # of a uint8 over that range


def make(max_gb: float = 1.0, image_storage: str = "uint8", num_envs: int = N) -> SequenceStorage:
    hidden = {"h": torch.zeros(2, num_envs, 5)}
    image_format = ImageFormat(image_storage, RANGE)
    return SequenceStorage(num_envs, T, DIMS, {"actions": (A,)}, hidden, image_format, max_gb, torch.device("cpu"))


def fill(storage: SequenceStorage, num_blocks: int, seed: int = 0) -> list[dict[str, Any]]:
    """Write blocks; returns what each step gave. An "id" is (block * T + step, environment)."""
    generator = torch.Generator().manual_seed(seed)
    record = []
    picture = torch.zeros(N, *DIMS["depth"])
    for step in range(num_blocks * T):
        new = torch.rand(N, generator=generator) < 0.4
        picture[new] = torch.rand(N, *DIMS["depth"], generator=generator)[new] - 0.5
        entry = {
            "id": torch.stack([torch.full((N,), float(step)), torch.arange(N).float()], dim=1),
            "depth": picture.clone(),
            "actions": torch.randn(N, A, generator=generator),
            "dones": torch.rand(N, generator=generator) < 0.3,
            "h": torch.randn(2, N, 5, generator=generator),
        }
        if storage.step == 0:
            storage.save_hidden({"h": entry["h"]})
        storage.add({"id": entry["id"], "depth": picture, "unread": torch.zeros(N, 1)}, {"actions": entry["actions"]})
        storage.add_dones(entry["dones"])
        record.append(entry)
    return record


def test_every_sequence_comes_out_once_an_epoch_as_it_went_in() -> None:
    storage = make()
    record = fill(storage, 5)
    assert (storage.num_sequences, storage.num_samples, storage.step) == (5 * N, 5 * N * T, 0)
    batches = list(storage.batches(4, num_epochs=2))
    assert [len(batch.places) for batch in batches] == 2 * [4, 4, 4, 3]
    for epoch in (batches[:4], batches[4:]):
        assert sorted(place for batch in epoch for place in batch.places) == [
            (b, n) for b in range(5) for n in range(N)
        ]
    assert [batch.places for batch in batches[:4]] != [batch.places for batch in batches[4:]]
    for batch in batches:
        size = len(batch.places)
        images = batch.observations["depth"].expand()
        assert batch.observations["depth"].shape == images.shape == (T * size, *DIMS["depth"])
        for column, (block, env) in enumerate(batch.places):
            for step in range(T):
                entry, row = record[block * T + step], step * size + column
                assert torch.equal(batch.observations["id"][row], entry["id"][env])
                assert torch.equal(batch.labels["actions"][row], entry["actions"][env])
                torch.testing.assert_close(images[row], entry["depth"][env], atol=STEP / 2 + 1e-6, rtol=0)
            assert torch.equal(batch.hidden["h"][:, column], record[block * T]["h"][:, env])
            ended = [bool(record[block * T + step]["dones"][env]) for step in range(T)]
            assert bool(batch.whole[column]) == (not any(ended))


def test_dones_cut_the_sequences() -> None:
    storage = make()
    record = fill(storage, 3)
    (batch,) = storage.batches(100, num_epochs=1)
    pieces = sum(1 + sum(bool(record[b * T + t]["dones"][n]) for t in range(T - 1)) for b in range(3) for n in range(N))
    assert batch.trajectories.num_pieces == pieces > 3 * N


def test_an_image_is_stored_once_while_it_stays() -> None:
    frames = FrameList(2)
    a, b, c = (torch.full((1, 1, 1), value) for value in (1, 2, 3))
    # Environment 0 sees a a b b, environment 1 sees c a a c.
    seen = [frames.add(torch.stack(pair)).tolist() for pair in ((a, c), (a, a), (b, a), (b, c))]
    assert seen == [[0, 0], [0, 1], [1, 1], [1, 2]]
    stored, first = frames.finish()
    assert stored.flatten().tolist() == [1, 2, 3, 1, 3] and first.tolist() == [0, 2]


def test_a_batch_holds_each_frame_of_a_sequence_once() -> None:
    storage = make()
    for step in range(T):
        if step == 0:
            storage.save_hidden({"h": torch.zeros(2, N, 5)})
        image = torch.full((N, *DIMS["depth"]), 0.1 if step < 3 else 0.2)
        storage.add({"id": torch.zeros(N, 2), "depth": image}, {"actions": torch.zeros(N, A)})
        storage.add_dones(torch.zeros(N, dtype=torch.bool))
    (batch,) = storage.batches(N, num_epochs=1)
    assert len(batch.observations["depth"].frames) == 2 * N


def test_uint8_levels_by_hand() -> None:
    image_format = ImageFormat("uint8", (-0.5, 0.5))
    stored = image_format.encode(torch.tensor([-0.5, -0.5 + STEP, 0.0, 0.5]))
    assert stored.tolist() == [0, 1, 128, 255] and stored.dtype == torch.uint8  # 127.5 rounds to even
    torch.testing.assert_close(image_format.decode(stored), torch.tensor([-0.5, -0.5 + STEP, 0.5 * STEP, 0.5]))


@pytest.mark.parametrize("value", [0.51, -0.51, float("nan"), float("inf")])
def test_pixels_out_of_range_are_refused(value: float) -> None:
    with pytest.raises(RslRlError, match=r"outside of algorithm.image_range \[-0.5, 0.5\]"):
        ImageFormat("uint8", RANGE).encode(torch.tensor([0.0, value]))


@pytest.mark.parametrize("storage", ["float16", "float32"])
def test_floats_have_no_range(storage: str) -> None:
    images = torch.randn(3, 1, 2, 2) * 10
    stored = ImageFormat(storage, RANGE).encode(images)
    copy = images.clone()
    images.zero_()  # the environment goes on to use its tensor
    tolerance = {"float16": 1e-3, "float32": 0.0}[storage]
    torch.testing.assert_close(ImageFormat(storage, RANGE).decode(stored), copy, rtol=tolerance, atol=tolerance)


def test_mistakes_in_the_format() -> None:
    with pytest.raises(RslRlError, match="image_storage is 'uint16'; did you mean uint8"):
        ImageFormat("uint16", RANGE)
    with pytest.raises(RslRlError, match=r"image_range is \[0.5, -0.5\]"):
        ImageFormat("uint8", (0.5, -0.5))


def test_size_by_hand() -> None:
    # A step: id 2 floats, image 6 bytes and an index of 4, actions 2 floats, a flag. A sequence: h of 2 x 5 floats.
    step = 8 + 6 + 4 + 8 + 1
    assert make().bytes_per_sequence == T * step + 40
    assert make(image_storage="float16").bytes_per_sequence == T * (step + 6) + 40
    storage = make()
    fill(storage, 1)
    frames = len(storage.blocks[0].frames["depth"])
    assert N < frames < N * T
    assert storage.num_gb * 1e9 == pytest.approx(N * (T * (step - 6) + 40) + 6 * frames)


def test_the_oldest_make_room_for_the_newest() -> None:
    storage = make(max_gb=4.0 * N * make().bytes_per_sequence / 1e9)
    fill(storage, 20)
    numbers = [block.number for block in storage.blocks]
    assert numbers == list(range(20 - len(numbers), 20)) and 4 <= len(numbers) < 20
    assert (
        storage.num_gb * 1e9 == sum(block.num_bytes for block in storage.blocks) <= 4 * N * storage.bytes_per_sequence
    )
    assert len({place for batch in storage.batches(5, 1) for place in batch.places}) == storage.num_sequences


def test_a_bound_below_one_sequence_of_each_is_refused() -> None:
    with pytest.raises(RslRlError, match="max_aggregate_gb is 1e-07, but one sequence of each of the 3 environments"):
        make(max_gb=1e-7)


def test_memory_is_checked_before_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = make(max_gb=2.0)
    monkeypatch.setattr(sequence_storage, "available_bytes", lambda: int(1e9))
    assert "for 1,000 samples of up to 37 bytes" in storage.check_memory(1000)
    with pytest.raises(
        RslRlError, match="may grow to 2 GB, this machine has 1 GB of memory available; lower algorithm"
    ):
        storage.check_memory(10**9)
    monkeypatch.setattr(sequence_storage, "available_bytes", lambda: None)
    assert "the oldest are dropped" in storage.check_memory(10**9)
    monkeypatch.undo()
    available = sequence_storage.available_bytes()
    assert available is None or 2**20 < available < 2**50


def test_batches_can_be_limited() -> None:
    storage = make()
    fill(storage, 2)
    assert len(list(storage.batches(2, num_epochs=5, max_batches=4))) == 4
    assert len(list(storage.batches(2, num_epochs=1, max_batches=40))) == 3


def test_memories_are_renewed_where_no_episode_ended() -> None:
    storage = make()
    record = fill(storage, 3)
    (batch,) = storage.batches(100, 1)
    ends = torch.randn(2, len(batch.places), 5)
    storage.renew_hidden(batch, {"h": ends})
    for column, (block, env) in enumerate(batch.places):
        if block < 2:
            ended = any(bool(record[block * T + step]["dones"][env]) for step in range(T))
            expected = record[(block + 1) * T]["h"][:, env] if ended else ends[:, column]
            assert torch.equal(storage.blocks[block + 1].hidden["h"][env], expected)
    assert torch.equal(storage.blocks[0].hidden["h"].transpose(0, 1), record[0]["h"])
    storage.renew_hidden(batch, {})  # a policy without memory has nothing to say


def assert_same_blocks(first: SequenceStorage, second: SequenceStorage) -> None:
    assert first.next_number == second.next_number and len(first.blocks) == len(second.blocks)
    for a, b in zip(first.blocks, second.blocks):
        assert a.number == b.number and torch.equal(a.dones, b.dones)
        for name in ("observations", "frames", "frame_index", "labels", "hidden"):
            tables = getattr(a, name), getattr(b, name)
            assert tables[0].keys() == tables[1].keys()
            for key in tables[0]:
                assert torch.equal(tables[0][key], tables[1][key]) and tables[0][key].dtype == tables[1][key].dtype


def listed(folder: Any) -> set[str]:
    return {path.name for path in (folder / "aggregate").iterdir()}


def restore(files: AggregateFiles, folder: Any, iteration: int) -> None:
    files.restore(str(folder), files.read(str(folder), iteration))


def test_saved_and_loaded(tmp_path: Any) -> None:
    storage = make(max_gb=4.0 * N * make().bytes_per_sequence / 1e9)
    files = AggregateFiles(storage)
    fill(storage, 3)
    files.save(str(tmp_path), 1)
    files.prune(str(tmp_path), 1)
    assert listed(tmp_path) == {"block_0.pt", "block_1.pt", "block_2.pt", "state_1.pt"}
    fill(storage, 9, seed=1)
    storage.blocks[-1].hidden["h"].fill_(7.0)  # as learning does, also after a block has been written
    files.save(str(tmp_path), 2)
    storage.blocks[-1].hidden["h"].fill_(8.0)
    files.save(str(tmp_path), 3)
    files.prune(str(tmp_path), 3)
    assert listed(tmp_path) == {"state_3.pt"} | {f"block_{block.number}.pt" for block in storage.blocks}

    loaded = make()
    fill(loaded, 1)
    restore(AggregateFiles(loaded), tmp_path, 3)
    assert_same_blocks(loaded, storage)
    assert loaded.num_gb == pytest.approx(storage.num_gb)
    restore(AggregateFiles(loaded), tmp_path, 2)  # is no more there
    assert (loaded.num_samples, loaded.next_number) == (0, 0)


def test_blocks_of_a_killed_run_are_written_over(tmp_path: Any) -> None:
    first = make()
    fill(first, 2)
    AggregateFiles(first).save(str(tmp_path), 1)
    killed = make()
    files = AggregateFiles(killed)
    restore(files, tmp_path, 1)
    fill(killed, 2, seed=5)
    files.save(str(tmp_path), 2)  # and killed before its checkpoint was written
    resumed = make()
    files = AggregateFiles(resumed)
    restore(files, tmp_path, 1)
    fill(resumed, 2, seed=6)
    files.save(str(tmp_path), 2)
    loaded = make()
    restore(AggregateFiles(loaded), tmp_path, 2)
    assert_same_blocks(loaded, resumed)


def test_an_aggregate_of_other_labels_is_refused(tmp_path: Any) -> None:
    storage = make()
    fill(storage, 1)
    AggregateFiles(storage).save(str(tmp_path), 1)
    with pytest.raises(RslRlError, match=r"another algorithm\.loss or algorithm\.image_storage"):
        AggregateFiles(make(image_storage="float16")).read(str(tmp_path), 1)
