"""Which clip is drawn how often, and at which of its frames a robot starts."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional, Sequence

import torch
from torch import Tensor

from legged_gym.errors import UserError, listed

CLIP_WEIGHTINGS = ("uniform_step", "uniform_clip", "success_rate_adaptive")
# episodes of a clip that its success rate is the mean of
_WINDOW = 1000
# keeps clips that never succeed from outweighing all others
_FLOOR = 0.05


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


def draw_frames(starts: Tensor, linear: bool, generator: Optional[torch.Generator] = None) -> Tensor:
    """Frames (n,) below M = starts (n,), alike; or `linear`: frame i with the weight 2 (M - i) / (M (M + 1))."""
    uniform = torch.rand(len(starts), generator=generator, device=starts.device, dtype=torch.float64)
    if not linear:
        return torch.minimum((uniform * starts).to(torch.int64), starts - 1)
    # frames up to i have i M - i (i - 1) / 2 of M (M + 1) / 2 weights: the largest i with so little is the root below
    size = starts.double()
    root = size + 0.5 - ((size + 0.5) ** 2 - uniform * size * (size + 1.0)).sqrt()
    return torch.minimum(root.long(), starts - 1)
