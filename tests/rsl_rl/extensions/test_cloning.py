"""Behaviour cloning: its loss by hand, several teachers, teachers that remember, and whole trainings."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import pytest
import torch

from rsl_rl.extensions import Context, Extensions
from rsl_rl.models import ActorCritic
from rsl_rl.models.policy import Outputs
from rsl_rl.models.saved_policy import build_policy
from rsl_rl.runners import OnPolicyRunner
from rsl_rl.runners.inference_policy import InferencePolicy
from rsl_rl.utils.errors import RslRlError
from tests.rsl_rl.ppo_helpers import NUM_STEPS, collect, make_ppo, random_rollout
from tests.rsl_rl.runner_helpers import assert_same_checkpoint, config, make, metrics
from tests.rsl_rl.toy_vec_env import ToyVecEnv

DIMS = {"policy": (2,), "teacher_checkpoint_index": (1,)}
OBS = {
    "policy": torch.tensor([[1.0, -2.0], [0.5, 0.0], [3.0, 3.0]]),
    "teacher_checkpoint_index": torch.tensor([[1.0], [0.0], [-1.0]]),
}
MEANS = torch.tensor([[1.0, -3.0], [1.0, 2.0], [0.0, 0.0]])


class Gain(torch.nn.Module):
    """A policy of another program: actions are the observations times a factor."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = gain

    def forward(self, obs: Dict[str, torch.Tensor]) -> torch.Tensor:
        return self.gain * obs["policy"][:, :2]

    @torch.jit.export
    def std(self) -> torch.Tensor:
        return torch.tensor([0.5, 0.8])


def scripted(folder: Path, gain: float) -> str:
    path = str(folder / f"gain_{gain}.pt")
    torch.jit.script(Gain(gain)).save(path)
    return path


def make_extensions(**settings: Any) -> Extensions:
    policy = ActorCritic(DIMS, 2, actor_hidden_dims=[4], init_noise_std=0.5, critic={"groups": ["policy"]})
    return Extensions({"cloning": settings}, Context(policy, torch.device("cpu")))


def losses_of(extensions: Extensions) -> tuple[list[torch.Tensor], dict[str, torch.Tensor]]:
    extensions.remember(OBS, {})

    class Samples:
        observations, labels, trajectories = OBS, extensions.labels(OBS), None

    return extensions.losses(Samples(), Outputs(MEANS, torch.zeros(3), {}, {}))


def test_loss_by_hand(tmp_path: Path) -> None:
    """Told are (2, -4), (1, 0), (6, 6), kept to 3: errors 1, 4, 18; deviations 0.5 and 0.5 of 0.5 and 0.8: 0.09."""
    extensions = make_extensions(teacher=scripted(tmp_path, 2.0), coef=0.25, limit=3.0, until=5)
    added, watched = losses_of(extensions)
    assert watched["bc"].item() == pytest.approx(23 / 3 + 0.09)
    assert sum(added).item() == pytest.approx(0.25 * (23 / 3 + 0.09))
    assert extensions.policy_loss_coef == 0.75
    extensions.set_progress(5, 10)
    assert losses_of(extensions) == ([], {}) and extensions.policy_loss_coef == 1.0
    assert extensions.labels(OBS)["teacher_actions"].shape == (3, 2)
    assert not extensions.state_dict()


def test_each_state_has_its_teacher(tmp_path: Path) -> None:
    """The first is told (-1, 2), the second (1, 0), the third nothing: errors 29, 4, none."""
    teachers = [scripted(tmp_path, 2.0), scripted(tmp_path, -1.0)]
    extensions = make_extensions(teacher=teachers, several=True, drives=True)
    _, watched = losses_of(extensions)
    assert watched["bc"].item() == pytest.approx((29 + 4 + 2 * 0.09) / 3)
    driven = extensions.acting_actions(OBS, MEANS)
    torch.testing.assert_close(driven, torch.tensor([[-1.0, 2.0], [1.0, 0.0], [0.0, 0.0]]))


