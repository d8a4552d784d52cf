"""From the tables of a config to methods of an environment: resolved once, at construction.

A name in a table that has no method fails here, with the names that come near.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor

from legged_gym.envs.base.base_config import ObsTerm
from legged_gym.errors import UserError, listed
from rsl_rl.utils.errors import near_matches

# rad, for ranges and angles that were rounded
_RANGE_SLACK = 1e-3


def find_term(env: Any, prefix: str, name: str, table_name: str) -> Callable[[], Tensor]:
    """The method `<prefix><name>` of an environment.

    Raises:
        UserError: there is none; names the near matches.
    """
    method = getattr(env, prefix + name, None)
    if method is not None:
        return method
    known = [attribute[len(prefix) :] for attribute in dir(env) if attribute.startswith(prefix)]
    problem = f"{table_name}.{name}: {type(env).__name__} has no method {prefix}{name}"
    raise UserError(f"{problem}; {near_matches(name, known)}")


def check_values(
    term: Callable[[], Tensor], where: str, shape: Sequence[Optional[int]], dtype: Optional[torch.dtype] = None
) -> Tuple[int, ...]:
    """Call a term once and return the shape of what it gives.

    Args:
        term: the method.
        where: its place in the config, for errors.
        shape: what is expected; None for the last dimension stands for one or more of any size.
        dtype: what is expected; None for any.

    Raises:
        UserError: it gives something else.
    """
    value = term()
    found = tuple(value.shape) if isinstance(value, Tensor) else None
    leading = tuple(shape[:-1]) if shape[-1] is None else tuple(shape)
    fits = found is not None and found[: len(leading)] == leading and (found == leading) == (shape[-1] is not None)
    if found is None or not fits or (dtype is not None and value.dtype != dtype):
        kind = f" {str(dtype).rpartition('.')[2]}" if dtype is not None else ""
        given = f"{found} {str(value.dtype).rpartition('.')[2]}" if found is not None else type(value).__name__
        expected = ", ".join("k" if size is None else str(size) for size in shape) + "," * (len(shape) == 1)
        name = getattr(term, "__name__", "the term")
        raise UserError(f"{where}: {name} returns {given}, expected ({expected}){kind}")
    return found


def make_group(
    group: str, entries: Mapping[str, ObsTerm], shapes: Mapping[str, Sequence[int]], noise_level: float
) -> Union[ObservationGroup, ImageGroup]:
    """The layout of a group from the shapes of its terms: a vector, or one image by itself.

    Args:
        group: name of the group, for errors.
        entries: term name -> entry, in order.
        shapes: term name -> shape of one environment's value.
        noise_level: factor on every noise; 0 for none.

    Raises:
        UserError: the group is empty, an image is not alone in it, or an entry does not fit its term.
    """
    if not entries:
        raise UserError(f"observations.{group} has no terms: remove the group or give it one")
    images = [name for name in entries if len(shapes[name]) > 1]
    if not images:
        return ObservationGroup(group, entries, {name: shapes[name][0] for name in entries}, noise_level)
    if len(entries) > 1:
        raise UserError(f"observations.{group}.{images[0]} is an image: give it a group of its own")
    return ImageGroup(group, images[0], entries[images[0]], shapes[images[0]])


class ImageGroup:
    """A group that is one image; its noise is the sensor's business.

    Attributes:
        names: the one term.
        shape: (channels, rows, columns).
    """

    def __init__(self, group: str, name: str, entry: ObsTerm, shape: Sequence[int]) -> None:
        """Take the term.

        Raises:
            UserError: the entry asks for more than a scale.
        """
        if not isinstance(entry.scale, (int, float)) or entry.noise != 0.0 or entry.clip is not None:
            raise UserError(f"observations.{group}.{name} is an image: it takes a scale, one number, and nothing else")
        self.names, self.shape = [name], tuple(int(size) for size in shape)
        self._entry, self._scale = entry, float(entry.scale)

    def to(self, device: torch.device) -> ImageGroup:
        """Nothing to move; returns self."""
        return self

    def assemble(self, raw: Dict[str, Tensor], limit: float, generator: torch.Generator) -> Tensor:
        """The image (N, channels, rows, columns), scaled and within +-`limit`; the arguments are those of vectors."""
        return raw[self.names[0]].mul(self._scale).clamp_(-limit, limit)

    def layout(self) -> List[Dict[str, Any]]:
        """As `ObservationGroup.layout`; the size is the number of pixels."""
        pixels = int(torch.Size(self.shape).numel())
        return [dict(name=self.names[0], size=pixels, **self._entry.to_dict())]


class ObservationGroup:
    """The layout of one observation vector and how it is put together from raw terms.

    Attributes:
        names: terms in order.
        sizes: their widths.
        shape: (total width,).
    """

    def __init__(self, group: str, table: Mapping[str, ObsTerm], sizes: Mapping[str, int], noise_level: float) -> None:
        """Lay out the vector.

        Args:
            group: name of the group, for errors.
            table: term name -> entry, in order.
            sizes: term name -> width.
            noise_level: factor on every noise; 0 for none.

        Raises:
            UserError: a list of scales or noises does not fit its term.
        """
        self.group = group
        self.table = dict(table)
        self.names: List[str] = list(table)
        self.sizes: List[int] = [sizes[name] for name in self.names]
        self.shape = (sum(self.sizes),)
        scale = torch.cat([self._row(name, "scale", entry.scale, sizes[name]) for name, entry in table.items()])
        noise = torch.cat([self._row(name, "noise", entry.noise, sizes[name]) for name, entry in table.items()])
        self._scale = scale
        self._noise = noise_level * noise * scale.abs()
        self._noisy = bool((self._noise != 0).any())
        # without noise on the last terms no random numbers are drawn for them
        self._noisy_dim = int(torch.nonzero(self._noise).max()) + 1 if self._noisy else 0
        gaussian = [entry.gaussian for name, entry in table.items() for _ in range(sizes[name])]
        self._gaussian = torch.tensor(gaussian)[: self._noisy_dim]
        self._kinds = {bool(kind) for kind in self._gaussian[self._noise[: self._noisy_dim] != 0]}

    def _row(self, name: str, field: str, value: Any, size: int) -> Tensor:
        row = torch.as_tensor(value, dtype=torch.float32).flatten()
        if len(row) not in (1, size):
            raise UserError(f"observations.{self.group}.{name}.{field} has {len(row)} values, the term has {size}")
        return row.expand(size)

    def to(self, device: torch.device) -> ObservationGroup:
        """Move the scales to a device; returns self."""
        self._scale, self._noise = self._scale.to(device), self._noise.to(device)
        self._gaussian = self._gaussian.to(device)
        return self

    def assemble(self, raw: Dict[str, Tensor], limit: float, generator: torch.Generator) -> Tensor:
        """Put the vector together: clip, scale, add noise, clip to the overall limit.

        Args:
            raw: term name -> (N, k), unscaled.
            limit: bound of the result.
            generator: source of the noise.

        Returns:
            (N, dim).
        """
        parts = []
        for name in self.names:
            clip = self.table[name].clip
            low, high = (-clip, clip) if isinstance(clip, (int, float)) else clip or (None, None)
            parts.append(raw[name] if clip is None else raw[name].clamp(low, high))
        out = torch.cat(parts, dim=1).mul_(self._scale)
        if self._noisy:
            noise = self._draw(len(out), generator)
            out[:, : self._noisy_dim].addcmul_(noise, self._noise[: self._noisy_dim])
        return out.clamp_(-limit, limit)

    def _draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Noise (N, noisy columns) of size 1: uniform in [-1, 1], or normal."""
        shape, device = (count, self._noisy_dim), self._scale.device
        normal = torch.randn(shape, generator=generator, device=device) if True in self._kinds else None
        if False not in self._kinds and normal is not None:
            return normal
        uniform = torch.rand(shape, generator=generator, device=device).mul_(2.0).sub_(1.0)
        return uniform if normal is None else torch.where(self._gaussian, normal, uniform)

    def layout(self) -> List[Dict[str, Any]]:
        """One dict a term, in order: name, size and the fields of its table entry; goes with exported policies."""
        return [dict(name=name, size=size, **self.table[name].to_dict()) for name, size in zip(self.names, self.sizes)]


