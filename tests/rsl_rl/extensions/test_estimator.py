"""Estimates that act where PPO learns from the truth: hand numbers, schedules, checkpoints, resumed runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from rsl_rl.algorithms import DAgger
from rsl_rl.extensions import Adaptation, Context, Estimator, Extensions
from rsl_rl.models import ActorCritic, Outputs
from rsl_rl.models.saved_policy import build_policy
from rsl_rl.runners.inference_policy import InferencePolicy
from rsl_rl.utils.checkpoint import save_checkpoint
from rsl_rl.utils.errors import RslRlError
from tests.rsl_rl.extensions.teacher import ESTIMATOR, HISTORY, POLICY, TeacherEnv, make_teacher
from tests.rsl_rl.runner_helpers import assert_same_checkpoint, metrics

CPU = torch.device("cpu")
SENSED = ("policy", "hurdles", "history")


def weights(runner: Any, name: str) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in runner.algorithm.extensions[name].network.parameters()]).clone()


def test_distances_by_hand() -> None:
    context = Context(ActorCritic(TeacherEnv().observation_dims, 3, **POLICY), CPU)
    wanted, found = torch.tensor([[1.0, 1.0], [0.0, 2.0]]), torch.tensor([[4.0, 5.0], [0.0, 2.0]])
    # differences (3, 4) and (0, 0): squares 9 + 16 over 4 numbers; lengths 5 and 0
    assert Estimator(context, **ESTIMATOR).distance(wanted, found).item() == 25 / 4  # type: ignore[arg-type]
    assert Adaptation(context, "latent", HISTORY).distance(wanted, found).item() == 5 / 2


def test_the_regulariser_pulls_the_latent_alone() -> None:
    extension = Adaptation(Context(ActorCritic(TeacherEnv().observation_dims, 3, **POLICY), CPU), "latent", HISTORY)
    for parameter in extension.network.parameters():
        torch.nn.init.zeros_(parameter)  # the estimate is 0
    latent = torch.tensor([[3.0, 4.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 5.0, 12.0]], requires_grad=True)
    with torch.no_grad():
        batch: Any = type("Batch", (), {"labels": extension.labels({"history": torch.randn(2, 60)})})
    extension.set_progress(3500, 50000)
    found = extension.losses(batch, Outputs(torch.zeros(2, 3), torch.zeros(2), {"latent": latent}, {}))
    weight, pull = found["priv_reg"]
    assert weight == pytest.approx(0.05) and found["priv_reg_coef"][1].item() == pytest.approx(0.05)
    assert pull.item() == (5 + 13) / 2
    pull.backward()
    unit = torch.tensor([[3 / 5, 4 / 5, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 5 / 13, 12 / 13]])
    torch.testing.assert_close(latent.grad, unit / 2)
    assert all(parameter.grad is None for parameter in extension.network.parameters())


def test_estimates_act_and_the_truth_is_kept() -> None:
    runner = make_teacher()
    algorithm, actor = runner.algorithm, runner.policy.actor
    obs = runner.env.reset()
    expected = []
    with torch.no_grad():
        estimate = algorithm.extensions["estimator"].network(obs)[0]
        latents = [algorithm.extensions["adaptation"].network(obs)[0], actor.encoders["latent"](obs)[0]]
        for iteration, latent in enumerate(latents):
            algorithm.set_progress(iteration, 4)
            algorithm.act(obs)
            algorithm.process_env_step(torch.zeros(6), torch.zeros(6, dtype=torch.bool), {})
            x = torch.cat([obs["policy"], obs["hurdles"], estimate, latent], dim=1)
            gate = (actor.gate(obs)[0] / actor.head.temperature).softmax(-1)
            expected.append(sum(w.unsqueeze(1) * net(x) for w, net in zip(gate.t(), actor.head.experts.values())))
    torch.testing.assert_close(algorithm.storage.action_means[0], expected[0])  # due: iteration 0 of every 2
    torch.testing.assert_close(algorithm.storage.action_means[1], expected[1])
    assert not torch.allclose(expected[0], expected[1], atol=1e-3)
    assert torch.equal(algorithm.storage.observations["explicit"][0], obs["explicit"])


def test_consistent_estimates_are_learned_from_too() -> None:
    """Before its first step an update sees the distribution that acted: KL 0; the truth in its place gives more."""
    first_kl = {}
    for is_consistent in (False, True):
        runner = make_teacher(estimator={**ESTIMATOR, "is_consistent": is_consistent}, adaptation=None)
        algorithm, obs = runner.algorithm, runner.env.reset()
        algorithm.set_progress(0, 4)
        for _ in range(algorithm.storage.num_steps):
            algorithm.act(obs)
            algorithm.process_env_step(torch.zeros(6), torch.zeros(6, dtype=torch.bool), {})
        algorithm.compute_returns(obs)
        batch = next(algorithm.storage.mini_batches(1, 1))
        terms = algorithm._compute_gradients(batch, algorithm.policy.distribution.log_std.detach().clone())
        first_kl[is_consistent] = terms["kl"].item()
        network = algorithm.extensions["estimator"].network
        assert all(parameter.grad is None for parameter in network.parameters())
        moved = [parameter.grad for parameter in runner.policy.actor.parameters() if parameter.grad is not None]
        assert all(gradient.isfinite().all() for gradient in moved) and moved
    assert first_kl[True] == pytest.approx(0.0, abs=1e-6)
    assert first_kl[False] > 1e-4


def test_encoders_with_weights_cannot_be_learned_by_an_estimate_alone() -> None:
    context = Context(ActorCritic(TeacherEnv().observation_dims, 3, **POLICY), CPU)
    latent = {"groups": ["policy"], "hidden_dims": [8], "output_dim": 5}
    with pytest.raises(RslRlError, match=r"estimator.is_consistent: 'latent' has weights"):
        Estimator(context, "latent", latent, is_consistent=True)


def test_schedules_in_a_training(tmp_path: Path) -> None:
    runner = make_teacher(tmp_path)
    learned = {name: [weights(runner, name)] for name in ("estimator", "adaptation")}
    runner.callbacks.append(lambda *_: [learned[name].append(weights(runner, name)) for name in learned] and None)
    runner.learn(4)
    rows = [{name[5:]: x for name, x in row.items() if name.startswith("Loss/")} for row in metrics(tmp_path)]
    moved = {name: [not torch.equal(a, b) for a, b in zip(all_, all_[1:])] for name, all_ in learned.items()}
    assert moved == {"estimator": [True] * 4, "adaptation": [True, False, True, False]}
    assert [row["priv_reg_coef"] for row in rows] == pytest.approx([0.0, 0.0, 0.05, 0.1])
    assert rows[0]["hist_latent"] == rows[1]["hist_latent"] != rows[2]["hist_latent"] == rows[3]["hist_latent"]
    half = 0.6 + 0.7 * (1 + 0.5**0.5)
    assert [row["gating_temperature"] for row in rows[:3]] == pytest.approx([2.0, half, 1.3])
    usage = {f"gate_usage/{name}" for name in ("flat", "jump", "crawl")}
    assert rows[0].keys() >= {"estimator", "priv_reg", "moe_aux", "gate_entropy", "gate_min_usage", *usage}


@pytest.mark.parametrize("normalize", [False, True])
def test_a_resumed_training_is_the_same_bit_for_bit(tmp_path: Path, normalize: bool) -> None:
    make_teacher(tmp_path / "a", normalize).learn(4)
    resumed = make_teacher(tmp_path / "b", normalize)
    resumed.load(str(tmp_path / "a" / "model_1.pt"))
    resumed.learn(3)
    assert_same_checkpoint(*(str(tmp_path / run / "model_4.pt") for run in "ab"))
    assert metrics(tmp_path / "a")[1:] == metrics(tmp_path / "b")


def test_a_run_starts_from_the_estimates_of_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where they fit: one without them, and one of another size, begin anew and say so."""
    first = make_teacher(tmp_path)
    first.learn(2)
    path = str(tmp_path / "model_2.pt")
    capsys.readouterr()
    second = make_teacher()
    second.start_from(path)
    assert f"networks   {path}: with estimator, adaptation" in capsys.readouterr().out
    for name in ("estimator", "adaptation"):
        assert torch.equal(weights(first, name), weights(second, name))
    network = {**ESTIMATOR["network"], "hidden_dims": [9]}
    other = make_teacher(estimator={**ESTIMATOR, "network": network})
    before = weights(other, "estimator")
    other.start_from(path)
    assert f"networks   {path}: with adaptation; estimator begun anew" in capsys.readouterr().out
    assert torch.equal(weights(other, "estimator"), before)
    kept = {key: torch.load(path, weights_only=True)[key] for key in ("model_state_dict", "meta", "iter")}
    save_checkpoint(str(tmp_path / "small.pt"), kept)
    other.start_from(str(tmp_path / "small.pt"))
    assert "small.pt: estimator, adaptation begun anew" in capsys.readouterr().out


