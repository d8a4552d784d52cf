"""Writing data sets of demonstrations: shards by a thread of its own, each whole or not there.

A shard covers a fixed number of attempts (episodes that were tried), so the attempts that an interrupted collection has
still to make follow from the shards that exist, and what comes out is the same, byte for byte.
"""

from __future__ import annotations

import os
import queue
import threading
import zipfile
from typing import Any, Dict, List, Mapping, Optional, Type

import numpy as np

from legged_gym.demonstrations.check import is_model
from legged_gym.demonstrations.dataset import METADATA, MODEL, SHARD, Demonstrations, damaged_shard, read_shard
from legged_gym.demonstrations.episodes import Episodes
from legged_gym.errors import UserError
from legged_gym.utils import reports
from legged_gym.utils.files import write_files
from rsl_rl.utils.archive import members
from rsl_rl.utils.files import replacing

# these are numbers with random last digits: to deflate them takes a third as long as the physics, and saves 6 %
_STORED = ("states", "warm_starts", "conditionings", "actions", "targets", "controls", "torques")
_COMPRESSION_LEVEL = 1  # of the others; higher ones save little more
_WAITING = 1  # shards in memory besides the one being written and the one being filled


class DemonstrationWriter:
    """Fills a folder with episodes until it has as many as were asked for; a context manager.

    Attributes:
        attempts: number of the episode to try next.
        kept: episodes in the data set.
    """

    def __init__(self, folder: str, metadata: Mapping[str, Any], model: bytes) -> None:
        """Begin a data set, or go on with one.

        Args:
            folder: made if absent.
            metadata: for metadata.json; its part `collection` decides what the episodes are.
            model: content of model.mjb.

        Raises:
            UserError: the folder has shards of another collection, or a damaged one.
        """
        self._folder, self._settings = folder, metadata["collection"]
        self.attempts = self.kept = 0
        self._pieces: List[Dict[str, np.ndarray]] = []
        self._queue: queue.Queue[Any] = queue.Queue(_WAITING)
        self._error: Optional[Exception] = None
        if os.path.exists(os.path.join(folder, METADATA)):
            self._continue(model)
        elif os.path.exists(self._path()):
            raise UserError(f"{folder} has demonstrations and no {METADATA}: give another --output")
        else:
            write_files(folder, {MODEL: model})
            reports.write_json(os.path.join(folder, METADATA), dict(metadata))
        self._thread = threading.Thread(target=self._write_shards, daemon=True)
        self._thread.start()

    def _continue(self, model: bytes) -> None:
        data = Demonstrations(self._folder)
        data.entry("collection", "task")  # which every data set has
        saved = data.entry("collection")
        changed = [key for key, value in reports.rounded(self._settings).items() if saved.get(key) != value]
        if changed:
            raise UserError(
                f"{self._folder} has demonstrations of another collection, they differ in {', '.join(changed)}:"
                " give another --output"
            )
        path = os.path.join(self._folder, MODEL)
        if not is_model(path, self._settings["model_sha256"]):
            print(f"note: {path} was damaged or missing; it is written again")
            write_files(self._folder, {MODEL: model})
        while not self.complete and os.path.exists(self._path()):
            self.kept += self._count(self._path())
            self.attempts += self._settings["shard_episodes"]

    def _count(self, path: str) -> int:
        """Episodes of a shard that is whole and in its place."""
        try:
            members(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise UserError(damaged_shard(path, error)) from None
        ids = read_shard(path, "episode_ids", "episode_lengths", "terminated")["episode_ids"]
        first, last = self.attempts, self.attempts + self._settings["shard_episodes"]
        if ids.dtype.kind not in "iu" or not ((first <= ids) & (ids < last)).all():
            raise UserError(damaged_shard(path, f"it is not of the episodes {first} to {last - 1}"))
        return len(ids)

    def _path(self) -> str:
        """Path of the shard to which the next attempt belongs."""
        return os.path.join(self._folder, SHARD.format(self.attempts // self._settings["shard_episodes"]))

    @property
    def complete(self) -> bool:
        """Whether there are enough episodes."""
        return self.kept >= self._settings["num_episodes"]

    def add(self, episodes: Episodes) -> None:
        """Take the next attempts in; those that fell are left out unless they are to be kept.

        Raises:
            UserError: the disk refuses.
        """
        settings, size = self._settings, self._settings["shard_episodes"]
        wanted = np.ones_like(episodes.terminated) if settings["keep_failures"] else ~episodes.terminated
        last = episodes.first + len(wanted)
        while self.attempts < last and not self.complete:
            end = min(last, (self.attempts // size + 1) * size)
            places = np.arange(self.attempts, end) - episodes.first
            places = places[wanted[places]][: settings["num_episodes"] - self.kept]
            self._pieces.append(episodes.take(places, settings["relative"]))
            self.kept += len(places)
            path, self.attempts = self._path(), end
            if end % size == 0 or self.complete:
                self._send((path, self._pieces))
                self._pieces = []

    def _send(self, item: Any) -> None:
        self._queue.put(item)
        self._raise()

    def _raise(self) -> None:
        """Tell of what went wrong in the thread."""
        if isinstance(self._error, OSError):
            raise UserError(f"cannot write to {self._folder}: {self._error.strerror}")
        if self._error is not None:
            raise self._error

    def _write_shards(self) -> None:
        for path, pieces in iter(self._queue.get, None):
            try:
                if self._error is None:
                    write_shard(path, pieces)
            except Exception as error:  # the main thread raises it
                self._error = error

    def __enter__(self) -> DemonstrationWriter:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], *more: object) -> None:
        """Wait for the shards that are under way, also after Ctrl-C."""
        self._queue.put(None)
        self._thread.join()
        if kind is None:
            self._raise()


def write_shard(path: str, pieces: List[Dict[str, np.ndarray]]) -> None:
    """Write dicts of arrays, one behind the other, as an NPZ file with the same bytes for the same content.

    Raises:
        OSError: the disk refuses.
    """
    with replacing(path) as file, zipfile.ZipFile(file, "w", compresslevel=_COMPRESSION_LEVEL) as archive:
        for name in pieces[0]:
            array = np.concatenate([piece[name] for piece in pieces])
            archive.compression = zipfile.ZIP_STORED if name in _STORED else zipfile.ZIP_DEFLATED
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
