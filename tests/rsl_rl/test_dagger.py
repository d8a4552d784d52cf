"""DAgger against policies stepped one by one, and on imitations whose result is known."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from rsl_rl.algorithms import DAgger
from rsl_rl.models import ActorCritic, Policy, SharedActorCritic
from rsl_rl.utils import bfloat16
from rsl_rl.utils.errors import RslRlError

N, T, A = 4, 6, 2
DIMS = {"state": (3,), "secret": (2,), "depth": (1, 9, 12)}
CONV = {"channels": [3], "average_pool": None, "output_dim": 5}


def student(rnn: str = "gru", **settings: Any) -> SharedActorCritic:
    encoders = {"state": {}, "depth": {"conv": CONV}}
    return SharedActorCritic(
        DIMS, A, **{"encoders": encoders, "rnn_type": rnn, "rnn_hidden_size": 7, "actor_hidden_dims": [8], **settings}
    )


def teacher(**settings: Any) -> SharedActorCritic:
    encoders = {"state": {}, "secret": {"hidden_dims": [4], "output_dim": 3}}
    return SharedActorCritic(
        DIMS, A, **{"encoders": encoders, "rnn_type": "gru", "rnn_hidden_size": 6, "actor_hidden_dims": [8], **settings}
    )


def make(own: Policy | None = None, other: Policy | None = None, **settings: Any) -> DAgger:
    own, other = own or student(), other or teacher()
    algorithm = DAgger(own, other, **{"sequence_length": T, "batch_size": N, "image_storage": "float32", **settings})
    algorithm.init_storage(N, 2 * T, DIMS, A)
    return algorithm


def collect(algorithm: DAgger, num_steps: int, seed: int = 0) -> list[dict[str, torch.Tensor]]:
    """Go through random observations; returns what each step gave, with the actions under "actions"."""
    generator = torch.Generator().manual_seed(seed)
    record = []
    for step in range(num_steps):
        entry = {name: torch.rand(N, *shape, generator=generator) - 0.5 for name, shape in DIMS.items()}
        if step % 3 and record:
            entry["depth"] = record[-1]["depth"]  # a slow camera
        entry["actions"] = algorithm.act(entry)
        entry["dones"] = torch.rand(N, generator=generator) < 0.15
        algorithm.process_env_step(torch.zeros(N), entry["dones"], {})
        record.append(entry)
    return record


@torch.no_grad()
def one_by_one(policy: Policy, record: list[dict[str, torch.Tensor]]) -> torch.Tensor:
    """Actions (steps, N, A) of a policy that lives through the record, each environment on its own."""
    columns = []
    for env in range(N):
        hidden, actions = policy.initial_hidden(1)["actor"], []
        for entry in record:
            action, hidden = policy.act_inference({name: entry[name][env : env + 1] for name in DIMS}, hidden)
            actions.append(action[0])
            if entry["dones"][env]:
                hidden = policy.initial_hidden(1)["actor"]
        columns.append(torch.stack(actions))
    return torch.stack(columns, dim=1)


@pytest.mark.parametrize("rnn", ["gru", "lstm"])
@pytest.mark.parametrize("memory", ["trunk", "encoder", "none"])
def test_the_loss_is_that_of_policies_stepped_one_by_one(rnn: str, memory: str) -> None:
    inner = {"rnn_hidden_size": 5, "output_dim": 3} if memory == "encoder" else {}
    encoders = {"state": {}, "depth": {"groups": ["depth", "state"], "conv": CONV, **inner}}
    own = student(rnn, encoders=encoders, rnn_hidden_size=7 if memory == "trunk" else None)
    algorithm = make(own, learning_rate=0.0, batch_size=3, num_learning_epochs=1)
    record = collect(algorithm, 4 * T)
    assert torch.stack([entry["dones"] for entry in record]).any()
    actions, wanted = one_by_one(algorithm.policy, record), one_by_one(algorithm.teacher, record)
    torch.testing.assert_close(torch.stack([entry["actions"] for entry in record]), actions)
    # Batches of different sizes weigh their sequences differently, so compare sequence by sequence.
    errors = (actions - wanted).square().view(4, T, N, A).mean((1, 3))
    for batch in algorithm.storage.batches(3, 1):
        terms, _ = algorithm._losses(batch)
        expected = torch.stack([errors[place] for place in batch.places]).mean()
        torch.testing.assert_close(terms["actions"].detach(), expected)
    assert algorithm.update()["action_error"] == pytest.approx(errors.mean().item(), rel=1e-5)


@pytest.mark.parametrize("loss", ["action", "latent"])
def test_bfloat16_is_close_to_float32(loss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bfloat16, "bfloat16_units", lambda: ("avx512_bf16",))
    encoders = {"state": {"output_dim": 3}, "depth": {"conv": CONV}}, {"state": {"output_dim": 3}}
    moves = []
    for precision in ("float32", "bfloat16"):
        torch.manual_seed(2)
        own, other = student(encoders=encoders[0]), teacher(encoders=encoders[1])
        algorithm = make(own, other, precision=precision, loss=loss, copy_weights=False)
        before = torch.nn.utils.parameters_to_vector(algorithm.policy.parameters()).detach().clone()
        collect(algorithm, 4 * T)
        assert algorithm.update()["skipped_updates"] == 0
        moves.append(torch.nn.utils.parameters_to_vector(algorithm.policy.parameters()).detach() - before)
        terms, outputs = algorithm._losses(next(algorithm.storage.batches(N, 1)))
        assert {x.dtype for x in (*terms.values(), outputs.mean, *outputs.latents.values())} == {torch.float32}
    assert not torch.equal(*moves)
    assert torch.cosine_similarity(*moves, dim=0) > 0.9


def test_the_length_of_what_is_between() -> None:
    algorithm = make(loss="action_norm", learning_rate=0.0, num_learning_epochs=1)
    record = collect(algorithm, T)
    actions, wanted = one_by_one(algorithm.policy, record), one_by_one(algorithm.teacher, record)
    expected = (actions - wanted).square().sum(-1).sqrt().mean().item()
    assert algorithm.update()["imitation"] == pytest.approx(expected, rel=1e-5)


def test_who_drives() -> None:
    algorithm = make()
    algorithm.teacher_drives = True
    record = collect(algorithm, T)
    torch.testing.assert_close(torch.stack([e["actions"] for e in record]), one_by_one(algorithm.teacher, record))


def test_memories_that_sequences_begin_with_are_renewed() -> None:
    """Once a sequence has been learned from, the next one begins as if the network had always been what it was then."""
    algorithm = make(learning_rate=0.0, num_learning_epochs=1)
    record = collect(algorithm, 2 * T)
    fresh = [block.hidden["h"].clone() for block in algorithm.storage.blocks]
    for block in algorithm.storage.blocks[1:]:
        block.hidden["h"].add_(1.0)  # stale
    ended = torch.stack([entry["dones"] for entry in record[:T]]).any(0)
    assert 0 < int(ended.sum()) < N
    for _ in range(2):
        algorithm.update()
    second = algorithm.storage.blocks[1].hidden["h"]
    torch.testing.assert_close(second[~ended], fresh[1][~ended])
    torch.testing.assert_close(second[ended], fresh[1][ended] + 1.0)  # not known, left alone


def test_a_student_that_sees_as_much_learns_to_do_the_same() -> None:
    torch.manual_seed(3)
    sizes = {"actor_obs_groups": ["state"], "critic_obs_groups": ["state"], "critic_hidden_dims": [4]}
    own, other = (ActorCritic(DIMS, A, actor_hidden_dims=dims, **sizes) for dims in ([32], [8]))
    algorithm = make(own, other, learning_rate=1e-2, copy_weights=False)
    errors = []
    for iteration in range(12):
        collect(algorithm, 2 * T, seed=iteration)
        errors.append(algorithm.update()["action_error"])
    assert errors[-1] < 0.02 * errors[0]
    assert algorithm.storage.num_samples == 12 * 2 * T * N


def test_a_memory_learns_what_was_seen_before() -> None:
    """The teacher does what the picture shows; the student sees it in the first step of an episode alone."""
    dims = {"now": (1,), "cue": (1,)}
    other = ActorCritic({"now": (1,)}, 1, actor_hidden_dims=[], critic_hidden_dims=[2], actor_obs_groups=["now"],
                        critic_obs_groups=["now"])  # fmt: skip
    with torch.no_grad():
        other.actor.head.output.weight.fill_(1.0)
        other.actor.head.output.bias.zero_()
    own = SharedActorCritic(dims, 1, encoders={"cue": {}}, rnn_type="gru", rnn_hidden_size=8, actor_hidden_dims=[])
    algorithm = DAgger(own, other, learning_rate=1e-2, sequence_length=4, batch_size=32)
    algorithm.init_storage(16, 8, dims, 1)
    age = torch.zeros(16, dtype=torch.int64)
    level = torch.rand(16, 1) - 0.5
    for _ in range(12):
        for _ in range(8):
            algorithm.act({"now": level, "cue": level * (age == 0).unsqueeze(1)})
            age += 1
            dones = age >= 8  # longer than a sequence: the cue must come in with the memory
            level = torch.where(dones.unsqueeze(1), torch.rand(16, 1) - 0.5, level)
            age[dones] = 0
            algorithm.process_env_step(torch.zeros(16), dones, {})
        error = algorithm.update()["action_error"]
    assert error < 0.1 / 12  # the variance of the level is 1/12


def test_the_teacher_and_what_is_frozen_stay_as_they_are() -> None:
    other = teacher(rnn_hidden_size=7)
    before = {name: x.clone() for name, x in other.state_dict().items()}
    algorithm = make(student(), other, freeze=["head"])
    assert algorithm.copied.startswith("copied head, ")
    own = {name: x.clone() for name, x in algorithm.policy.state_dict().items()}
    for name in own:
        if name.startswith("actor.head."):
            assert torch.equal(own[name], before[name])
    collect(algorithm, 2 * T)
    assert algorithm.update()["grad_norm"] > 0
    for name, x in algorithm.teacher.state_dict().items():
        assert torch.equal(x, before[name])
    changed = {name for name, x in algorithm.policy.state_dict().items() if not torch.equal(x, own[name])}
    assert changed and not any(name.startswith(("actor.head.", "critic.", "distribution.")) for name in changed)
    assert any(name.startswith("actor.memory.") for name in changed)


def test_latents_are_compared_by_name() -> None:
    shared = {"rnn_hidden_size": None, "actor_hidden_dims": [8]}
    own = student(encoders={"state": {}, "code": {"groups": ["depth", "state"], "conv": CONV, "rnn_hidden_size": 5,
                                                  "output_dim": 3}}, **shared)  # fmt: skip
    other = teacher(
        encoders={"state": {}, "code": {"groups": ["secret"], "hidden_dims": [4], "output_dim": 3}}, **shared
    )
    algorithm = make(own, other, loss="latent", freeze=["head"], learning_rate=1e-2)
    record = collect(algorithm, 2 * T)
    wanted = torch.stack([other.actor.features(entry).latents["code"] for entry in record])
    (batch,) = algorithm.storage.batches(100, 1)
    for column, (block, env) in enumerate(batch.places):
        mine = batch.labels["code"].view(T, -1, 3)[:, column]
        torch.testing.assert_close(mine, wanted[block * T : (block + 1) * T, env])
    first = algorithm.update()
    assert "code" not in first, "a single term is the loss itself"
    for _ in range(30):
        last = algorithm.update()
    assert last["imitation"] < 0.6 * first["imitation"]


def test_two_latents_are_summed() -> None:
    names = {"a": {"groups": ["state"], "output_dim": 2}, "b": {"groups": ["state"], "output_dim": 3}}
    own = SharedActorCritic(DIMS, A, encoders=names, rnn_hidden_size=None)
    other = SharedActorCritic(DIMS, A, encoders=names, rnn_hidden_size=None)
    algorithm = make(own, other, loss="latent", copy_weights=False)
    collect(algorithm, T)
    metrics = algorithm.update()
    assert metrics["imitation"] == pytest.approx(metrics["a"] + metrics["b"], rel=1e-5)
    algorithm = make(own, other, loss="latent", latents=["b"], copy_weights=False)
    collect(algorithm, T)
    assert "a" not in algorithm.update()


def test_gradients_are_cut() -> None:
    algorithm = make(max_grad_norm=1e-3, num_learning_epochs=1)
    collect(algorithm, T)
    assert algorithm.update()["grad_norm"] > 1e-3
    total = sum(p.grad.square().sum() for p in algorithm.policy.actor.parameters() if p.grad is not None)
    assert float(total) ** 0.5 == pytest.approx(1e-3, rel=1e-2)


def test_a_batch_that_is_not_finite_is_left_out() -> None:
    algorithm = make(num_learning_epochs=1, batch_size=1)
    collect(algorithm, T)
    algorithm.storage.blocks[0].labels["actions"][1, 2] = float("nan")
    metrics = algorithm.update()
    assert metrics["skipped_updates"] == 1 and metrics["imitation"] > 0
    assert all(bool(x.isfinite().all()) for x in algorithm.policy.state_dict().values())


def test_schedule() -> None:
    algorithm = make(schedule="cosine", learning_rate=1e-3, min_learning_rate=1e-4)
    rates = []
    for iteration in (0, 5, 10, 20):
        algorithm.set_progress(iteration, 10)
        rates.append(algorithm.learning_rate)
    assert rates == pytest.approx([1e-3, 5.5e-4, 1e-4, 1e-4])
    fixed = make(learning_rate=1e-3)
    fixed.set_progress(5, 10)
    assert fixed.learning_rate == 1e-3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"los": "action"}, "unknown key algorithm.los: did you mean loss"),
        ({"loss": "actions"}, "algorithm.loss is 'actions'; did you mean action"),
        ({"freeze": ["base"]}, "no part 'base' to freeze"),
        ({"freeze": ["state", "depth", "memory", "head"]}, "leaves nothing of the student to learn"),
        ({"batch_size": 0}, "algorithm.batch_size is 0; it must be at least 1"),
        ({"max_batches": 0}, "algorithm.max_batches is 0"),
        ({"sequence_length": 5}, "num_steps_per_env is 12; it must be a multiple of algorithm.sequence_length, 5"),
        ({"loss": "latent"}, "needs encoders of the same name"),
        ({"loss": "latent", "latents": ["depht"]}, "'depht' is not in both policies"),
    ],
)
def test_mistakes(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(RslRlError, match=words) as error:
        make(**settings)
    assert "\n" not in str(error.value)


def test_latents_of_different_widths_are_refused() -> None:
    other = teacher(encoders={"state": {}, "depth": {"groups": ["secret"], "output_dim": 3}})
    with pytest.raises(RslRlError, match="'depth' has 5 outputs, that of the teacher 3"):
        make(other=other, loss="latent")


def test_an_encoder_called_actions_does_not_replace_what_the_teacher_does() -> None:
    encoders = {"state": {}, "actions": {"groups": ["secret"], "hidden_dims": [4], "output_dim": A}}
    own, other = (teacher(encoders=encoders, rnn_hidden_size=None) for _ in range(2))
    algorithm = make(own, other, copy_weights=False, learning_rate=0.0)
    seen = collect(algorithm, T)
    with torch.no_grad():
        errors = [(own.act_inference(obs)[0] - other.act_inference(obs)[0]).square().mean() for obs in seen]
    assert algorithm.update()["imitation"] == pytest.approx(torch.stack(errors).mean().item(), rel=1e-4)
    with pytest.raises(RslRlError, match="cannot compare an encoder called 'actions'"):
        make(own, other, loss="latent")
