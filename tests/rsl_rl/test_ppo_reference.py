"""The whole of PPO against another implementation: rsl-rl-lib 5.5, on the same networks, rollout and mini-batches."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from typing import Any

import pytest
import torch

from tests.rsl_rl.extensions.test_symmetry import MAPS
from tests.rsl_rl.ppo_helpers import collect, make_ppo, random_rollout

try:
    VERSION = importlib.metadata.version("rsl-rl-lib")
except importlib.metadata.PackageNotFoundError:
    VERSION = ""
pytestmark = pytest.mark.skipif(not VERSION.startswith("5.5"), reason="rsl-rl-lib 5.5 is not installed")

# Few mini-batches and a small rate keep rounding errors from growing: Adam's first steps follow the sign of a gradient.
COMMON = {"num_learning_epochs": 3, "num_mini_batches": 2, "learning_rate": 3e-4}


def case(recurrent: str = "", symmetry: str = "none", normalize: bool = False, **settings: Any) -> dict[str, Any]:
    return {
        "seed": 5,
        "recurrent": recurrent,
        "symmetry": symmetry,
        "normalize": normalize,
        "settings": {**COMMON, **settings},
    }


CASES = {
    "adaptive": case(),
    "fixed": case(schedule="fixed", learning_rate=1e-3),
    "falling rate": case(learning_rate=8e-3, num_learning_epochs=2),
    "values not clipped": case(use_clipped_value_loss=False, value_loss_coef=0.3),
    "short gradients": case(max_grad_norm=0.05),
    "narrow clip": case(clip_param=0.02, entropy_coef=0.1),
    "other discount": case(gamma=0.9, lam=0.5),
    "normalized": case(normalize=True),
    "augment": case(symmetry="augment"),
    "mirror loss": case(symmetry="loss"),
    "gru": case("gru"),
    "lstm": case("lstm"),
}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the other implementation makes of each case."""
    folder = tmp_path_factory.mktemp("reference")
    torch.save({"rollout": random_rollout(), "maps": MAPS, "cases": list(CASES.values())}, folder / "in.pt")
    script = os.path.join(os.path.dirname(__file__), "reference_ppo.py")
    command = [sys.executable, script, str(folder / "in.pt"), str(folder / "out.pt")]
    run = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert run.returncode == 0, run.stderr
    return dict(zip(CASES, torch.load(folder / "out.pt", weights_only=True)))


def rename(networks: dict[str, dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """The other implementation's parameters by the names that they have here."""
    ours = {"distribution.log_std": networks["actor"]["distribution.log_std_param"]}
    heads = {"mlp.0": "head.hidden.0", "mlp.2": "head.hidden.1", "mlp.4": "head.output", "rnn.rnn": "memory.rnn"}
    for network, group in (("actor", "policy"), ("critic", "critic")):
        for name, value in networks[network].items():
            stem, _, last = name.rpartition(".")
            if stem in heads:
                ours[f"{network}.{heads[stem]}.{last}"] = value
            elif last in ("_mean", "_var", "count"):
                name = f"{network}.encoders.{group}.inputs.0.{last.lstrip('_')}"
                ours[name] = value.squeeze(0) if value.dim() else value
    return ours


@pytest.mark.parametrize("name", CASES)
def test_same_numbers(name: str, reference: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    expected, settings = reference[name], dict(CASES[name]["settings"])
    if CASES[name]["symmetry"] != "none":
        settings.update(symmetry=CASES[name]["symmetry"], symmetry_loss_coef=0.5, mirror_maps=MAPS)
    policy = {"normalize_observations": CASES[name]["normalize"]}
    algorithm = make_ppo(CASES[name]["recurrent"], policy=policy, **settings)
    algorithm.policy.load_state_dict(rename(expected["before"]))
    before = {key: value.clone() for key, value in algorithm.policy.state_dict().items()}

    drawn = iter(expected["recorded"]["actions"])
    monkeypatch.setattr(algorithm.policy.distribution, "sample", lambda mean: next(drawn))
    collect(algorithm, random_rollout())
    for key, value in expected["recorded"].items():
        torch.testing.assert_close(getattr(algorithm.storage, key), value, rtol=1e-4, atol=2e-6, msg=key)

    if CASES[name]["recurrent"]:
        # The other implementation deals out environments in their order.
        monkeypatch.setattr(torch, "randperm", lambda count, device: torch.arange(count, device=device))
    torch.manual_seed(CASES[name]["seed"])
    metrics = algorithm.update()
    names = {"value": "value_function", "surrogate": "surrogate", "entropy": "entropy", "symmetry": "symmetry"}
    for key, value in expected["losses"].items():
        assert metrics[names[key]] == pytest.approx(value, rel=1e-3, abs=1e-5), key
    assert algorithm.learning_rate == pytest.approx(expected["learning_rate"], rel=1e-9)
    after, target = algorithm.policy.state_dict(), rename(expected["after"])
    assert after.keys() == target.keys()
    for key, value in target.items():
        moved = (value - before[key]).abs().max()
        assert moved > 0, key
        torch.testing.assert_close(after[key], value, rtol=0.0, atol=1e-3 * float(moved), msg=key)