class RewardSum:
    """Weighted sum of reward terms, with the per-episode sums that are logged.

    Attributes:
        names: active terms in order.
        episode_sums: (T, N) weighted sums since the last reset.
    """

    def __init__(
        self,
        env: Any,
        scales: Mapping[str, float],
        dt: float,
        num_envs: int,
        device: torch.device,
        ramps: Optional[Mapping[str, Sequence[int]]] = None,
    ) -> None:
        """Resolve the methods of all non-zero scales.

        Args:
            env: object with `_reward_<name>` methods.
            scales: name -> weight per second.
            dt: seconds of a policy step; every weight is multiplied by it.
            num_envs: N.
            device: device of the sums.
            ramps: name -> [first, last] policy step between which its weight grows from 0 to full.

        Raises:
            UserError: a name has no method, a term does not give (N,), or a ramp is of a term that is off.
        """
        for name in ramps or {}:
            if not scales.get(name):
                raise UserError(f"rewards.ramps.{name}: rewards.scales has no term of that name with a non-zero weight")
        self.names = [name for name, scale in scales.items() if scale]
        self._terms = [find_term(env, "_reward_", name, "rewards.scales") for name in self.names]
        self._scales = torch.tensor([scales[name] * dt for name in self.names], device=device)[:, None]
        self._full_scales = self._scales.clone()
        self._ramps = {self.names.index(name): ramp for name, ramp in (ramps or {}).items()}
        # the reward for dying is added after clipping, or clipping would hide it
        self._final = self.names.index("termination") if "termination" in self.names else None
        self.episode_sums = torch.zeros(len(self.names), num_envs, device=device)
        for name, term in zip(self.names, self._terms):
            check_values(term, f"rewards.scales.{name}", (num_envs,))

    def compute(self, only_positive: bool, step: int = 0) -> Tensor:
        """The reward (N,) of this step; adds the terms to `episode_sums`.

        Args:
            only_positive: clip negative totals (without `termination`) at zero.
            step: policy steps since the start, for ramps.
        """
        for row, bounds in self._ramps.items():
            self._scales[row] = self._full_scales[row] * ramp(step, bounds)
        if not self._terms:
            return torch.zeros_like(self.episode_sums[0]) if len(self.episode_sums) else self.episode_sums.sum(0)
        values = torch.stack([term() for term in self._terms]).mul_(self._scales)
        self.episode_sums += values
        if not only_positive:
            return values.sum(0)
        if self._final is None:
            return _clip_negative(values.sum(0))
        final = values[self._final].clone()
        values[self._final] = 0.0
        return _clip_negative(values.sum(0)).add_(final)

    def scale_of(self, name: str) -> float:
        """Weight of a term times dt, once its ramp is over."""
        return float(self._full_scales[self.names.index(name)])

    def pop_means(self, env_ids: Tensor, episode_length_s: float) -> Dict[str, Tensor]:
        """Mean episode sums of some environments per second of a full episode, by name; clears their sums."""
        means = self.episode_sums[:, env_ids].mean(dim=1) / episode_length_s
        self.episode_sums[:, env_ids] = 0.0
        return {f"rew_{name}": mean for name, mean in zip(self.names, means.unbind())}


