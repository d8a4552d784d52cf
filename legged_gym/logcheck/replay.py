"""The network on the observations of a log: whether it gives the actions of the log."""

from __future__ import annotations

from typing import Mapping, Sequence

import numpy as np

from legged_gym.logcheck.layout import ACTION, Layout, Values
from legged_gym.sim2sim.network import Network

SAME = 0.05
"""Deviation of actions, relative to how much they vary, that is still the network's."""
_WARM_UP = 50  # control steps after which a network has forgotten that it began earlier than the log
_FREEDOM = 3.0
_CLOSE = 0.02
_BLIND = 3.0
"""How many times the median of what the best version leaves is still noise, where columns are missing."""


class Replay:
    """Runs a network over versions of a log, all at once."""

    def __init__(
        self, policy: Network, layout: Layout, seen: Mapping[str, np.ndarray], rows: np.ndarray, blind: bool = False
    ) -> None:
        """Prepare.

        Args:
            policy: the network.
            layout: of its observations.
            seen: term -> (T, n) as logged, all terms.
            rows: control steps at which actions are compared.
            blind: whether it was given columns that the log does not have; what they would have changed is noise then.
        """
        self._policy, self._layout, self._blind = policy, layout, blind
        self._inputs = {
            group: self._assemble(
                group, {name: seen[name] for name, term in layout.terms.items() if term.group == group}
            )
            for group in layout.description["observations"]
        }
        self._recurrent = bool(layout.description["memory"])
        late = rows[rows >= _WARM_UP]
        self.rows = late if self._recurrent and len(late) > 10 else rows

    def _assemble(self, group: str, terms: Mapping[str, np.ndarray]) -> np.ndarray:
        content = self._layout.description["observations"][group]
        table = np.concatenate([terms[name] for name in terms], axis=1)
        return table.reshape(len(table), *content["shape"]).astype(np.float32)

    def loss(self, versions: Sequence[Values], base: Values) -> np.ndarray:
        """(C,) nats a control step of the actions, given the observations of each version of the plain values."""
        given = self.actions(versions, base)
        clip = self._layout.description["actions"]["clip"]
        off = np.stack(
            [np.clip(found, -clip, clip) - values[ACTION][self.rows] for found, values in zip(given, versions)]
        )
        width = _CLOSE * np.maximum(base[ACTION].std(0), 1e-3)
        if self._blind:
            left = np.median(np.abs(off), axis=1)
            width = np.maximum(width, _BLIND * left[np.argmin(np.log(left + width).sum(1))])
        return np.asarray(0.5 * (_FREEDOM + 1.0) * np.log1p((off / width) ** 2 / _FREEDOM).mean(1).sum(1))

    def error(self, values: Values, base: Values) -> float:
        """Largest deviation of an action, relative to how much it varies, that is exceeded a tenth of the time."""
        clip = self._layout.description["actions"]["clip"]
        off = np.clip(self.actions([values], base)[0], -clip, clip) - values[ACTION][self.rows]
        return float(np.percentile(np.abs(off / np.maximum(values[ACTION].std(0), 1e-3)).max(1), 90.0))

    def actions(self, versions: Sequence[Values], base: Values) -> np.ndarray:
        """(C, R, A) at the rows."""
        steps = np.arange(self.rows[-1] + 1) if self._recurrent else self.rows
        groups = {
            group: np.stack([self._changed(group, table, values, base)[steps] for values in versions])
            for group, table in self._inputs.items()
        }
        if not self._recurrent:
            flat = {group: table.reshape(-1, *table.shape[2:]) for group, table in groups.items()}
            return self._policy.advance(flat, {})[0].reshape(len(versions), len(steps), -1)
        memory = self._policy.fresh_memory(len(versions))
        found = []
        for step in steps:
            action, memory = self._policy.advance({group: table[:, step] for group, table in groups.items()}, memory)
            found.append(action)
        return np.stack(found, axis=1)[:, self.rows]

    def _changed(self, group: str, table: np.ndarray, values: Values, base: Values) -> np.ndarray:
        """The input with the terms that are not those of the log."""
        own = [term for term in self._layout.terms.values() if term.group == group and term.name in base]
        moved = [term for term in own if values.get(term.name, base[term.name]) is not base[term.name]]
        if not moved:
            return table
        table, clip = table.copy(), self._layout.description["observations"][group]["clip"]
        for term in moved:
            plain = values[term.name] if term.clip is None else np.clip(values[term.name], *term.clip)
            table[:, term.start : term.start + term.size] = np.clip(plain * term.scale, -clip, clip)
        return table
