"""Several processes: the collectives, and a training whose two halves equal the whole."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from rsl_rl.utils.distributed import Distributed
from rsl_rl.utils.errors import RslRlError
from tests.rsl_rl.processes import torchrun

# What each of the two processes does; it leaves what it saw in <folder>/<rank>.pt.
WORKER = """
import sys
import torch
from rsl_rl.utils.distributed import Distributed

def network():
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)).double()

group = Distributed.from_environment("cpu")
rank = group.rank
seen = {"world": group.world_size, "main": group.is_main, "seed": group.seed(5)}

tensors = [torch.full((2, 3), float(rank)), torch.tensor(10.0 * rank), torch.arange(4.0).view(2, 2).t() * (rank + 1)]
group.all_reduce_mean_(tensors)
seen["means"] = tensors

torch.manual_seed(rank)
net = network()
transposed = torch.full((2, 3), float(rank + 7)).t()
counter = torch.tensor(rank + 7)
group.broadcast_([*net.parameters(), transposed, counter])
seen["broadcast"] = [transposed, counter]
seen["object"] = group.broadcast_object({"folder": f"run of {rank}"})
seen["any"] = [group.any_rank(rank == 1), group.any_rank(False)]

def refuse():
    if rank == 1:
        raise OSError(28, "No space left on device")
    return "saved"

try:
    group.together(refuse)
except Exception as error:
    seen["together"] = [type(error).__name__, str(error)]
seen["result"] = group.together(lambda: rank)

torch.manual_seed(42)
inputs, targets = torch.randn(8, 3).double(), torch.randn(8, 1).double()
mine = slice(4 * rank, 4 * rank + 4)
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
for _ in range(5):
    optimizer.zero_grad()
    (net(inputs[mine]) - targets[mine]).square().mean().backward()
    group.all_reduce_mean_([parameter.grad for parameter in net.parameters()])
    optimizer.step()
seen["parameters"] = [parameter.detach() for parameter in net.parameters()]

torch.save(seen, f"{sys.argv[1]}/{rank}.pt")
group.any_rank(False)
group.close()
"""


def test_two_processes_equal_one_on_the_whole_batch(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    result = torchrun(script, str(tmp_path))
    assert result.returncode == 0, result.stderr
    seen = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1)]

    assert [s["world"] for s in seen] == [2, 2] and [s["main"] for s in seen] == [True, False]
    assert seen[0]["seed"] == 5 and seen[1]["seed"] != 5
    for s in seen:
        # (0 + 1) / 2, (0 + 10) / 2, (1 + 2) / 2 of the transposed counting matrix
        assert s["means"][0].unique().tolist() == [0.5] and s["means"][1].item() == 5.0
        assert s["means"][2].tolist() == [[0.0, 3.0], [1.5, 4.5]]
        assert s["broadcast"][0].unique().tolist() == [7.0] and s["broadcast"][1].item() == 7
        assert s["object"] == {"folder": "run of 0"} and s["any"] == [True, False]

    reason = "[Errno 28] No space left on device"
    assert [s["together"] for s in seen] == [["RslRlError", f"process 1: {reason}"], ["OSError", reason]]
    assert [s["result"] for s in seen] == [0, 1]

    # The mean of two half batches' mean gradients is the whole batch's: one process must find the same parameters.
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)).double()
    torch.manual_seed(42)
    inputs, targets = torch.randn(8, 3).double(), torch.randn(8, 1).double()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(5):
        optimizer.zero_grad()
        (net(inputs) - targets).square().mean().backward()
        optimizer.step()
    for alone, first, second in zip(net.parameters(), seen[0]["parameters"], seen[1]["parameters"]):
        assert torch.equal(first, second)
        torch.testing.assert_close(first, alone.detach(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("world_size", "who"), [(2, "process 0"), (4, "another process")])
def test_a_process_that_is_gone_is_one_line(monkeypatch: pytest.MonkeyPatch, world_size: int, who: str) -> None:
    def lost(*args: object, **kwargs: object) -> None:
        raise RuntimeError("[tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:2953. This is typically\ncaused by")

    for name in ("all_reduce", "broadcast", "all_gather_object"):
        monkeypatch.setattr(torch.distributed, name, lost)
    group = Distributed(rank=1, world_size=world_size)
    for work in (
        lambda: group.all_reduce_mean_([torch.zeros(1)]),
        lambda: group.broadcast_([torch.zeros(1)]),
        lambda: group.broadcast_object(1),
        lambda: group.any_rank(True),
        lambda: group.together(lambda: None),
    ):
        with pytest.raises(RslRlError) as error:
            work()
        assert str(error.value) == f"{who} of the training has ended (Connection closed by peer [127.0.0.1]:2953)"


def test_alone_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    group = Distributed.from_environment("cpu")
    tensor = torch.tensor([1.0, 2.0])
    group.all_reduce_mean_([tensor])
    group.broadcast_([tensor])
    assert (group.rank, group.world_size, group.is_main, group.seed(3)) == (0, 1, True, 3)
    assert tensor.tolist() == [1.0, 2.0]
    assert group.together(lambda: "x") == "x" and group.gather_objects(1) == [1]
    assert group.broadcast_object("x") == "x" and group.any_rank(True) and not group.any_rank(False)
    group.close()
    assert not torch.distributed.is_initialized()


def test_seeds_of_ranks_differ_and_fit_numpy() -> None:
    seeds = [Distributed(rank=rank, world_size=64).seed(2**32 - 1) for rank in range(64)]
    assert len(set(seeds)) == 64 and all(0 <= seed < 2**32 for seed in seeds)


def test_half_a_group_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(RslRlError, match=r"RANK is None.*torchrun"):
        Distributed.from_environment("cpu")


def test_more_processes_than_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("WORLD_SIZE", "2"), ("RANK", "1"), ("LOCAL_RANK", "1")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(RslRlError, match="process 1 of this machine has no GPU: 1 found"):
        Distributed.from_environment("cuda:0")
