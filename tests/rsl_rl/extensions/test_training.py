"""Extensions in whole trainings: resumed bit for bit, added to an older run, in imitation."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

import pytest
import torch
from torch import nn

from rsl_rl.algorithms import DAgger
from rsl_rl.extensions import Batch, Context, Extension, Losses
from rsl_rl.models import ActorCritic, Observations, Outputs
from rsl_rl.runners import OnPolicyRunner
from rsl_rl.utils.errors import RslRlError
from tests.rsl_rl.extensions.examples import Blind, Companion, Onlooker, table
from tests.rsl_rl.toy_vec_env import ToyVecEnv


def make(folder: Path | None, extensions: Mapping[str, Any], recurrent: bool = True) -> OnPolicyRunner:
    policy = {"actor_hidden_dims": [8], "critic_hidden_dims": [8]}
    runner = {"num_steps_per_env": 8, "logger": "none", "log_interval": 100, "save_interval": 2}
    if recurrent:
        policy.update(rnn_type="gru", rnn_hidden_size=6)
        runner["policy_class_name"] = "ActorCriticRecurrent"
    algorithm = {"num_mini_batches": 2, "num_learning_epochs": 2, "extensions": extensions}
    cfg = {"policy": policy, "algorithm": algorithm, "runner": runner}
    return OnPolicyRunner(ToyVecEnv(), cfg, None if folder is None else str(folder))


def weights(runner: OnPolicyRunner) -> list[torch.Tensor]:
    own = runner.algorithm.extensions.tensors()
    return [x.detach().clone() for x in (*runner.policy.state_dict().values(), *own)]


BOTH = table(Onlooker, Companion)


def test_a_resumed_training_is_the_same_bit_for_bit(tmp_path: Path) -> None:
    straight = make(tmp_path / "a", BOTH)
    straight.learn(2)
    straight.learn(2)
    resumed = make(None, BOTH)
    resumed.load(str(tmp_path / "a" / "model_2.pt"))
    resumed.learn(2)
    assert len(weights(straight)) > len(straight.policy.state_dict())
    for first, second in zip(weights(straight), weights(resumed)):
        assert torch.equal(first, second)


def test_an_extension_may_be_added_to_a_run_and_taken_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path / "a", {}).learn(1)
    later = make(tmp_path / "b", table(Onlooker))
    later.load(str(tmp_path / "a" / "model_1.pt"))
    assert "is without algorithm_state.extensions: begun here as in a new run" in capsys.readouterr().out
    later.learn(1)
    capsys.readouterr()
    without = make(None, {})
    without.load(str(tmp_path / "b" / "model_2.pt"))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("load_env", [True, False])
def test_networks_of_extensions_are_loaded_and_checked(tmp_path: Path, load_env: bool) -> None:
    first = make(tmp_path, table(Onlooker))
    first.learn(1)
    path = str(tmp_path / "model_1.pt")
    second = make(None, table(Onlooker))
    second.load(path, load_env=load_env)
    for mine, theirs in zip(second.algorithm.extensions.tensors(), first.algorithm.extensions.tensors()):
        assert torch.equal(mine, theirs)
    content = torch.load(path, weights_only=True)
    content["algorithm_state"]["extensions"]["onlooker"]["network"]["bias"][0] = float("nan")
    torch.save(content, path)
    with pytest.raises(ValueError, match=r"network.bias holds numbers that are not finite"):
        second.load(path, load_env=load_env)


class Wide(Onlooker):
    """With one more layer; or an optimiser of one of the two alone."""

    def __init__(self, context: Context, layers: int = 2, learn: int = 2) -> None:
        size = context.policy.observation_dims["policy"][0]
        self.network = nn.Sequential(*(nn.Linear(size, size) for _ in range(layers)))
        learning = [p for layer in self.network[-learn:] for p in layer.parameters()]
        self.optimizer = context.optimizer("onlooker", learning, 1e-2)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ({"layers": 1}, {"layers": 2}, r"its extension wide.network.1.bias is 'absent', this run has \(6,\)"),
        ({"layers": 2}, {"layers": 1}, r"its extension wide.network.1.bias is \(6,\), this run has 'absent'"),
        ({"learn": 2}, {"learn": 1}, r"its extension wide.optimizer.state.1.*, this run has"),
    ],
)
def test_an_extension_of_another_shape_is_refused_before_anything_changes(
    tmp_path: Path, first: Any, second: Any, message: str
) -> None:
    make(tmp_path, table(Wide, **first)).learn(1)
    runner = make(None, table(Wide, **second))
    runner.env.load_state_dict = lambda _: pytest.fail("changed")  # type: ignore[method-assign]
    with pytest.raises(RslRlError, match=message):
        runner.load(str(tmp_path / "model_1.pt"))


def test_the_policy_that_is_given_away_has_the_view_too() -> None:
    runner = make(None, table(Blind), recurrent=False)
    policy = runner.get_inference_policy()
    seen = {group: torch.randn(4, *shape) for group, shape in runner.env.observation_dims.items()}
    nothing = {**seen, "policy": torch.zeros_like(seen["policy"])}
    assert torch.equal(policy(seen), policy(nothing))
    with torch.no_grad():
        assert not torch.equal(policy(seen), runner.policy.act_inference(seen)[0])


class Turn(Extension):
    """The first mean action is also to be what only the environment knows, kept as a label of two rows."""

    groups = ("secret",)

    def labels(self, obs: Observations) -> Mapping[str, torch.Tensor]:
        return {"goal": torch.stack([obs["secret"], -obs["secret"]], dim=1)}

    def losses(self, batch: Batch, outputs: Outputs) -> Losses:
        assert batch.observations["secret"].shape[1:] == (1,)
        assert torch.equal(batch.labels["goal"][:, 0], batch.observations["secret"])
        error = outputs.mean[:, :1] - batch.labels["goal"][:, 0]
        return {"turn": (3.0, error.square().mean())}


@pytest.mark.parametrize("view", [{}, table(Onlooker)])
def test_imitation_with_a_further_loss(view: Mapping[str, Any]) -> None:
    dims = {"policy": (3,), "secret": (1,)}
    groups = {"critic_obs_groups": ["policy"], "actor_hidden_dims": [8], "critic_hidden_dims": [2]}
    student, teacher = ActorCritic(dims, 2, **groups), ActorCritic(dims, 2, **groups)
    algorithm = DAgger(
        student, teacher, sequence_length=4, batch_size=4, learning_rate=0.0, copy_weights=False, num_learning_epochs=1,
        image_storage="float32", extensions={**table(Turn), **view},
    )  # fmt: skip
    algorithm.init_storage(6, 8, dims, 2)
    kept = []
    for _ in range(8):
        obs = {name: torch.randn(6, *shape) for name, shape in dims.items()}
        kept.append(obs)
        algorithm.act(obs)
        algorithm.process_env_step(torch.zeros(6), torch.zeros(6, dtype=torch.bool), {})
    together = {name: torch.cat([obs[name] for obs in kept]) for name in dims}
    with torch.no_grad():
        mine, theirs = student.act_inference(together)[0], teacher.act_inference(together)[0]
    metrics = algorithm.update()
    action, turn = (mine - theirs).square().mean().item(), (mine[:, :1] - together["secret"]).square().mean().item()
    assert metrics["actions"] == pytest.approx(action, rel=1e-4)
    assert metrics["turn"] == pytest.approx(turn, rel=1e-4)
    assert metrics["imitation"] == pytest.approx(action + 3.0 * turn, rel=1e-4)
    assert ("onlooker" in metrics) == bool(view)
    assert algorithm.state_dict().keys() == {"learning_rate", "hidden", *(["extensions"] if view else [])}


class Loud(Companion):
    """Has a gradient far longer than the student's."""

    policy_loss_coef = 0.5

    def losses(self, batch: Batch, outputs: Outputs) -> Losses:
        return {"loud": (1e6, (self.network(batch.observations["critic"]) - 5.0).square().mean())}


