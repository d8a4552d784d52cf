"""What a collection of demonstrations is to be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Collection:
    """What is to be collected; all of it decides what the episodes are, or which of them stand in a shard.

    Attributes:
        schedule: of `SCHEDULES`, where commands come from.
        num_episodes: of the data set.
        max_steps: policy steps of an episode.
        keep_failures: keep episodes that end early.
        randomize: a robot of its own for each episode.
        relative: positions and headings as seen from the start of each episode.
        shard_episodes: attempts a file stands for.
    """

    schedule: str = "random"
    num_episodes: int = 100
    max_steps: int = 1000
    keep_failures: bool = False
    randomize: bool = False
    relative: bool = False
    shard_episodes: int = 0
