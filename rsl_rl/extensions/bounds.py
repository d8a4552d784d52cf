"""Mean actions kept where the robot can follow."""

from __future__ import annotations

from rsl_rl.extensions.extension import Batch, Context, Extension, Losses
from rsl_rl.models import Outputs
from rsl_rl.utils.errors import RslRlError


class Bounds(Extension):
    """Mean of the sum of what mean actions are beyond `limit`, up or down, weighed `coef`.

    Args:
        context: what it is made for.
        limit: of an action; where the environment clips it, say.
        coef: weight; 0 for none.

    Raises:
        RslRlError: `limit` is not above 0.
    """

    def __init__(self, context: Context, limit: float, coef: float = 0.0005) -> None:
        if not (isinstance(limit, (int, float)) and limit > 0.0):
            raise RslRlError(f"algorithm.extensions.bounds.limit is {limit}, expected a number above 0")
        self._limit, self._coef = limit, coef

    def losses(self, batch: Batch, outputs: Outputs) -> Losses:
        """See `Extension.losses`."""
        beyond = (outputs.mean.abs() - self._limit).relu()
        return {"bounds": (self._coef, beyond.sum(-1).mean())}
