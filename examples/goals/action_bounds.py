"""The further loss of the task: mean actions should stay where the joints can follow."""

from __future__ import annotations

from rsl_rl.extensions import Batch, Context, Extension, Losses
from rsl_rl.models import Outputs


class ActionBounds(Extension):
    """Mean square of what mean actions have beyond a bound.

    Args:
        context: not needed.
        bound: of the size of an action.
        loss_coef: weight of the loss.
    """

    def __init__(self, context: Context, bound: float = 3.0, loss_coef: float = 0.01) -> None:
        self._bound, self._loss_coef = bound, loss_coef

    def losses(self, batch: Batch, outputs: Outputs) -> Losses:
        """See `Extension.losses`."""
        excess = (outputs.mean.abs() - self._bound).clamp(min=0.0)
        return {"action_bounds": (self._loss_coef, excess.square().mean())}
