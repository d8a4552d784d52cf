"""Physics on a GPU that repeats bit for bit: contacts and constraint rows in an order of their own.

MuJoCo Warp 4.0 has three switches. One, for sums by atomic additions, works: each is then summed in the order of its
threads. The threads are those of contacts and rows, and the functions that should order these are empty. So both are
ordered here, in callbacks that the engine has for other ends: where contacts are filtered, and where controls are set,
after all rows are made and before any is read.
"""

from __future__ import annotations

from typing import Any

from legged_gym.sim.warp.contact_order import ContactOrder
from legged_gym.sim.warp.row_order import RowOrder


def keep_order(model: Any, data: Any, device: Any) -> None:
    """Have contacts and rows ordered in every step from now on.

    Args:
        model: of MuJoCo Warp, with its `deterministic` set; its filter of contacts stays.
        data: of MuJoCo Warp.
        device: Warp's.
    """
    contacts, rows, filter_ = ContactOrder(data, device), RowOrder(model, data, device), model.callback.contactfilter

    def order_contacts(model: Any, data: Any) -> None:
        if filter_ is not None:
            filter_(model, data)
        contacts.sort()

    def order_rows(model: Any, data: Any) -> None:
        rows.sort()

    model.callback.contactfilter, model.callback.control = order_contacts, order_rows