@pytest.mark.parametrize("normalize", [False, True])
def test_a_checkpoint_acts_by_what_a_robot_senses(tmp_path: Path, normalize: bool) -> None:
    runner = make_teacher(tmp_path, normalize)
    runner.learn(1)
    obs = {name: torch.randn(5, *shape) for name, shape in runner.env.observation_dims.items()}
    sensed = {name: runner.env.observation_dims[name] for name in SENSED}
    policy, content = build_policy(str(tmp_path / "model_1.pt"), sensed, 3)
    assert sorted(policy.actor.groups) == sorted(SENSED)
    runner.policy.eval()  # for as many experts as in play
    found = InferencePolicy(policy)({name: obs[name] for name in SENSED})
    torch.testing.assert_close(found, runner.get_inference_policy()(obs))
    assert not torch.allclose(found, runner.policy.act_inference(obs)[0], atol=1e-4)
    kept = {key: content[key] for key in ("model_state_dict", "meta", "iter")}
    for more in ({}, {"algorithm_state": content["algorithm_state"]}):  # what has been deployed stays as it is
        save_checkpoint(str(tmp_path / "small.pt"), {**kept, **more})
        torch.testing.assert_close(InferencePolicy(build_policy(str(tmp_path / "small.pt"), sensed)[0])(obs), found)


