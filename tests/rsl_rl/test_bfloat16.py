"""Which CPUs compute in bfloat16, and what a learner does on the others."""

from __future__ import annotations

import pathlib
from typing import Any, Mapping

import pytest
import torch

from rsl_rl.utils import bfloat16
from tests.rsl_rl.ppo_helpers import collect, make_ppo, parameters, random_rollout

X86 = "processor\t: 0\nmodel name\t: {}\nflags\t\t: fpu sse2 avx2 avx512f {}\nbogomips\t: 5200\n\nprocessor\t: 1\n"
ARM = "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd {}\n"
WARNING = "warning: this CPU has no units for bfloat16; precision=bfloat16 computes in float32\n"


@pytest.mark.parametrize(
    ("text", "units"),
    [
        (X86.format("EPYC 9004", "avx512_bf16 avx512_vnni"), ("avx512_bf16",)),
        (X86.format("Xeon 8480", "avx512_bf16 amx_bf16 amx_tile"), ("avx512_bf16", "amx_bf16")),
        (X86.format("Xeon with avx512_bf16 in its name alone", "avx512_vnni"), ()),
        (ARM.format("bf16 i8mm"), ("bf16",)),
        (ARM.format("i8mm"), ()),
        ("", ()),
    ],
)
def test_units_are_those_that_linux_lists(
    text: str, units: Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text(text)
    monkeypatch.setattr(bfloat16, "_CPU_INFO", str(info))
    assert bfloat16.bfloat16_units() == units


@pytest.mark.parametrize(
    ("capabilities", "units"), [({"bf16": True, "neon": True}, ("bf16",)), ({"avx512_bf16": False}, ())]
)
def test_elsewhere_torch_is_asked(
    capabilities: Mapping[str, bool], units: Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bfloat16, "_CPU_INFO", str(tmp_path / "none"))
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert bfloat16.bfloat16_units() == units


def test_releases_of_torch_that_do_not_say_have_none(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bfloat16, "_CPU_INFO", str(tmp_path / "none"))
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert bfloat16.bfloat16_units() == ()


def learned(precision: str) -> torch.Tensor:
    torch.manual_seed(2)
    algorithm = make_ppo(precision=precision, schedule="fixed")
    collect(algorithm, random_rollout())
    algorithm.update()
    return parameters(algorithm)


def test_a_cpu_without_units_learns_in_float32_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = learned("float32")
    monkeypatch.setattr(bfloat16, "bfloat16_units", lambda: ("avx512_bf16",))
    assert not torch.equal(learned("bfloat16"), plain)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(bfloat16, "bfloat16_units", lambda: ())
    assert torch.equal(learned("bfloat16"), plain)
    assert capsys.readouterr().err == WARNING
    learned("float32")
    assert capsys.readouterr().err == ""


def test_a_gpu_has_them(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(bfloat16, "bfloat16_units", lambda: ())
    assert bfloat16.worth_it_on("cuda")
    assert capsys.readouterr().err == ""
