"""Which clip is drawn how often, and at which of its frames a robot starts."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional, Sequence

import torch
from torch import Tensor

from legged_gym.errors import UserError, listed

CLIP_WEIGHTINGS = ("uniform_step", "uniform_clip", "success_rate_adaptive")
START_WEIGHTINGS = ("uniform", "linear", "failure_adaptive")
# episodes of a clip that its success rate is the mean of
_WINDOW = 1000
# keeps clips that never succeed from outweighing all others
_FLOOR = 0.05
# of clips, in which failures are counted: s, and what part of the counts a policy step forgets
_PART_S, _FORGOTTEN = 0.5, 1e-3
# share of starts that are drawn alike, and what failures one, two and three parts later weigh
_ALIKE, _LATER = 0.25, (0.8, 0.64, 0.512)


class ClipWeights:
    """Chances of C clips.

    With "uniform_step" every frame that can be the first is as likely as any other, with "uniform_clip" every clip.
    "success_rate_adaptive" takes the latter times clamp(r / mean(r), least, most), r = 1 / (success rate + 0.05), over
    the last 1000 episodes of a clip; clips without any have factor 1. Clips of one file share their episodes.
    """

    def __init__(
        self,
        paths: Sequence[str],
        starts: Tensor,
        weighting: str,
        factors: Tensor,
        least: float = 1.0 / 3.0,
        most: float = 3.0,
    ) -> None:
        """Start with no episodes.

        Args:
            paths: (C,) files of the clips.
            starts: (C,) frames that can be the first.
            weighting: one of `CLIP_WEIGHTINGS`.
            factors: (C,) on top of all else.
            least: bound of the factor of success.
            most: likewise.

        Raises:
            UserError: the weighting is unknown, or no clip has a weight.
        """
        if weighting not in CLIP_WEIGHTINGS:
            raise UserError(f"clips are weighted by {', '.join(CLIP_WEIGHTINGS)}, not {weighting!r}")
        if not (factors >= 0).all() or not factors.sum() > 0:
            raise UserError("weights of clips cannot be negative, and one at least must be above 0")
        names: List[str] = sorted(set(paths))
        device = starts.device
        self._names = [os.path.basename(name) for name in names]
        self.files = torch.tensor([names.index(path) for path in paths], device=device)
        self._base = (starts if weighting == "uniform_step" else torch.ones_like(starts)) * factors.float()
        self._adaptive = weighting == "success_rate_adaptive"
        self._bounds = least, most
        # a ring of outcomes of each file, and how many were ever written
        self._outcomes = torch.zeros(len(names), _WINDOW, dtype=torch.uint8, device=device)
        self._counts = torch.zeros(len(names), dtype=torch.int64, device=device)
        self.chances = self._base / self._base.sum()

    def note(self, clips: Tensor, succeeded: Tensor) -> None:
        """Remember how episodes (n,) of clips ended, (n,) bool; chances follow at the next `update`."""
        files, order = self.files[clips].sort(stable=True)
        first, behind = torch.searchsorted(files, files), torch.searchsorted(files, files, right=True)
        number = torch.arange(len(files), device=files.device) - first  # of an episode among those of its file
        kept = number >= behind - first - _WINDOW  # no place of the ring is written twice
        places = (self._counts[files] + number) % _WINDOW
        self._outcomes[files[kept], places[kept]] = succeeded[order][kept].to(torch.uint8)
        self._counts.index_add_(0, files, torch.ones_like(files))

    @property
    def success_rates(self) -> Tensor:
        """(C,) share of the last episodes that succeeded; NaN without any."""
        return (self._outcomes.sum(1, dtype=torch.float32) / self._counts.clamp_max(_WINDOW))[self.files]

    @property
    def overall_success_rate(self) -> float:
        """The same of all clips together."""
        return float(self._outcomes.sum() / self._counts.clamp_max(_WINDOW).sum())

    def update(self) -> None:
        """Work out the chances (C,) anew."""
        factor = torch.ones_like(self._base)
        rates = self.success_rates
        seen = ~rates.isnan()
        if self._adaptive and seen.any():
            need = 1.0 / (rates[seen] + _FLOOR)
            factor[seen] = (need / need.mean()).clamp(*self._bounds)
        weights = self._base * factor
        self.chances = weights / weights.sum()

    def draw(self, count: int, generator: Optional[torch.Generator] = None) -> Tensor:
        """Indices (count,) of clips."""
        return torch.multinomial(self.chances, count, replacement=True, generator=generator)

    def state_dict(self) -> Dict[str, Any]:
        """The outcomes that are remembered."""
        return {"files": self._names, "outcomes": self._outcomes, "counts": self._counts}

    def load_state_dict(self, state: Dict[str, Any]) -> None:
        """Go on from them.

        Raises:
            UserError: they are of other clips.
        """
        if state["files"] != self._names:
            other = listed(sorted(set(state["files"]) ^ set(self._names))) or "their order"
            raise UserError(f"the statistics are of other motion clips, which differ in {other}: train with the same")
        self._outcomes.copy_(state["outcomes"])
        self._counts.copy_(state["counts"])
        self.update()


class StartFrames:
    """At which frames of their clips robots start.

    With "uniform" all frames that can be the first are alike, with "linear" early ones are drawn more often. With
    "failure_adaptive" three in four starts are where robots soon fail, after adaptive sampling in BeyondMimic
    (arXiv:2508.08241): parts of half a second have the chance, over the last thousand policy steps or so, that a robot
    in them fails, and are drawn by that of their own and, times 0.8 for each part between, of the next three.
    """

    def __init__(self, starts: Tensor, fps: float, weighting: str) -> None:
        """Start with no failures.

        Args:
            starts: (C,) int64, frames of each clip that can be the first.
            fps: frames a second.
            weighting: one of `START_WEIGHTINGS`.

        Raises:
            UserError: the weighting is unknown.
        """
        if weighting not in START_WEIGHTINGS:
            raise UserError(f"start frames are weighted by {', '.join(START_WEIGHTINGS)}, not {weighting!r}")
        self._starts, self._linear, self.adaptive = starts, weighting == "linear", weighting == "failure_adaptive"
        self._size = max(1, round(_PART_S * fps))  # frames of a part
        self._parts = (starts + self._size - 1) // self._size  # of each clip; those of all follow one another
        self._ends = self._parts.cumsum(0)
        self._clip_of = torch.repeat_interleave(torch.arange(len(starts), device=starts.device), self._parts)
        place = torch.arange(len(self._clip_of), device=starts.device) - self._first(self._clip_of)
        frames = (starts[self._clip_of] - place * self._size).clamp_max(self._size)
        self._alike = frames.double() / starts[self._clip_of]
        self._steps, self._failures = torch.zeros_like(self._alike), torch.zeros_like(self._alike)
        self.update()

    def count(self, clips: Tensor, frames: Tensor) -> None:
        """Robots (N,) are at frames of clips, for a policy step."""
        if self.adaptive:
            self._steps *= 1.0 - _FORGOTTEN
            self._failures *= 1.0 - _FORGOTTEN
            self._steps.index_add_(0, self._part(clips, frames), torch.ones_like(clips, dtype=torch.float64))

    def note(self, clips: Tensor, frames: Tensor, failed: Tensor) -> None:
        """Episodes (n,) ended at frames of clips, (n,) bool: failed or not; chances follow at the next `update`."""
        if self.adaptive:
            self._failures.index_add_(0, self._part(clips, frames), failed.double())

    @property
    def failure_chances(self) -> Tensor:
        """(P,) of the parts of all clips: chance to fail in them; 0 where nobody has been."""
        return (self._failures * self._size / (self._steps + self._size)).clamp_max(1.0)

    def update(self) -> None:
        """Work out anew how often each part is drawn."""
        chances = self.failure_chances
        need = chances.clone()
        for later, weight in enumerate(_LATER, 1):
            same = self._clip_of[later:] == self._clip_of[:-later]
            need[:-later] += weight * chances[later:] * same
        total = torch.zeros_like(self._starts, dtype=torch.float64).index_add_(0, self._clip_of, need)[self._clip_of]
        known = total > 0.0
        drawn = torch.where(known, (1.0 - _ALIKE) * need / total.clamp(min=1e-300) + _ALIKE * self._alike, self._alike)
        self._upper = drawn.cumsum(0)  # of each clip by 1 more

    def draw(self, clips: Tensor, generator: Optional[torch.Generator] = None) -> Tensor:
        """Frames (n,) int64 to start from, of clips (n,)."""
        if not self.adaptive:
            return draw_frames(self._starts[clips], self._linear, generator)
        uniform = torch.rand(2, len(clips), generator=generator, device=clips.device, dtype=torch.float64)
        part = torch.searchsorted(self._upper, clips + uniform[0], right=True)
        part = torch.minimum(torch.maximum(part, self._first(clips)), self._ends[clips] - 1)
        first = (part - self._first(clips)) * self._size
        frames = torch.minimum(self._starts[clips] - first, torch.full_like(first, self._size))
        return first + torch.minimum((uniform[1] * frames).to(torch.int64), frames - 1)

    def _first(self, clips: Tensor) -> Tensor:
        return self._ends[clips] - self._parts[clips]

    def _part(self, clips: Tensor, frames: Tensor) -> Tensor:
        return self._first(clips) + torch.minimum(frames // self._size, self._parts[clips] - 1)

    def state_dict(self) -> Dict[str, Any]:
        """What is known of failures; empty where it does not matter."""
        return {"steps": self._steps, "failures": self._failures} if self.adaptive else {}

    def load_state_dict(self, state: Dict[str, Any]) -> None:
        """Go on from it, or from no failures where it is empty.

        Raises:
            UserError: it is of clips of other lengths.
        """
        if not self.adaptive or not state:
            return
        if len(state["steps"]) != len(self._steps):
            raise UserError("where robots fail is known of motion clips of other lengths: train with the same")
        self._steps.copy_(state["steps"])
        self._failures.copy_(state["failures"])
        self.update()


def draw_frames(starts: Tensor, linear: bool, generator: Optional[torch.Generator] = None) -> Tensor:
    """Frames (n,) below M = starts (n,), alike; or `linear`: frame i with the weight 2 (M - i) / (M (M + 1))."""
    uniform = torch.rand(len(starts), generator=generator, device=starts.device, dtype=torch.float64)
    if not linear:
        return torch.minimum((uniform * starts).to(torch.int64), starts - 1)
    # frames up to i have i M - i (i - 1) / 2 of M (M + 1) / 2 weights: the largest i with so little is the root below
    size = starts.double()
    root = size + 0.5 - ((size + 0.5) ** 2 - uniform * size * (size + 1.0)).sqrt()
    return torch.minimum(root.long(), starts - 1)
