"""From the tables of a config to methods of an environment: resolved once, at construction.

A name in a table that has no method fails here, with the names that come near.
"""

from __future__ import annotations

from typing import Callable, Optional, Sequence, Tuple

import torch
from torch import Tensor

from legged_gym.errors import UserError
from rsl_rl.utils.errors import near_matches


def find_term(env: object, prefix: str, name: str, table_name: str) -> Callable[[], Tensor]:
    """The method `<prefix><name>` of an environment.

    Raises:
        UserError: there is none; names the near matches.
    """
    method = getattr(env, prefix + name, None)
    if method is not None:
        found: Callable[[], Tensor] = method
        return found
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