def test_a_teacher_that_is_not_there_is_named(tmp_path: Path) -> None:
    """One teacher and a state that asks for number 1, which ended in an IndexError of torch."""
    extensions = make_extensions(teacher=[scripted(tmp_path, 2.0)], several=True)
    losses_of(extensions)
    with pytest.raises(RslRlError, match="'teacher_checkpoint_index' names teacher 1, there are 1, from 0 on"):
        extensions.set_progress(1, 10)


def test_teachers_that_remember_hear_where_episodes_end(tmp_path: Path) -> None:
    path = str(tmp_path / "teacher.pt")
    make(None, config(recurrent=True)).save(path)
    algorithm, rollout = make_ppo("gru", extensions={"cloning": {"teacher": path}}), random_rollout()
    collect(algorithm, rollout)
    teacher, told = InferencePolicy(build_policy(path)[0]), []
    for step in range(NUM_STEPS):
        told.append(teacher({name: rollout[name][step] for name in ("policy", "critic")}))
        teacher.reset(rollout["dones"][step])
    torch.testing.assert_close(algorithm.storage.labels["teacher_actions"], torch.stack(told))
    assert algorithm.update()["bc"] > 0.0


def cloning(path: str, **settings: Any) -> dict[str, Any]:
    cfg = config()
    cfg["algorithm"]["extensions"] = {"cloning": {"teacher": path, **settings}, "bounds": {"limit": 1.0}}
    cfg["algorithm"].update(schedule="fixed", learning_rate=1e-2)
    return cfg


def test_a_student_becomes_like_its_teacher_then_goes_on_by_itself_and_resumes_bit_for_bit(tmp_path: Path) -> None:
    teacher = make(tmp_path / "teacher", config(recurrent=True, save_interval=1))
    with torch.no_grad():  # so that there is something to learn
        teacher.policy.actor.head.output.bias.copy_(torch.tensor([1.0, -0.5, 2.0]))
    path = str(tmp_path / "teacher.pt")
    teacher.save(path)
    student = make(tmp_path / "a", cloning(path, until=10))
    student.learn(12)
    rows = metrics(tmp_path / "a")
    assert rows[9]["Loss/bc"] < 0.3 * rows[0]["Loss/bc"]
    assert rows[0]["Loss/surrogate"] == 0.0 and rows[11]["Loss/surrogate"] != 0.0
    assert "Loss/bc" not in rows[11] and rows[0]["Loss/bounds"] >= 0.0
    resumed = make(tmp_path / "b", cloning(path, until=10))
    resumed.load(str(tmp_path / "a" / "model_9.pt"))
    resumed.learn(3)
    assert_same_checkpoint(*(str(tmp_path / run / "model_12.pt") for run in "ab"))


def test_mistakes_are_told_in_one_line(tmp_path: Path) -> None:
    path, script = str(tmp_path / "teacher.pt"), scripted(tmp_path, 1.0)
    OnPolicyRunner(ToyVecEnv(size=2), config()).save(path)
    broken = tmp_path / "broken.pt"
    broken.write_bytes(b"PK nothing")
    for settings, words in (
        ({}, "teacher is not set"),
        ({"teacher": str(tmp_path / "none.pt")}, r"there is no checkpoint '.*none\.pt'"),
        ({"teacher": str(broken)}, r"broken\.pt' is damaged"),
        ({"teacher": path}, r"reads observations 'policy' of shape \[4\], the environment gives \[2\]"),
        ({"teacher": path, "scripted": True}, "is a checkpoint, not TorchScript"),
        ({"teacher": script, "scripted": False}, "is TorchScript, not a checkpoint"),
        ({"teacher": [script, script]}, "names 2 policies; give several=True"),
        ({"teacher": script, "coef": 2}, "coef is 2, expected 0 to 1"),
        ({"teacher": script, "limit": -1.0}, "limit is -1.0, expected a number above 0"),
    ):
        with pytest.raises(RslRlError, match=words) as told:
            make_extensions(**settings)
        assert "\n" not in str(told.value)
    assert make_extensions(teacher="nowhere.pt", coef=0).labels(OBS) == {}  # it is not asked for
    with pytest.raises(RslRlError, match="needs an algorithm that calls its initial_hidden"):
        context = Context(
            ActorCritic(DIMS, 2, critic={"groups": ["policy"]}), torch.device("cpu"), unused=["initial_hidden"]
        )
        Extensions({"cloning": {"teacher": script}}, context)