def imitate(extensions: Mapping[str, Any]) -> Any:
    """The weights of a student after an update in which gradients are clipped, and what was watched."""
    dims = {"policy": (3,), "critic": (2,)}
    torch.manual_seed(0)
    student, teacher = (ActorCritic(dims, 2, actor_hidden_dims=[8], critic_hidden_dims=[2]) for _ in range(2))
    settings = {"copy_weights": False, "sequence_length": 4, "batch_size": 4, "max_grad_norm": 0.01}
    algorithm = DAgger(student, teacher, **settings, extensions=extensions)  # type: ignore[arg-type]
    algorithm.init_storage(6, 4, dims, 2)
    torch.manual_seed(1)
    for _ in range(4):
        algorithm.act({name: torch.randn(6, *shape) for name, shape in dims.items()})
        algorithm.process_env_step(torch.zeros(6), torch.zeros(6, dtype=torch.bool), {})
    metrics = algorithm.update()
    return torch.cat([p.detach().flatten() for p in student.actor.parameters()]), metrics


def test_in_imitation_a_network_that_learns_along_is_clipped_on_its_own() -> None:
    plain, along = imitate({}), imitate(table(Loud))
    # Adam does not feel the weight of the loss, and the lengths are clipped alike.
    torch.testing.assert_close(along[0], plain[0], rtol=1e-3, atol=1e-5)
    assert along[1]["grad_norm"] == pytest.approx(0.5 * plain[1]["grad_norm"], rel=1e-2)
    assert along[1]["loud_grad_norm"] > 1e5


def test_imitation_refuses_what_it_has_no_use_for() -> None:
    with pytest.raises(RslRlError, match=r"symmetry: Symmetry needs an algorithm that calls its images\(\), as PPO"):
        imitate({"symmetry": {}})


class Usurper(Extension):
    def labels(self, obs: Observations) -> Mapping[str, torch.Tensor]:
        return {"actions": obs["policy"]}


def test_labels_of_the_teacher_are_not_replaced() -> None:
    policies = [ActorCritic({"policy": (3,)}, 2, critic_obs_groups=["policy"]) for _ in range(2)]
    algorithm = DAgger(*policies, sequence_length=4, extensions=table(Usurper))
    with pytest.raises(RslRlError, match="the label 'actions' is the teacher's"):
        algorithm.init_storage(2, 4, {"policy": (3,)}, 2)


def test_networks_of_extensions_that_are_lost_end_the_training() -> None:
    runner = make(None, table(Companion))
    lost: Any = runner.algorithm.extensions["companion"]
    runner.callbacks.append(lambda *_: lost.network.bias.data.fill_(float("nan")))
    with pytest.raises(RslRlError, match=r"iteration 2 .*not finite"):
        runner.learn(3)
