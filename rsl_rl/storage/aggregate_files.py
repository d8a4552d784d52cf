"""The aggregate of imitation learning on the disk, beside the checkpoints of its run.

    aggregate/block_<number>.pt      sequences, written once
    aggregate/state_<iteration>.pt   which blocks the checkpoint of that iteration goes on with, and their memories

Blocks never change but for the memories that their sequences begin with, so a save costs what is new since the last.
Only what the newest checkpoint needs is kept.
"""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, NamedTuple, Optional, Set

import torch

from rsl_rl.storage.sequence_storage import Block, SequenceStorage
from rsl_rl.utils.checkpoint import load_checkpoint, save_checkpoint
from rsl_rl.utils.errors import RslRlError
from rsl_rl.utils.saved_content import check_content

_FOLDER = "aggregate"
_FILES = re.compile(r"(block|state)_(\d+)\.pt")


class SavedAggregate(NamedTuple):
    """Sequences as they were when a checkpoint was written, and the number of the next block."""

    blocks: List[Block]
    next_number: int


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

    def read(self, run_folder: str, iteration: int) -> Optional[SavedAggregate]:
        """Read and check what the checkpoint of `iteration` had; None if it is not there.

        Raises:
            RslRlError: a file is damaged or of another training; the storage is as it was.
        """
        folder = os.path.join(run_folder, _FOLDER)
        path = _state_path(folder, iteration)
        if not os.path.exists(path):
            return None
        state = load_checkpoint(path)
        check_content(path, state, {"numbers": [], "next_number": 0, "hidden": {}})
        blocks = []
        for index, number in enumerate(state["numbers"]):
            content = load_checkpoint(_block_path(folder, number))
            memories = {name: states[index : index + 1] for name, states in state["hidden"].items()}
            content["hidden"] = {name: states[0].clone() for name, states in memories.items() if len(states)}
            blocks.append(self._storage.checked(_block_path(folder, number), content))
        return SavedAggregate(blocks, state["next_number"])

    def restore(self, run_folder: str, saved: Optional[SavedAggregate]) -> None:
        """Fill the storage with what was read from this folder; with nothing for None."""
        self._storage.clear()
        self._written.clear()
        if saved is not None:
            for block in saved.blocks:
                self._storage.append(block)
            self._storage.next_number = saved.next_number
            self._written[os.path.join(run_folder, _FOLDER)] = {block.number for block in saved.blocks}


def _block_path(folder: str, number: int) -> str:
    return os.path.join(folder, f"block_{number}.pt")


def _state_path(folder: str, iteration: int) -> str:
    return os.path.join(folder, f"state_{iteration}.pt")


def _listed(folder: str) -> List[str]:
    return [os.path.join(folder, name) for name in os.listdir(folder) if _FILES.fullmatch(name)]
