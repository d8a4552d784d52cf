"""The aggregate of imitation learning on the disk, beside the checkpoints of its run.

    aggregate/block_<number>.pt      sequences, written once
    aggregate/state_<iteration>.pt   which blocks the checkpoint of that iteration goes on with, and their memories

Blocks never change but for the memories that their sequences begin with, so a save costs what is new since the last.
Only what the newest checkpoint needs is kept.
"""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Set

import torch

from rsl_rl.storage.sequence_storage import Block, SequenceStorage
from rsl_rl.utils.checkpoint import load_checkpoint, save_checkpoint
from rsl_rl.utils.errors import RslRlError

_FOLDER = "aggregate"
_FILES = re.compile(r"(block|state)_(\d+)\.pt")


class AggregateFiles:
    """Saves and loads the sequences of one storage.

    A checkpoint is written between `save` and `prune`: a process that is killed at any moment leaves all that the
    newest checkpoint needs.
    """

    def __init__(self, storage: SequenceStorage) -> None:
        self._storage = storage
        # Blocks of other numbers may lie there, of a run that was killed behind its last checkpoint.
        self._written: Dict[str, Set[int]] = {}

    def save(self, run_folder: str, iteration: int) -> None:
        """Write what the checkpoint of `iteration` needs and is not on the disk yet.

        Raises:
            RslRlError: the disk refuses.
        """
        folder = os.path.join(run_folder, _FOLDER)
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise RslRlError(f"cannot make the folder '{folder}': {error.strerror}") from error
        written = self._written.setdefault(folder, set())
        for block in self._storage.blocks:
            if block.number not in written:
                save_checkpoint(_block_path(folder, block.number), vars(block))
                written.add(block.number)
        save_checkpoint(_state_path(folder, iteration), self._state())

    def _state(self) -> Dict[str, Any]:
        blocks = self._storage.blocks
        names = blocks[0].hidden if blocks else ()
        return {
            "numbers": [block.number for block in blocks],
            "next_number": self._storage.next_number,
            "hidden": {name: torch.stack([block.hidden[name] for block in blocks]) for name in names},
        }

    def prune(self, run_folder: str, iteration: int) -> None:
        """Remove what the checkpoint of `iteration`, which has been written, does not need."""
        folder = os.path.join(run_folder, _FOLDER)
        needed = {_block_path(folder, block.number) for block in self._storage.blocks}
        needed.add(_state_path(folder, iteration))
        for path in _listed(folder):
            if path not in needed:
                os.remove(path)

    def load(self, run_folder: str, iteration: int) -> bool:
        """Fill the storage with what the checkpoint of `iteration` had.

        Returns:
            Whether it was there; the storage is empty if it was not.

        Raises:
            RslRlError: a file is damaged or of another training.
        """
        folder = os.path.join(run_folder, _FOLDER)
        self._storage.clear()
        self._written.clear()
        if not os.path.exists(_state_path(folder, iteration)):
            return False
        state = load_checkpoint(_state_path(folder, iteration))
        for index, number in enumerate(state["numbers"]):
            content = load_checkpoint(_block_path(folder, number))
            del content["schema_version"]
            content["hidden"] = {name: states[index].clone() for name, states in state["hidden"].items()}
            self._storage.append(Block(**content))
        self._storage.next_number = state["next_number"]
        self._written[folder] = set(state["numbers"])
        return True


def _block_path(folder: str, number: int) -> str:
    return os.path.join(folder, f"block_{number}.pt")


def _state_path(folder: str, iteration: int) -> str:
    return os.path.join(folder, f"state_{iteration}.pt")


def _listed(folder: str) -> List[str]:
    return [os.path.join(folder, name) for name in os.listdir(folder) if _FILES.fullmatch(name)]
