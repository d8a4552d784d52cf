"""Contacts and constraint rows that MuJoCo Warp left out: counted on the device, said once, never waited for."""

from __future__ import annotations

import sys
from typing import Any, Dict

import mujoco_warp as mjw
import torch
import warp as wp
from torch import Tensor

TOO_SMALL = (
    mjw.OverflowType.NEFC
    | mjw.OverflowType.NJMAX_NNZ
    | mjw.OverflowType.BROADPHASE
    | mjw.OverflowType.NARROWPHASE
    | mjw.OverflowType.CCD
)
TOO_COMPLEX = mjw.OverflowType.HFIELD | mjw.OverflowType.CONTACT_MATCH | mjw.OverflowType.EPA_HORIZON

# under which name each is logged
NAMES = {TOO_SMALL: "Perf/contacts_without_room", TOO_COMPLEX: "Perf/contacts_too_complex"}
_ADVICE = {
    TOO_SMALL: "raise sim.mujoco_warp.contact_margin",
    TOO_COMPLEX: "simplify the robot's collision shapes or coarsen the ground",
}
_NO_REPEAT = "; on a GPU the run does not repeat bit for bit from here on"
# steps between two looks at what was left out
_PERIOD = 100


class Overflow:
    """What worlds left out.

    A robot in one step counts once, whatever it has lost. Room for contacts is that of all worlds together: where it
    runs out, the engine does not know who lost, and all robots count.
    """

    def __init__(self, data: Any, device: torch.device, deterministic: bool) -> None:
        """Begin with nothing left out.

        Args:
            data: of MuJoCo Warp.
            device: of torch.
            deterministic: whether runs should repeat; which contacts have no room depends on who came first.
        """
        self._deterministic = deterministic
        self._marks = data.overflow
        self._numbers = torch.zeros(len(NAMES) + 1, dtype=torch.int32, device=device)
        self._seen = self._numbers[-1]
        # copied while the device goes on, and read a period later
        self._copy = torch.zeros((), dtype=torch.int32, pin_memory=device.type == "cuda")
        self._on_host = self._copy.numpy()
        self._said = 0
        self._steps = 0

    def note(self) -> None:
        """Count what the sub-steps of a step have left out; part of what is recorded."""
        numbers = wp.from_torch(self._numbers)
        inputs = [self._marks, int(TOO_SMALL), int(TOO_COMPLEX)]
        wp.launch(_count, self._marks.shape, inputs, [numbers], device=self._marks.device)

    def take(self) -> Dict[str, Tensor]:
        """How many robots, summed over the steps since the last call, have left out contacts; 0-d, by `NAMES`."""
        counts = self._numbers[:-1].clone()
        self._numbers[:-1] = 0
        return dict(zip(NAMES.values(), counts.unbind()))

    def look(self) -> None:
        """After every step: now and then, say what was left out up to the look before."""
        self._steps += 1
        if self._steps % _PERIOD == 0:
            self._say(int(self._on_host))
            self._copy.copy_(self._seen, non_blocking=True)

    def tell(self) -> None:
        """Wait for the device, and say what was left out up to now."""
        self._say(int(self._seen))

    def _say(self, marks: int) -> None:
        """Each kind once."""
        for kinds, advice in _ADVICE.items():
            if marks & kinds & ~self._said:
                self._said |= int(kinds)
                names = ", ".join(str(kind.name).lower() for kind in kinds if kind & marks)
                what = f"MuJoCo Warp had no room for some contacts ({names}) and left them out"
                besides = _NO_REPEAT if self._deterministic and kinds == TOO_SMALL else ""
                print(f"warning: {what}; {advice}{besides}", file=sys.stderr)


@wp.kernel
def _count(marks: wp.array[int], small: int, complex_: int, numbers: wp.array[int]) -> None:
    world = wp.tid()
    found = marks[world]
    if found == 0:
        return
    if (found & small) != 0:
        wp.atomic_add(numbers, 0, 1)
    if (found & complex_) != 0:
        wp.atomic_add(numbers, 1, 1)
    wp.atomic_or(numbers, 2, found)
    marks[world] = 0
