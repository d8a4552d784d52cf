"""The loss of what is predicted, by hand and in an imitation; students with their teacher's networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from rsl_rl.algorithms import DAgger
from rsl_rl.extensions import Context, Extensions
from rsl_rl.models import ActorCritic
from rsl_rl.models.policy import Outputs
from rsl_rl.models.saved_policy import build_policy
from rsl_rl.runners import DaggerRunner
from rsl_rl.utils.checkpoint import latest_checkpoint
from rsl_rl.utils.errors import RslRlError
from tests.rsl_rl.extensions.teacher import TeacherEnv, make_teacher
from tests.rsl_rl.runner_helpers import metrics

DIMS = {"body": (3,), "eye": (2,)}
YAW = {"name": "yaw", "columns": [1, 3], "within": 0.6}
PREDICTIONS: dict[str, Any] = {"predictions": {}}


def student(**eye: Any) -> ActorCritic:
    encoders = {"body": {}, "eye": {"output_dim": 4, "predicts": {"body": YAW}, **eye}}
    return ActorCritic(DIMS, 2, encoders=encoders, actor_hidden_dims=[8], critic={"groups": ["body"]})


class Samples:
    observations = {"body": torch.tensor([[0.0, 0.5, 1.0], [0.0, -0.6, 0.0], [0.0, -0.1, 0.0], [0.0, 0.0, 0.0]])}
    labels: dict[str, torch.Tensor] = {}
    trajectories = None


@pytest.mark.parametrize("coef", [0.5, {"yaw": 0.5}])
def test_loss_by_hand(coef: Any) -> None:
    """Differences (3, 4), (0, 0), (0, 1), (-2, 0): lengths 5, 0, 1, 2; -0.6 is the one that is not within 0.6."""
    policy = student()
    extensions = Extensions({"predictions": {"coef": coef}}, Context(policy, torch.device("cpu")))
    told = Samples.observations["body"][:, 1:] + torch.tensor([[3.0, 4.0], [0.0, 0.0], [0.0, 1.0], [-2.0, 0.0]])
    outputs = Outputs(torch.zeros(4, 2), torch.zeros(4), {"eye.yaw": told}, {})
    added, watched = extensions.losses(Samples(), outputs)
    assert watched["yaw"].item() == pytest.approx(2.0)
    assert watched["yaw_ok_percent"].item() == pytest.approx(75.0)
    assert sum(added).item() == pytest.approx(1.0)


def test_who_predicts_nothing_is_told() -> None:
    policy = ActorCritic(DIMS, 2, encoders={"body": {}}, critic={"groups": ["body"]})
    with pytest.raises(RslRlError, match="no encoder of the actor predicts"):
        Extensions(PREDICTIONS, Context(policy, torch.device("cpu")))
    with pytest.raises(RslRlError, match="coef is 'way'"):
        Extensions({"predictions": {"coef": {"way": 1.0}}}, Context(student(), torch.device("cpu")))


def test_an_imitation_learns_both() -> None:
    """The eye shows the yaws in another basis, and the teacher does what they say."""
    torch.manual_seed(1)
    teacher = ActorCritic(DIMS, 2, encoders={"body": {}}, actor_hidden_dims=[], critic={"groups": ["body"]})
    with torch.no_grad():
        teacher.actor.head.output.weight.copy_(torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))
        teacher.actor.head.output.bias.zero_()
    algorithm = DAgger(
        student(), teacher, extensions=PREDICTIONS, loss="action_norm", learning_rate=3e-2, sequence_length=4,
        batch_size=16, num_learning_epochs=4, copy_weights=False, max_rollouts=2,
    )  # fmt: skip
    algorithm.init_storage(32, 8, DIMS, 2)
    told = []
    for _ in range(25):
        for _ in range(8):
            yaws = torch.rand(32, 2) - 0.5
            body = torch.cat((torch.rand(32, 1), yaws), dim=1)
            algorithm.act({"body": body, "eye": yaws @ torch.tensor([[1.0, 0.5], [-0.5, 1.0]])})
            algorithm.process_env_step(torch.zeros(32), torch.zeros(32, dtype=torch.bool), {})
        told.append(algorithm.update())
    assert told[-1]["yaw"] < 0.1 * told[0]["yaw"]
    assert told[-1]["actions"] < 0.3 * told[0]["actions"]
    assert told[-1]["imitation"] == pytest.approx(told[-1]["yaw"] + told[-1]["actions"], rel=1e-4)
    assert algorithm.storage.num_samples == 2 * 8 * 32
    assert "beyond that the oldest are dropped" in algorithm.storage.check_memory(3 * 8 * 32)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("teacher")
    make_teacher(folder).learn(2)
    return latest_checkpoint(str(folder))


def student_of(teacher: str | None, folder: Path | None = None, **predicts: Any) -> DaggerRunner:
    """It sees velocity and hurdles by their noise alone, which the teacher's estimator reads too."""
    names = {"hurdles": {}, **predicts}
    policy = {"encoders": {"policy": {"output_dim": 6 + 2, "rnn_hidden_size": 5, "predicts": names}}}
    algorithm = {"sequence_length": 4, "batch_size": 6, "bc_initial_samples": 0, "extensions": PREDICTIONS}
    runner = {
        "num_steps_per_env": 8, "teacher": teacher, "teachers_networks": True, "unseen": ["hurdles", "latent"],
        "tags": {"Loss_depth/total": "Loss/imitation", "Loss_depth/none": "Loss/none"}, "logger": "none",
    }  # fmt: skip
    cfg = {"policy": policy, "algorithm": algorithm, "runner": runner}
    return DaggerRunner(TeacherEnv(), cfg, None if folder is None else str(folder))


def test_a_student_has_the_networks_of_the_deployed_teacher(tmp_path: Path, teacher: str) -> None:
    runner = student_of(teacher, tmp_path)
    taught, _ = build_policy(teacher)
    assert runner.cfg["policy_class_name"] == type(taught).__name__
    own, theirs = runner.policy.actor, taught.actor
    assert list(own.encoders) == list(theirs.encoders)
    for part in (own.encoders["latent"], own.encoders["explicit"], own.head, own.gate):
        assert part is not None
    for name in ("encoders.latent", "encoders.explicit", "head", "gate"):
        pairs = zip(own.get_submodule(name).state_dict().items(), theirs.get_submodule(name).state_dict().items())
        assert all(key == other and torch.equal(x, y) for (key, x), (other, y) in pairs), name
    runner.learn(1)
    logged = metrics(tmp_path)[0]
    assert logged["Loss_depth/total"] == logged["Loss/imitation"] and "Loss_depth/none" not in logged
    acting, _ = build_policy(latest_checkpoint(str(tmp_path)))
    assert set(acting.actor.groups) == {"policy", "history"}, "as a robot that has no simulation"
    again = student_of(teacher, tmp_path)
    again.load(latest_checkpoint(str(tmp_path)))
    again.learn(1)


def test_what_a_student_must_not_see(tmp_path: Path, teacher: str) -> None:
    with pytest.raises(RslRlError, match="the student would read 'hurdles', which is in") as caught:
        student_of(teacher, hurdles=None, explicit={"columns": [0, 2]})
    assert "\n" not in str(caught.value)
    with pytest.raises(RslRlError, match=r"runner\.teacher is not set"):
        student_of(None, hurdles=None, explicit={"columns": [0, 2]})
