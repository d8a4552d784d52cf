"""Which policy drives the robots of a page: runs and checkpoints from lists, newer ones as they appear, exports."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, List, Optional

from legged_gym.errors import UserError
from legged_gym.policies.policy_io import PolicySource, load_policy
from legged_gym.utils import run_folder
from legged_gym.utils.reports import short_path

if TYPE_CHECKING:
    from legged_gym.playing.player import Player
    from legged_gym.viewing.page import Page

# s between two looks for newer checkpoints
_LOOK_INTERVAL = 2.0


class PolicyControls:
    """Lists of runs and checkpoints, and a button that exports.

    Attributes:
        source: the policy that drives.
        wanted: folder of another run that a visitor chose; its environment is made anew from its config.
    """

    def __init__(self, page: Page, player: Player, source: PolicySource, follow: bool) -> None:
        """Add them to the container that is open."""
        self.source = source
        self.wanted: Optional[str] = None
        self._page, self._player = page, player
        self._next_look = time.perf_counter()
        self._tried = ""
        gui = page.server.gui
        self._name = gui.add_markdown("")
        root = run_folder.experiment_folder(source.train_cfg.runner.experiment_name)
        runs = run_folder.list_runs(root)[::-1]
        own = str(source.run_dir)
        if source.is_run and own not in runs:
            runs = [own, *runs]
        names = [os.path.basename(run) for run in runs]
        if runs:
            present = os.path.basename(own) if source.is_run else "(shipped)"
            listed = names if source.is_run else [present, *names]
            chosen = gui.add_dropdown("Run", listed, initial_value=present)
            page.on(chosen, lambda name: self._want(runs[names.index(name)]) if name in names else None)
        self._checkpoint: Any = gui.add_dropdown("Checkpoint", self._checkpoints() or ["-"])
        page.on(self._checkpoint, self._load)
        self._follow = gui.add_checkbox("Follow newer checkpoints", follow)
        self._folder = gui.add_text("Export to", "exported")
        page.on_click(gui.add_button("Export"), self._export)
        self._show()

    def look(self) -> None:
        """Take over a newer checkpoint of the run, if that is wanted."""
        now = time.perf_counter()
        if now < self._next_look or not self.source.is_run:
            return
        self._next_look = now + _LOOK_INTERVAL
        there = self._checkpoints()
        if list(self._checkpoint.options) != there:
            self._checkpoint.options = tuple(there)
            self._show()
        if self._follow.value and there and there[0] not in (os.path.basename(self.source.path), self._tried):
            self._tried = there[0]
            self._page.ask(lambda: self._load(there[0]))

    def _checkpoints(self) -> List[str]:
        """Names of the files, newest first."""
        if not self.source.is_run:
            return []
        return [os.path.basename(path) for _, path in run_folder.list_checkpoints(str(self.source.run_dir))][::-1]

    def _load(self, name: str) -> None:
        path = os.path.join(str(self.source.run_dir), name)
        if not self.source.is_run or path == self.source.path:
            return
        source = replace(self.source, checkpoint=path, kind="checkpoint")
        self._player.policy = load_policy(source, self._page.env, source.options.rl_device)
        self.source = source
        self._show()

    def _want(self, folder: str) -> None:
        if folder != self.source.run_dir:
            self.wanted = folder

    def _show(self) -> None:
        self._name.content = f"**{self.source.task}**, {self.source.name}"
        name = os.path.basename(self.source.path)
        if name in self._checkpoint.options:
            self._checkpoint.value = name

    def _export(self) -> None:
        from legged_gym.policies.export import export_checkpoint

        folder = export_folder(self.source, self._folder.value)
        paths = export_checkpoint(self.source, self._page.env, folder)
        self._page.tell("Exported", ", ".join(short_path(path) for path in paths))


def export_folder(source: PolicySource, name: str) -> str:
    """The folder of a run that a name stands for.

    Raises:
        UserError: the policy is of no run on this machine, or the folder is not inside of it.
    """
    if source.kind != "checkpoint" or not source.is_run or source.run_dir is None:
        raise UserError("only policies of a run are exported here, into its folder; this one comes exported")
    run = os.path.realpath(source.run_dir)
    folder = os.path.realpath(os.path.join(run, name))
    if not folder.startswith(run + os.sep):
        raise UserError(f"export to {name!r}: this is not inside of the run folder {short_path(run)}")
    return folder
