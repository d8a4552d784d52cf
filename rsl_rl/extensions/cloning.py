"""Behaviour cloning beside PPO: the student acts, one or several teachers tell what they would have done."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

import torch

from rsl_rl.extensions.extension import Batch, Context, Extension, Losses
from rsl_rl.models import Hidden, Observations, Outputs
from rsl_rl.models.teachers import load_teacher
from rsl_rl.utils.errors import RslRlError, near_matches

_PLACE = "algorithm.extensions.cloning"


class Cloning(Extension):
    """Mean of sum (a_teacher - mean)^2 + sum (std - std_teacher)^2; it weighs `coef`, surrogate and entropy the rest.

    A teacher without a standard deviation leaves that of the student alone. Nothing is loaded where `coef` is 0.

    Args:
        context: what it is made for.
        teacher: checkpoint or TorchScript; several: one for each number in the group `select`.
        coef: 0 to 1.
        until: iteration from which it is 0; -1 for none.
        scripted: whether teachers are TorchScript; None to look.
        limit: of the teachers' actions, up and down; None for none.
        clip: whether to keep to it.
        sample: learn from actions drawn from the teachers' distributions, instead of their means.
        drives: the teachers act in the environments.
        several: there may be more than one teacher.
        select: observation group of one number, the teacher's; -1 for none, in states that are then not learned here.
        offset: observation group (A,) that is added to teachers' actions, of robots that do something else with an
            action of 0 than theirs did.
        renamed: group that teachers read -> group that they are given; with `several`, also one such for each teacher.

    Raises:
        RslRlError: a number is out of bounds, or a teacher is missing, damaged or does not fit.
    """

    def __init__(
        self,
        context: Context,
        teacher: Union[str, Sequence[str], None] = None,
        coef: float = 1.0,
        until: int = -1,
        scripted: Optional[bool] = None,
        limit: Optional[float] = None,
        clip: bool = True,
        sample: bool = False,
        drives: bool = False,
        several: bool = False,
        select: str = "teacher_checkpoint_index",
        offset: Optional[str] = None,
        renamed: Union[Mapping[str, str], Sequence[Optional[Mapping[str, str]]], None] = None,
    ) -> None:
        if not (isinstance(coef, (int, float)) and 0.0 <= coef <= 1.0):
            raise RslRlError(f"{_PLACE}.coef is {coef}, expected 0 to 1")
        if limit is not None and not (isinstance(limit, (int, float)) and limit > 0.0):
            raise RslRlError(f"{_PLACE}.limit is {limit}, expected a number above 0, or None")
        self._limit = limit if clip and limit is not None else float("inf")
        self._given, self._until, self._sample, self._drives = coef, until, sample, drives
        self._policy, self._wanted = context.policy, torch.empty(0)
        self._select: Optional[str] = None
        self._highest_index = torch.full((), -1, device=context.device)
        # in a list, as a checkpoint of the student has no need of them
        self._teachers: List[Any] = []
        self.set_progress(0, 0)
        if coef == 0.0:
            return
        paths = [teacher] if isinstance(teacher, str) else list(teacher or ())
        if not paths:
            raise RslRlError(f"{_PLACE}.teacher is not set: give a checkpoint or TorchScript")
        if len(paths) > 1 and not several:
            raise RslRlError(f"{_PLACE}.teacher names {len(paths)} policies; give several=True to learn from all")
        if several:
            self._select, self.groups = select, (select,)
        dims, num_actions = context.policy.observation_dims, len(self._policy.distribution.log_std)
        each_renamed = [renamed] * len(paths) if renamed is None or isinstance(renamed, Mapping) else list(renamed)
        if len(each_renamed) != len(paths):
            raise RslRlError(f"{_PLACE}.renamed is of {len(each_renamed)} teachers, there are {len(paths)}")
        self._offset, self._renamed = offset, [dict(names or {}) for names in each_renamed]
        wanted = [name for names in self._renamed for name in names.values()] + ([offset] if offset else [])
        missing = [name for name in wanted if name not in dims]
        if missing:
            raise RslRlError(f"{_PLACE}: no observations {missing[0]!r}; {near_matches(missing[0], dims)}")
        if offset and tuple(dims[offset]) != (num_actions,):
            raise RslRlError(
                f"{_PLACE}.offset: {offset!r} is of shape {list(dims[offset])}, actions of {[num_actions]}"
            )
        self._teachers = [
            load_teacher(path, _given(dims, names), num_actions, context.device, scripted)
            for path, names in zip(paths, self._renamed)
        ]
        unknown = torch.full((num_actions,), float("nan"), device=context.device)
        self._stds = torch.stack([unknown if each.std is None else each.std for each in self._teachers])
        if sample and bool(self._stds.isnan().any()):
            raise RslRlError(f"{_PLACE}.sample: a teacher has no standard deviation to draw by")

    def set_progress(self, iteration: int, max_iterations: int) -> None:
        """See `Extension.set_progress`.

        Raises:
            RslRlError: a state has named a teacher that there is not.
        """
        highest = int(self._highest_index)  # once an iteration, as it waits for a GPU
        if highest >= len(self._teachers):
            raise RslRlError(
                f"{_PLACE}.select: {self._select!r} names teacher {highest}, there are {len(self._teachers)}, from 0 on"
            )
        self._coef = 0.0 if 0 <= self._until <= iteration else self._given
        self.policy_loss_coef = 1.0 - self._coef

    def initial_hidden(self, num_envs: int) -> Mapping[str, Hidden]:
        """See `Extension.initial_hidden`."""
        memories = {f"teacher_{k}": each.initial_hidden(num_envs) for k, each in enumerate(self._teachers)}
        return {name: hidden for name, hidden in memories.items() if hidden}

    def remember(self, obs: Observations, hidden: Dict[str, Hidden]) -> Mapping[str, Hidden]:
        """See `Extension.remember`; what the teachers say is kept for `labels` and `acting_actions`."""
        after: Dict[str, Hidden] = {}
        if self._coef == 0.0:
            return after
        told = []
        for k, teacher in enumerate(self._teachers):
            actions, states = teacher(_given(obs, self._renamed[k]), hidden.get(f"teacher_{k}", {}))
            told.append(actions.float())
            after.update({f"teacher_{k}": states} if states else {})
        index = self._index(obs)
        wanted = told[0]
        if index is not None:
            self._highest_index = torch.maximum(self._highest_index, index.max())
            wanted = torch.stack(told, 1)[torch.arange(len(index)), index.clamp(0, len(told) - 1)]
        if self._sample:
            wanted = wanted + self._stds_of(index) * torch.randn_like(wanted)
        wanted = wanted.clamp(-self._limit, self._limit)
        if self._offset:
            wanted = (wanted + obs[self._offset]).clamp(-self._limit, self._limit)
        self._wanted = wanted
        return after

    def acting_actions(self, obs: Observations, actions: torch.Tensor) -> torch.Tensor:
        """See `Extension.acting_actions`."""
        if not self._drives or self._coef == 0.0:
            return actions
        index = self._index(obs)
        return self._wanted if index is None else torch.where(index[:, None] < 0, actions, self._wanted)

    def labels(self, obs: Observations) -> Mapping[str, torch.Tensor]:
        """See `Extension.labels`."""
        if not self._teachers:
            return {}
        num_envs = len(next(iter(obs.values())))
        known = len(self._wanted) == num_envs
        return {"teacher_actions": self._wanted if known else self._stds.new_zeros(num_envs, self._stds.shape[1])}

    def losses(self, batch: Batch, outputs: Outputs) -> Losses:
        """See `Extension.losses`."""
        if self._coef == 0.0:
            return {}
        index, std = self._index(batch.observations), self._policy.distribution.std
        wanted = batch.labels["teacher_actions"]
        there = self._stds_of(index)
        spread = (std - torch.where(there.isnan(), std.detach(), there)).square().sum(-1)
        error = (wanted - outputs.mean[: len(wanted)]).square().sum(-1) + spread
        taught = error if index is None else error.where(index >= 0, error.new_zeros(()))
        return {"bc": (self._coef, taught.mean())}

    def _stds_of(self, index: Optional[torch.Tensor]) -> torch.Tensor:
        """Standard deviations of the teacher of each sample, NaN where it has none."""
        return self._stds[0] if index is None else self._stds[index.clamp(0, len(self._stds) - 1)]

    def _index(self, obs: Mapping[str, torch.Tensor]) -> Optional[torch.Tensor]:
        """Which teacher (B,) each sample has; None with one for all."""
        return None if self._select is None else obs[self._select][:, 0].long()


def _given(groups: Mapping[str, Any], renamed: Mapping[str, str]) -> Dict[str, Any]:
    return {**groups, **{theirs: groups[here] for theirs, here in renamed.items()}}
