"""The content of a checkpoint is checked whole before anything of it is used."""

from __future__ import annotations

import contextlib
import copy
from pathlib import Path
from typing import Any, Iterator

import pytest
import torch

from rsl_rl.models.saved_policy import build_policy
from rsl_rl.runners import OnPolicyRunner
from rsl_rl.utils import checkpoint
from rsl_rl.utils.errors import RslRlError
from tests.rsl_rl.runner_helpers import assert_same, config, make

# What may be anything, or of any length, or is told apart by `meta` before it is looked at.
FREE = ("schema_version", "infos", "optimizer_state_dict.param_groups", "meta.policy", "meta.observation_dims")
# States of devices that are not here; lists of any length; moments, which a parameter has from its first step on.
PASSED_OVER = ("rng.cuda", "runner.statistics.finished", "optimizer_state_dict.state")


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A checkpoint of a recurrent policy, whose episodes and optimiser are under way."""
    folder = tmp_path_factory.mktemp("run")
    make(folder, config(recurrent=True)).learn(1)
    return checkpoint.load_checkpoint(str(folder / "model_1.pt"))


def leaves(table: dict[Any, Any], above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The keys to all entries of nested dicts."""
    for key, value in table.items():
        keys = (*above, key)
        if not ".".join(map(str, keys)).startswith(FREE):
            yield keys
            if isinstance(value, dict):
                yield from leaves(value, keys)


def changed(content: dict[str, Any], keys: tuple[Any, ...], change: Any) -> dict[str, Any]:
    """A copy in which an entry is replaced by `change` of it, or taken out where that is a KeyError."""
    copied = copy.deepcopy(content)
    table: Any = copied
    for key in keys[:-1]:
        table = table[key]
    value = table.pop(keys[-1])
    with contextlib.suppress(KeyError):
        table[keys[-1]] = change(value)
    return copied


def absent(value: Any) -> Any:
    raise KeyError


def other_kind(value: Any) -> Any:
    return 5 if isinstance(value, str) else "text"


def other_shape(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return torch.zeros(3, 1, 4, dtype=value.dtype)
    return [*value, 7] if isinstance(value, (list, tuple)) else {}


def not_finite(value: Any) -> Any:
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        return torch.full_like(value, float("nan"))
    return float("inf") if isinstance(value, float) else other_kind(value)


@pytest.mark.parametrize("change", [absent, other_kind, other_shape, not_finite])
def test_whatever_is_wrong_is_one_line_and_changes_nothing(
    content: dict[str, Any], monkeypatch: pytest.MonkeyPatch, change: Any
) -> None:
    runner = make(None, config(recurrent=True))
    before = checkpoint.to_plain({**runner._share(), "networks": runner.policy.state_dict()})
    names = list(leaves(content))
    assert {("env", "position"), ("optimizer_state_dict", "state", 0, "exp_avg"), ("iter",)} <= set(names)
    taken = []
    for keys in names:
        damaged = changed(content, keys, change)
        monkeypatch.setattr(checkpoint, "load_checkpoint", lambda path, damaged=damaged: damaged)
        try:
            runner.load("model_1.pt")
        except RslRlError as error:
            assert "model_1.pt" in str(error) and "\n" not in str(error)
            assert_same(checkpoint.to_plain({**runner._share(), "networks": runner.policy.state_dict()}), before)
        else:
            taken.append(".".join(map(str, keys)))
            runner = make(None, config(recurrent=True))
    assert [name for name in taken if not name.startswith(PASSED_OVER)] == []
    assert not [name for name in taken if name.endswith(("step", "exp_avg", "exp_avg_sq"))]


@pytest.mark.parametrize(
    ("keys", "change", "words"),
    [
        (("env", "position"), absent, "does not fit: it lacks env.position"),
        (("meta", "policy"), absent, "does not fit: it lacks meta.policy"),
        (("env", "velocity"), other_shape, r"its env.velocity is float32 \[3, 1, 4\], this run has float32 \[6, 3\]"),
        (("env", "velocity"), not_finite, "its env.velocity holds numbers that are not finite"),
        (
            ("optimizer_state_dict", "state", 0, "exp_avg"),
            other_kind,
            "state.0.exp_avg is a str, this run",
        ),
        (("rng", "torch"), other_shape, "its rng is no state of random generators"),
        (
            ("model_state_dict", "actor.head.output.bias"),
            not_finite,
            "its network.actor.head.output.bias holds",
        ),
    ],
)
def test_the_entry_and_both_sides_are_named(
    content: dict[str, Any], tmp_path: Path, keys: tuple[Any, ...], change: Any, words: str
) -> None:
    path = str(tmp_path / "model_1.pt")
    checkpoint.save_checkpoint(path, changed(content, keys, change))
    with pytest.raises(RslRlError, match=words):
        make(None, config(recurrent=True)).load(path)


def test_weights_that_are_not_finite_start_no_run_and_teach_nobody(content: dict[str, Any], tmp_path: Path) -> None:
    path = str(tmp_path / "model_1.pt")
    damaged = copy.deepcopy(content)
    damaged["model_state_dict"]["actor.head.output.bias"][0] = float("inf")
    checkpoint.save_checkpoint(path, damaged)
    for use in (make(None, config(recurrent=True)).start_from, build_policy):
        with pytest.raises(RslRlError, match=r"network\.actor\.head\.output\.bias holds numbers that are not finite"):
            use(path)


def test_an_option_that_did_not_exist_yet_has_its_default_of_today(
    content: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "model_1.pt")
    older = copy.deepcopy(content)
    del older["meta"]["policy"]["activation"]  # "elu" unless something else is asked for
    checkpoint.save_checkpoint(path, older)
    runner = make(None, config(recurrent=True))
    runner.load(path)
    assert_same(dict(runner.policy.state_dict()), content["model_state_dict"])
    assert capsys.readouterr().out == ""  # the networks are the same
    cfg = config(recurrent=True)
    cfg["policy"]["activation"] = "tanh"
    with pytest.raises(RslRlError, match=r"its policy\.activation is 'elu', this run has 'tanh'"):
        make(None, cfg).load(path)


def test_symmetry_may_be_switched_on_later(content: dict[str, Any], tmp_path: Path) -> None:
    """The memories of mirror images, which a run without symmetry does not have, begin with zeros."""
    path = str(tmp_path / "model_1.pt")
    checkpoint.save_checkpoint(path, content)

    class MirroredEnv(type(make(None).env)):  # type: ignore[misc]
        def mirror_maps(self) -> Any:
            sizes = {**{name: shape[0] for name, shape in self.observation_dims.items()}, "actions": self.num_actions}
            return {name: (torch.arange(size), torch.ones(size)) for name, size in sizes.items()}

    cfg = config(recurrent=True)
    cfg["algorithm"]["symmetry"] = "augment"
    runner = OnPolicyRunner(MirroredEnv(), cfg)
    runner.load(path)
    assert not runner.algorithm.hidden["image_actor"]["h"].any() and runner.algorithm.hidden["actor"]["h"].any()


def test_decay_is_a_setting_of_the_run_that_goes_on(content: dict[str, Any], tmp_path: Path) -> None:
    path = str(tmp_path / "model_1.pt")
    checkpoint.save_checkpoint(path, content)
    cfg = config(recurrent=True)
    cfg["algorithm"]["weight_decay"] = 0.25
    runner = make(None, cfg)
    runner.load(path)
    assert runner.algorithm.optimizer.param_groups[0]["weight_decay"] == 0.25