def ramp(step: int, bounds: Sequence[int]) -> float:
    """0 up to the first of two policy steps, 1 from the last on, growing evenly between them."""
    first, last = bounds
    return min(max((step - first) / (last - first), 0.0), 1.0)


def _clip_negative(total: Tensor) -> Tensor:
    """Negative totals as 0, -inf as NaN: clipping must not hide a term that went wrong."""
    return total.clamp(min=0.0) + (total - total)


def check_names(bodies: Sequence[str], parts: Sequence[str], key: str) -> None:
    """Every part of a name must match a body; says which matches look as if they were not meant.

    Raises:
        UserError: one does not; lists the bodies.
    """
    for part in parts:
        if not any(part in body for body in bodies):
            raise UserError(f"{key}: no body contains '{part}'; the robot has {', '.join(bodies)}")
    for note in _odd_matches(bodies, parts, key):
        print(note)


def check_gains(joints: Sequence[str], gains: Mapping[str, float], key: str) -> None:
    """Say which joints have no gain, and which parts of joint names match nothing, nothing any more, or too much."""
    matches = {part: {name for name in joints if part in name} for part in gains}
    without = [name for name in joints if not any(part in name for part in gains)]
    if without:
        print(f"warning: {key} matches no part of {listed(without)}: it is 0 there")
    parts = list(gains)
    for k, part in enumerate(parts):
        # a later part with other gains wins; where it is the more special one that is how tables are meant
        later = [other for other in parts[k + 1 :] if matches[other] & matches[part] and gains[other] != gains[part]]
        unmeant = [other for other in later if not matches[other] <= matches[part]]
        if not matches[part]:
            print(f"note: {key}: no joint contains '{part}'")
        elif matches[part] <= set().union(*(matches[other] for other in later)):
            print(f"note: {key}: '{part}' has no effect, as later entries match its joints too: {listed(later)}")
        elif unmeant:
            print(f"note: {key}: '{part}' matches joints that {listed(unmeant)} match too; the last one wins")
    for note in _odd_matches(joints, parts, key):
        print(note)


