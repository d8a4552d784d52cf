"""A page beside a training changes nothing of it, whoever comes and goes."""

from __future__ import annotations

import threading
from typing import Any, List

import pytest
import torch

from legged_gym.errors import UserError
from legged_gym.scripts import train
from legged_gym.viewing import training
from legged_gym.viewing.panels import Panel
from tests.viewing.ports import taken_port

pytest.importorskip("viser")

FLAGS = ["--headless", "--device=cpu", "--num_threads=1", "--num_envs=12", "--num_steps_per_env=16", "--seed=5",
         "--max_iterations=3", "--logger=none", "--env.terrain.num_rows=2", "--env.terrain.num_cols=2"]  # fmt: skip


class Visitors(threading.Thread):
    """Clients that come and go until they are told to stop."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address, self.done, self.poses, self.visits = address, threading.Event(), 0, 0
        self.start()

    def run(self) -> None:
        from benchmarks.page_client import Client

        while not self.done.is_set():
            with Client(self.address) as first, Client(self.address) as second:
                self.done.wait(0.3)
            self.visits += 2
            self.poses += first.messages["SetPositionMessage"] + second.messages["SetPositionMessage"]


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Train in a folder of the given name; returns the last checkpoint."""

    def go(name: str, *flags: str) -> Any:
        assert train.main(["--task=a1", *FLAGS, f"--run_folder={tmp_path / name}", *flags]) == 0
        return torch.load(tmp_path / name / "model_3.pt", weights_only=True)

    return go


def differences(one: Any, other: Any, path: str = "") -> List[str]:
    """Where two nested containers of tensors and numbers differ."""
    if isinstance(one, torch.Tensor):
        return [] if torch.equal(one.nan_to_num(), other.nan_to_num()) else [path]
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        return [found for key in one for found in differences(one[key], other[key], f"{path}.{key}")]
    if isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        pairs = enumerate(zip(one, other))
        return [found for k, (a, b) in pairs for found in differences(a, b, f"{path}.{k}")]
    return [] if one == other else [path]


def test_a_training_that_is_watched_is_the_same_bit_for_bit(trained, monkeypatch, capsys):
    pages: List[training.TrainingPage] = []
    init, update = training.TrainingPage.__init__, training.TrainingPage.update

    def with_everything_on(self: Any, env: Any, page: Any) -> None:
        init(self, env, page)
        pages.append(self)
        for box, _, _ in page.overlays._kinds:
            box.value = True
        self.visitors = Visitors(f"http://127.0.0.1:{page.server.get_port()}")

    def with_requests(self: Any) -> None:
        count = self.env.common_step_counter
        if count % 5 == 0:
            self.page.ask(lambda: self.page.watch(count % 12))
        while count % 16 == 0 and not self.page.server.get_clients():
            self.visitors.done.wait(0.01)  # so that there is somebody in every iteration
        update(self)
        if count == 48:
            self.visitors.done.set()
            self.visitors.join()

    monkeypatch.setattr(Panel, "starts_open", True)
    monkeypatch.setattr(training.TrainingPage, "__init__", with_everything_on)
    monkeypatch.setattr(training.TrainingPage, "update", with_requests)
    monkeypatch.setattr(training, "_SHARE", 1.0)
    watched = trained("watched", "--viewer=web", "--port=0")
    alone = trained("alone")
    assert "the page fails" not in capsys.readouterr().err
    assert len(pages) == 1 and pages[0].visitors.poses > 0
    ignored = ("total_time",)
    assert [path for path in differences(watched, alone) if not path.endswith(ignored)] == []


def test_a_panel_that_fails_leaves_the_training_alone(trained, monkeypatch, capsys):
    class Broken(Panel):
        title, starts_open = "Broken", True

        def update(self, env: Any) -> None:
            raise ZeroDivisionError("of the panel")

    monkeypatch.setattr("legged_gym.viewing.robot_panels.Gait", Broken)
    monkeypatch.setattr("viser.ViserServer.get_clients", lambda self: {0: None})
    trained("broken", "--viewer=web", "--port=0")
    told = capsys.readouterr().err
    assert told.count("the page fails, and the training goes on without it") == 1 and "of the panel" in told


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--viewer=window"], "invalid choice: 'window'"),
        (["--port=8123"], "--port is for the page in a browser"),
        (["--viewer=none", "--host=0.0.0.0"], "--host is for the page in a browser"),
        (["--env.viser.enable=maybe"], "--env.viser.enable: expected true or false"),
    ],
)
def test_mistakes_are_one_line(flags, problem):
    with pytest.raises(UserError, match=problem):
        train.main(["--task=a1_flat", *flags])


def test_a_port_in_use_is_told_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr("legged_gym.utils.training.make_env", lambda plan: pytest.fail("an environment was made"))
    with taken_port() as port, pytest.raises(UserError, match=f"cannot serve the page at 127.0.0.1:{port}"):
        train.main(["--task=a1_flat", *FLAGS, f"--run_folder={tmp_path / 'run'}", "--viewer=web", f"--port={port}"])
    assert not (tmp_path / "run").exists()
