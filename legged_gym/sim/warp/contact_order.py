"""Contacts of MuJoCo Warp in an order of their own.

On a GPU they come in the order in which threads found them. What is computed from them depends on that order in the
last digits, and so does, a second later, where a robot stands. MuJoCo Warp 4.0 has a switch for it, but the function
behind it is empty. Here contacts are ordered by environment, then by shapes and by their number within the pair.
"""

from __future__ import annotations

from typing import Any, Tuple

import warp as wp

_vec5 = wp.types.vector(length=5, dtype=float)


@wp.struct
class _Contacts:
    dist: wp.array[float]
    pos: wp.array[wp.vec3]
    frame: wp.array[wp.mat33]
    includemargin: wp.array[float]
    friction: wp.array[_vec5]
    solref: wp.array[wp.vec2]
    solreffriction: wp.array[wp.vec2]
    solimp: wp.array[_vec5]
    dim: wp.array[int]
    geom: wp.array[wp.vec2i]
    worldid: wp.array[int]
    type: wp.array[int]
    geomcollisionid: wp.array[int]
    adhesion: wp.array[float]
    surfacevel: wp.array[wp.vec3]


def with_copy(kind: Any, source: Any) -> Tuple[Any, Any]:
    """A Warp struct of the engine's arrays of those names, and one of as much memory of our own."""
    own, copy = kind(), kind()
    for name in kind.vars:
        setattr(own, name, getattr(source, name))
        setattr(copy, name, wp.empty_like(getattr(source, name)))
    return own, copy


class ContactOrder:
    """Puts the contacts of all worlds in order, between collision and constraints."""

    def __init__(self, data: Any, device: Any) -> None:
        """Take memory for as many contacts as the data can hold.

        Args:
            data: of MuJoCo Warp.
            device: Warp's.
        """
        size, worlds = data.naconmax, data.nworld
        with wp.ScopedDevice(device):
            self._contacts, self._copy = with_copy(_Contacts, data.contact)
            self._total, self._counts, self._first = (
                data.nacon,
                wp.zeros(worlds, dtype=int),
                wp.zeros(worlds, dtype=int),
            )
            self._slots, self._members, self._order = (wp.zeros(size, dtype=int) for _ in range(3))
            self._as_found = wp.array(range(size), dtype=int)

    def sort(self) -> None:
        """Launch the kernels; nothing waits for the device."""
        device, size, contacts = self._total.device, self._order.shape[0], self._contacts
        self._counts.zero_()
        inputs = [self._total, contacts.worldid]
        wp.launch(_count_contacts, size, inputs, [self._counts, self._slots], device=device)
        wp.utils.array_scan(self._counts, self._first, inclusive=False)
        inputs = [self._total, contacts.worldid, self._first, self._slots]
        wp.launch(_fill_worlds, size, inputs, [self._members], device=device)
        inputs = [self._total, contacts, self._first, self._counts, self._members]
        wp.launch(_rank_contacts, size, inputs, [self._order], device=device)
        for source, order, target in (contacts, self._as_found, self._copy), (self._copy, self._order, contacts):
            wp.launch(_take_contacts, size, [self._total, source, order], [target], device=device)


@wp.kernel
def _count_contacts(total: wp.array[int], worlds: wp.array[int], counts: wp.array[int], slots: wp.array[int]) -> None:
    contact = wp.tid()
    if contact < total[0]:
        slots[contact] = wp.atomic_add(counts, worlds[contact], 1)


@wp.kernel
def _fill_worlds(
    total: wp.array[int], worlds: wp.array[int], first: wp.array[int], slots: wp.array[int], members: wp.array[int]
) -> None:
    contact = wp.tid()
    if contact < total[0]:
        members[first[worlds[contact]] + slots[contact]] = contact


@wp.func
def _precedes(contacts: _Contacts, one: int, two: int) -> bool:
    """Whether one contact of a world goes before another; a pair of shapes numbers its contacts by itself."""
    for side in range(2):
        if contacts.geom[one][side] != contacts.geom[two][side]:
            return contacts.geom[one][side] < contacts.geom[two][side]
    if contacts.geomcollisionid[one] != contacts.geomcollisionid[two]:
        return contacts.geomcollisionid[one] < contacts.geomcollisionid[two]
    for axis in range(3):
        if contacts.pos[one][axis] != contacts.pos[two][axis]:
            return contacts.pos[one][axis] < contacts.pos[two][axis]
    return one < two


@wp.kernel
def _rank_contacts(
    total: wp.array[int],
    contacts: _Contacts,
    first: wp.array[int],
    counts: wp.array[int],
    members: wp.array[int],
    order: wp.array[int],
) -> None:
    contact = wp.tid()
    if contact >= total[0]:
        return
    world = contacts.worldid[contact]
    place = first[world]
    for member in range(first[world], first[world] + counts[world]):
        other = members[member]
        if other != contact and _precedes(contacts, other, contact):
            place += 1
    order[place] = contact


@wp.kernel
def _take_contacts(total: wp.array[int], source: _Contacts, order: wp.array[int], target: _Contacts) -> None:
    contact = wp.tid()
    if contact >= total[0]:
        return
    taken = order[contact]
    target.dist[contact] = source.dist[taken]
    target.pos[contact] = source.pos[taken]
    target.frame[contact] = source.frame[taken]
    target.includemargin[contact] = source.includemargin[taken]
    target.friction[contact] = source.friction[taken]
    target.solref[contact] = source.solref[taken]
    target.solreffriction[contact] = source.solreffriction[taken]
    target.solimp[contact] = source.solimp[taken]
    target.dim[contact] = source.dim[taken]
    target.geom[contact] = source.geom[taken]
    target.worldid[contact] = source.worldid[taken]
    target.type[contact] = source.type[taken]
    target.geomcollisionid[contact] = source.geomcollisionid[taken]
    target.adhesion[contact] = source.adhesion[taken]
    target.surfacevel[contact] = source.surfacevel[taken]