def test_groups_that_are_passed_through_can_be_estimated(tmp_path: Path) -> None:
    runner = make_teacher(tmp_path, experts=None, adaptation=None)
    runner.learn(1)
    path = str(tmp_path / "model_1.pt")
    content = torch.load(path, weights_only=True)
    groups = ["policy", "explicit"]
    plain = ActorCritic(runner.env.observation_dims, 3, actor_obs_groups=groups, actor_hidden_dims=[4])
    content["meta"]["policy"] = {"actor_obs_groups": groups, "actor_hidden_dims": [4]}
    content["model_state_dict"] = plain.state_dict()
    torch.save(content, path)
    policy, _ = build_policy(path)
    obs = {"policy": torch.randn(5, 6)}
    estimate = runner.algorithm.extensions["estimator"].network(obs)[0]
    torch.testing.assert_close(policy.act_inference(obs)[0], plain.act_inference({**obs, "explicit": estimate})[0])


def test_the_published_sizes() -> None:
    dims = {"prop": (53,), "scan": (132,), "hurdles": (8,), "explicit": (9,), "latent": (29,), "history": (530,)}
    scan = {"hidden_dims": [128, 64], "output_dim": 32, "output_activation": "tanh"}
    encoders = {"prop": {}, "scan": scan, "hurdles": {}, "explicit": {}, "latent": {"hidden_dims": [64, 20]}}
    policy = ActorCritic(dims, 12, encoders=encoders, critic={"groups": list(dims)})
    table = {
        "estimator": {
            "encoder": "explicit",
            "network": {"groups": ["prop"], "hidden_dims": [128, 64], "output_dim": 9},
        },
        "adaptation": {"encoder": "latent", "network": {**HISTORY, "hidden_dims": [20]}},
    }
    extensions = Extensions(table, Context(policy, CPU))
    assert (policy.actor.width, policy.critic.width) == (122, 761)
    acting = policy.with_encoders(extensions.acting_encoders(deployed=True))
    assert acting.actor.width == 122 and acting.actor.groups == ["prop", "scan", "hurdles", "history"]
    conv = 30 * 53 + 30 + 20 * 30 * 4 + 20 + 10 * 20 * 2 + 10 + 20 * 30 + 20
    estimator = 128 * 53 + 128 + 64 * 128 + 64 + 9 * 64 + 9
    assert sum(x.numel() for x in extensions.tensors()) == conv + estimator


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"estimator": {**ESTIMATOR, "encoder": "explicits"}}, "the actor has no 'explicits'; did you mean explicit"),
        ({"estimator": {**ESTIMATOR, "encoder": "latent"}}, "has 3 outputs, the encoder 'latent' 5"),
        ({"estimator": {"encoder": "latent", "network": {**HISTORY, "rnn_hidden_size": 5}}}, "no encoder with a gate"),
        (
            {"adaptation": {"encoder": "explicit", "network": {"groups": ["policy"], "output_dim": 3}}},
            "'explicit' has no weights to pull",
        ),
    ],
)
def test_mistakes_are_told(settings: Any, message: str) -> None:
    with pytest.raises(RslRlError, match=message):
        make_teacher(**settings)


def test_estimates_are_normalised_as_what_they_stand_for() -> None:
    runner = make_teacher(normalize=True, adaptation=None)
    estimator, learned_from = runner.algorithm.extensions["estimator"], {}

    def error(batch: Any, own: Any = estimator._error) -> torch.Tensor:
        learned_from.update(batch.observations)
        return own(batch)

    estimator._error, estimator._passes = error, (1, 1)
    before = {name: x.clone() for name, x in estimator.network.state_dict().items() if "inputs" not in name}
    runner.learn(1)
    truth, felt = learned_from["explicit"], learned_from["policy"]
    estimator.network.load_state_dict(before, strict=False)
    scaled = [(x - x.mean(0)) / (x.std(0, unbiased=False) + 0.01) for x in (truth, felt)]
    expected = (estimator.network.mlp(scaled[1]) - scaled[0]).square().mean().item()
    assert estimator._watched["estimator"] == pytest.approx(expected, rel=1e-4)


def test_what_imitation_refuses() -> None:
    policies = [ActorCritic(TeacherEnv().observation_dims, 3, **POLICY) for _ in range(2)]
    with pytest.raises(RslRlError, match=r"Estimator needs an algorithm that calls its acting_encoders\(\)"):
        DAgger(*policies, extensions={"estimator": ESTIMATOR})