def test_teachers_of_other_programs_have_to_fit(tmp_path: Path) -> None:
    script = scripted(tmp_path, 1.0)
    for dims, num_actions, words in (
        ({"felt": (4,)}, 2, "cannot act on the observations felt"),
        ({"policy": (4,)}, 3, r"gives actions of shape \[2\], the environment takes \[3\]"),
    ):
        policy = ActorCritic(dims, num_actions, actor_obs_groups=list(dims), critic_obs_groups=list(dims))
        with pytest.raises(RslRlError, match=words) as told:
            Extensions({"cloning": {"teacher": script}}, Context(policy, torch.device("cpu")))
        assert "\n" not in str(told.value)


def test_teachers_of_other_groups_and_other_actions(tmp_path: Path) -> None:
    """It is given what `seen` holds, and an action of 0 of its is (0.5, -1) here: told are (1.5, -3), (0.5, -1)."""
    policy = ActorCritic(
        {**DIMS, "seen": (2,), "centre": (2,)}, 2, actor_hidden_dims=[4], critic={"groups": ["policy"]}
    )
    context = Context(policy, torch.device("cpu"))
    settings = {"teacher": scripted(tmp_path, 2.0), "limit": 2.5}
    offset = {"offset": "centre", "renamed": {"policy": "seen"}}
    extensions = Extensions({"cloning": {**settings, **offset}}, context)
    obs = {"policy": torch.full((2, 2), 9.0), "seen": torch.tensor([[0.5, -1.0], [0.0, 0.0]])}
    obs["centre"] = torch.tensor([[0.5, -1.0]]).expand(2, 2)
    extensions.remember(obs, {})
    told = extensions.labels(obs)["teacher_actions"]
    torch.testing.assert_close(told, torch.tensor([[1.5, -2.5], [0.5, -1.0]]))
    for wrong, message in (({"offset": "center"}, "centre"), ({"renamed": {"policy": "sen"}}, "seen")):
        with pytest.raises(RslRlError, match=message):
            Extensions({"cloning": {**settings, **wrong}}, context)
    with pytest.raises(RslRlError, match=r"\[1\], actions of \[2\]"):
        Extensions({"cloning": {**settings, "offset": "teacher_checkpoint_index"}}, context)


def test_several_teachers_may_each_read_another_group(tmp_path: Path) -> None:
    """The first doubles what `policy` holds, the second triples what `seen` does."""
    policy = ActorCritic({**DIMS, "seen": (2,)}, 2, actor_hidden_dims=[4], critic={"groups": ["policy"]})
    context = Context(policy, torch.device("cpu"))
    teachers = [scripted(tmp_path, 2.0), scripted(tmp_path, 3.0)]
    settings: Dict[str, Any] = {"teacher": teachers, "several": True, "renamed": [None, {"policy": "seen"}]}
    extensions = Extensions({"cloning": settings}, context)
    obs = {**OBS, "seen": torch.tensor([[0.5, 1.0], [7.0, 7.0], [7.0, 7.0]])}
    extensions.remember(obs, {})
    told = extensions.labels(obs)["teacher_actions"][:2]  # the third has no teacher
    torch.testing.assert_close(told, torch.tensor([[1.5, 3.0], [1.0, 0.0]]))
    for wrong, message in (([{}], "renamed is of 1 teachers, there are 2"), ([{}, {"policy": "sen"}], "'sen'")):
        with pytest.raises(RslRlError, match=message):
            Extensions({"cloning": {**settings, "renamed": wrong}}, context)
