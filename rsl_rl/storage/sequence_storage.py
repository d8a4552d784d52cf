"""The aggregate of imitation learning: short sequences of many rollouts, bounded in memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple, Union

import torch

from rsl_rl.storage.image_frames import FrameList, ImageFormat, RepeatedImages
from rsl_rl.storage.trajectories import Trajectories
from rsl_rl.utils.errors import RslRlError
from rsl_rl.utils.saved_content import check_content

Hidden = Dict[str, torch.Tensor]
Tensors = Dict[str, torch.Tensor]

_GB = 1e9


@dataclass
class Block:
    """One sequence of T steps of each of N environments.

    Attributes:
        number: counts the blocks from the start of the training.
        observations: flat group -> (N, T, D), before the step.
        frames: image group -> (F, C, H, W), the different images in their stored form, environment after environment
            and in the order of time within one.
        frame_index: image group -> (N, T) int32, the frame that is seen before the step.
        labels: name -> (N, T, *shape), what the teacher says and extensions keep.
        dones: (N, T) bool, the episode ended with the step.
        hidden: memory before the first step, name -> (N, layers, H).
    """

    number: int
    observations: Tensors
    frames: Tensors
    frame_index: Tensors
    labels: Tensors
    dones: torch.Tensor
    hidden: Tensors

    @property
    def num_bytes(self) -> int:
        """What the tensors take."""
        tables = (self.observations, self.frames, self.frame_index, self.labels, self.hidden, {"": self.dones})
        return sum(x.numel() * x.element_size() for table in tables for x in table.values())


class SequenceBatch(NamedTuple):
    """B sequences of T steps; sample (t, j) is at t * B + j.

    Attributes:
        observations: flat group -> (T*B, D), image group -> images of the same number.
        labels: name -> (T*B, *shape).
        hidden: memory before the first step, name -> (layers, B, H).
        trajectories: how the samples follow on one another.
        whole: (B,) bool, no episode ended within the sequence.
        places: (block, environment) that each sequence is from.
    """

    observations: Dict[str, Union[torch.Tensor, RepeatedImages]]
    labels: Tensors
    hidden: Hidden
    trajectories: Trajectories
    whole: torch.Tensor
    places: List[Tuple[int, int]]


class SequenceStorage:
    """Sequences of T steps of N environments, the oldest of which make room for new ones.

    It lives in the memory of the host. An image is stored when it differs from that of the step before, so a camera
    of a fifth of the policy's rate takes about a fifth of the room. Written step by step:

        if storage.step == 0:
            storage.save_hidden(hidden)
        storage.add(obs, labels)
        storage.add_dones(dones)

    Attributes:
        blocks: the complete sequences, oldest first.
        next_number: of the block under way.
        step: number of steps written of it.
    """

    _block: Block
    _frames: Dict[str, FrameList]

    def __init__(
        self,
        num_envs: int,
        sequence_length: int,
        observation_dims: Mapping[str, Tuple[int, ...]],
        label_dims: Mapping[str, Tuple[int, ...]],
        hidden: Hidden,
        image_format: ImageFormat,
        max_gb: float,
        device: torch.device,
        max_blocks: Optional[int] = None,
    ) -> None:
        """Describe what will be stored; memory is taken as the sequences come.

        Args:
            num_envs: N.
            sequence_length: T.
            observation_dims: the groups to keep -> shape of one environment's entry; (C, H, W) for images.
            label_dims: label -> shape of one environment's entry.
            hidden: a memory to copy the shapes of, name -> (layers, N, H).
            image_format: how images are kept.
            max_gb: bound of the memory, GB.
            device: where batches go.
            max_blocks: likewise; None for no bound of their number.

        Raises:
            RslRlError: not even one sequence of each environment fits.
        """
        self.num_envs = num_envs
        self.sequence_length = sequence_length
        self._dims = {group: tuple(shape) for group, shape in observation_dims.items()}
        self._image_groups = [group for group, shape in self._dims.items() if len(shape) == 3]
        self._label_dims = {name: tuple(shape) for name, shape in label_dims.items()}
        self._hidden = {name: (state.shape[0], state.shape[2]) for name, state in hidden.items()}
        self._format = image_format
        self._max_bytes = max_gb * _GB
        self._max_blocks = math.inf if max_blocks is None else max_blocks
        self._device = device
        self.blocks: List[Block] = []
        self.next_number = 0
        self.step = 0
        self._num_bytes = 0
        if self.bytes_per_sequence * num_envs > self._max_bytes:
            raise RslRlError(
                f"algorithm.max_aggregate_gb is {max_gb:g}, but one sequence of each of the {num_envs} environments "
                f"may take {self.bytes_per_sequence * num_envs / _GB:.3g}"
            )

    @property
    def bytes_per_sequence(self) -> int:
        """What one sequence takes at most: when no image repeats."""
        step = 1 + 4 * sum(math.prod(shape) for shape in self._label_dims.values())
        for group, shape in self._dims.items():
            size = math.prod(shape)
            pixel = torch.empty((), dtype=self._format.dtype).element_size()
            step += size * pixel + 4 if group in self._image_groups else size * 4
        return step * self.sequence_length + 4 * sum(layers * width for layers, width in self._hidden.values())

    @property
    def num_sequences(self) -> int:
        """Complete sequences."""
        return len(self.blocks) * self.num_envs

    @property
    def num_samples(self) -> int:
        """Steps of the complete sequences."""
        return self.num_sequences * self.sequence_length

    @property
    def num_gb(self) -> float:
        """GB that the complete sequences take."""
        return self._num_bytes / _GB

    def check_memory(self, num_samples: int) -> str:
        """Compare what is needed with what there is.

        Args:
            num_samples: steps that the whole training is going to store.

        Returns:
            A line that tells the sizes.

        Raises:
            RslRlError: this machine has too little memory available.
        """
        sequence = self.bytes_per_sequence
        most = min(num_samples / self.sequence_length, self._max_blocks * self.num_envs)
        needed = min(self._max_bytes, sequence * most)
        available = available_bytes()
        if available is not None and needed > available:
            raise RslRlError(
                f"the aggregate may grow to {needed / _GB:.3g} GB, this machine has {available / _GB:.3g} GB of memory "
                "available; lower algorithm.max_aggregate_gb"
            )
        kept = "" if needed >= sequence * num_samples / self.sequence_length else ", beyond that the oldest are dropped"
        return (
            f"at most {needed / _GB:.3g} GB for {num_samples:,} samples of up to "
            f"{sequence / self.sequence_length:,.0f} bytes{kept}"
        )

    # ---------------------------------------------------------------- writing

    def save_hidden(self, hidden: Hidden) -> None:
        """Begin new sequences, with the memory before their first step: name -> (layers, N, H)."""
        self._block = self._empty_block()
        self._block.hidden = {name: x.detach().cpu().transpose(0, 1).contiguous() for name, x in hidden.items()}
        self._frames = {group: FrameList(self.num_envs) for group in self._image_groups}

    def _empty_block(self) -> Block:
        size = (self.num_envs, self.sequence_length)
        flat = {group: shape for group, shape in self._dims.items() if group not in self._image_groups}
        return Block(
            number=self.next_number,
            observations={group: torch.empty(*size, *shape) for group, shape in flat.items()},
            frames={},
            frame_index={group: torch.empty(size, dtype=torch.int32) for group in self._image_groups},
            labels={name: torch.empty(*size, *shape) for name, shape in self._label_dims.items()},
            dones=torch.empty(size, dtype=torch.bool),
            hidden={name: torch.empty(self.num_envs, *shape) for name, shape in self._hidden.items()},
        )

    def add(self, obs: Mapping[str, torch.Tensor], labels: Tensors) -> None:
        """Write what is known before the environments are stepped.

        Args:
            obs: group -> (N, *shape); may hold groups that are not kept.
            labels: name -> (N, *shape).

        Raises:
            RslRlError: an image does not fit the format.
        """
        for group, buffer in self._block.observations.items():
            buffer[:, self.step].copy_(obs[group])
        for name, buffer in self._block.labels.items():
            buffer[:, self.step].copy_(labels[name])
        for group, frames in self._frames.items():
            self._block.frame_index[group][:, self.step] = frames.add(self._format.encode(obs[group]).cpu())

    def add_dones(self, dones: torch.Tensor) -> None:
        """Write which episodes ended with the step, (N,) bool, and go to the next; sequences may be complete then."""
        self._block.dones[:, self.step].copy_(dones)
        self.step += 1
        if self.step < self.sequence_length:
            return
        for group, frames in self._frames.items():
            self._block.frames[group], first = frames.finish()
            self._block.frame_index[group] += first.unsqueeze(1)
        self.step = 0
        self.next_number += 1
        self.append(self._block)
        del self._block, self._frames

    def append(self, block: Block) -> None:
        """Take in complete sequences, and drop the oldest if they are too many."""
        self.blocks.append(block)
        self._num_bytes += block.num_bytes
        while self._num_bytes > self._max_bytes or len(self.blocks) > self._max_blocks:
            self._num_bytes -= self.blocks.pop(0).num_bytes

    def checked(self, path: str, content: Mapping[str, Any]) -> Block:
        """Make a block of what a file holds.

        Raises:
            RslRlError: it is of another training, or no block.
        """
        check_content(path, content, {"labels": {}, "frames": {}})
        shapes = {name: tuple(label.shape[2:]) for name, label in content["labels"].items()}
        dtypes = {frames.dtype for frames in content["frames"].values()} or {self._format.dtype}
        if shapes != self._label_dims or dtypes != {self._format.dtype}:
            raise RslRlError(
                "the saved aggregate was made with another algorithm.loss or algorithm.image_storage, or other "
                "algorithm.extensions; set them as they were, or delete the folder 'aggregate' of the run"
            )
        own = vars(self._empty_block())
        own["frames"] = {
            group: torch.empty(len(frames), *self._dims.get(group, ()), dtype=self._format.dtype)
            for group, frames in content["frames"].items()
        }
        check_content(path, content, own)
        return Block(**{name: content[name] for name in own})

    def clear(self) -> None:
        """Forget everything."""
        self.blocks = []
        self.next_number = self.step = self._num_bytes = 0

    # ---------------------------------------------------------------- reading

    def batches(self, batch_size: int, num_epochs: int, max_batches: Optional[int] = None) -> Iterator[SequenceBatch]:
        """Go `num_epochs` times through all sequences, each time in another order.

        Args:
            batch_size: sequences in a batch; of a number that does not divide, batches are a little smaller.
            num_epochs: how often.
            max_batches: end after so many batches; None for no limit.
        """
        left = max_batches
        for _ in range(num_epochs):
            order = torch.randperm(self.num_sequences)
            for part in order.tensor_split(-(-self.num_sequences // batch_size)):
                if left == 0:
                    return
                yield self._gather([(index // self.num_envs, index % self.num_envs) for index in part.tolist()])
                left = None if left is None else left - 1

    def mini_batches(self, num_mini_batches: int, num_epochs: int) -> Iterator[SequenceBatch]:
        """As `batches`, shared out to a number of batches, as a rollout of PPO is."""
        return self.batches(-(-self.num_sequences // num_mini_batches), num_epochs)

    def _gather(self, places: List[Tuple[int, int]]) -> SequenceBatch:
        """Copy the sequences of the given (block, environment)."""
        sources = [(self.blocks[block], env) for block, env in places]

        def steps_first(sequences: List[torch.Tensor]) -> torch.Tensor:
            return torch.stack(sequences, dim=1).to(self._device)

        observations: Dict[str, Union[torch.Tensor, RepeatedImages]] = {}
        for group in self._dims:
            if group in self._image_groups:
                observations[group] = self._gather_images(group, sources)
            else:
                rows = [block.observations[group][env] for block, env in sources]
                observations[group] = steps_first(rows).flatten(0, 1)
        dones = steps_first([block.dones[env] for block, env in sources])
        return SequenceBatch(
            observations=observations,
            labels={
                name: steps_first([block.labels[name][env] for block, env in sources]).flatten(0, 1)
                for name in self._label_dims
            },
            hidden={name: steps_first([block.hidden[name][env] for block, env in sources]) for name in self._hidden},
            trajectories=Trajectories(dones),
            whole=~dones.any(0),
            places=places,
        )

    def _gather_images(self, group: str, sources: List[Tuple[Block, int]]) -> RepeatedImages:
        """Copy the frames that the sequences see, each once for a sequence."""
        frames, index, offset = [], [], 0
        for block, env in sources:
            seen = block.frame_index[group][env]
            first, last = int(seen[0]), int(seen[-1])
            frames.append(block.frames[group][first : last + 1])
            index.append(seen.long() + (offset - first))
            offset += last + 1 - first
        return RepeatedImages(
            frames=self._format.decode(torch.cat(frames).to(self._device)),
            index=torch.stack(index, dim=1).flatten().to(self._device),
        )

    def renew_hidden(self, batch: SequenceBatch, hidden: Hidden) -> None:
        """Let the sequences that follow those of a batch begin with the memory that these end with today.

        The memories of the time of collection grow stale as the network learns (Kapturowski et al. 2019, "Recurrent
        experience replay in distributed reinforcement learning", section 3).

        Args:
            batch: from `batches`, before the storage has changed.
            hidden: memory after the last step, name -> (layers, B, H); need only be right for sequences that are
                `whole`, as what follows an end of an episode is left alone.
        """
        ends = {name: state.detach().cpu() for name, state in hidden.items()}
        for column, (place, is_whole) in enumerate(zip(batch.places, batch.whole.tolist())):
            block, env = place
            if not is_whole or block + 1 == len(self.blocks):
                continue
            following = self.blocks[block + 1]
            if following.number == self.blocks[block].number + 1:
                for name, state in ends.items():
                    following.hidden[name][env] = state[:, column]


def available_bytes() -> Optional[int]:
    """Memory that this machine can still give, as Linux estimates it; None elsewhere."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None