def _odd_matches(names: Sequence[str], parts: Sequence[str], key: str) -> List[str]:
    """A line for each part that is a whole word in some names and a piece of one in others: 'foot' in 'footrest'."""
    notes = []
    for part in parts:
        pieces = [name for name in names if part in name and re.search(_piece_of_word(part), name)]
        if pieces and any(part in name for name in names if name not in pieces):
            notes.append(f"note: {key}: '{part}' also matches {listed(pieces)}: is that meant?")
    return notes


def _piece_of_word(part: str) -> str:
    """Pattern of a part of a name inside of a longer word; words end at capitals, digits and signs."""
    return f"(?<=[a-z]){re.escape(part)}|{re.escape(part)}(?=[a-z])" if part[:1].islower() else r"(?!)"


def check_joints(
    joints: Sequence[str], angles: Mapping[str, float], file: str, ranges: Sequence[Sequence[float]]
) -> None:
    """Robot file and config must name the same joints, and the default pose must be one that the robot can take.

    Args:
        joints: of the robot file.
        angles: of the config, rad by joint.
        file: the robot file, for errors.
        ranges: of the robot file, (D, 2) rad.

    Raises:
        UserError: they do not; lists those that only one of them has, or those out of range.
    """
    without_angle = [name for name in joints if name not in angles]
    if without_angle:
        raise UserError(f"init_state.default_joint_angles has no angle for {', '.join(without_angle)}")
    lacking = [name for name in angles if name not in joints]
    if lacking:
        raise UserError(f"{file} lacks joints of init_state.default_joint_angles: {', '.join(lacking)}")
    beyond = [
        f"{name} ({angles[name]:g}, but {low:g} to {high:g})"
        for name, (low, high) in zip(joints, ranges)
        if not low - _RANGE_SLACK <= angles[name] <= high + _RANGE_SLACK
    ]
    if beyond:
        raise UserError(f"init_state.default_joint_angles are beyond the ranges of {file}: {listed(beyond)}")
