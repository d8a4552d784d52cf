"""Constraint rows of MuJoCo Warp in an order of their own.

Each thread that makes a row takes the next free place, so on a GPU rows of a world lie in the order in which threads
came, whatever the order of the contacts. MuJoCo Warp 4.0 leaves the function that should order them empty. Here rows
are ordered by kind and by the number of their joint or contact; the rows of one of these lie together from the start.
"""

# mypy: disable-error-code=misc
# (wp.tid() is as many numbers as there are names for)

from __future__ import annotations

from typing import Any

import warp as wp

from legged_gym.sim.warp.contact_order import with_copy


@wp.struct
class _Rows:
    type: wp.array2d[int]
    id: wp.array2d[int]
    pos: wp.array2d[float]
    margin: wp.array2d[float]
    D: wp.array2d[float]
    vel: wp.array2d[float]
    aref: wp.array2d[float]
    frictionloss: wp.array2d[float]
    Jqvel: wp.array2d[float]


@wp.struct
class _SparseRows:
    """Where the numbers of a row lie in the sparse Jacobian, and which rows make up a block of the Hessian."""

    J_rownnz: wp.array2d[int]
    J_rowadr: wp.array2d[int]
    jtdaj_adr: wp.array2d[int]
    jtdaj_nrow: wp.array2d[int]


class RowOrder:
    """Puts the constraint rows of each world in order, between their making and the solver."""

    def __init__(self, model: Any, data: Any, device: Any) -> None:
        """Take memory for as many rows as the data can hold.

        Args:
            model: of MuJoCo Warp.
            data: of MuJoCo Warp.
            device: Warp's.
        """
        self._data, self._device, self._sparse = data, device, model.is_sparse
        with wp.ScopedDevice(device):
            self._rows, self._rows_copy = with_copy(_Rows, data.efc)
            self._moved = wp.zeros((data.nworld, data.njmax), dtype=int)
            if self._sparse:
                self._sparse_rows, self._sparse_copy = with_copy(_SparseRows, data.efc)
            else:
                self._jacobian_copy = wp.empty_like(data.efc.J)

    def sort(self) -> None:
        """Launch the kernels; nothing waits for the device."""
        data, moved = self._data, self._moved
        by_row, counts = (data.nworld, data.njmax), data.nefc
        self._launch(_rank_rows, by_row, [counts, data.efc.type, data.efc.id, moved])
        self._launch(_copy_rows, by_row, [counts, self._rows, self._rows_copy])
        self._launch(_move_rows, by_row, [counts, moved, self._rows_copy, self._rows])
        if self._sparse:
            blocks = data.efc.jtdaj_nblock
            self._launch(_copy_sparse_rows, by_row, [counts, blocks, self._sparse_rows, self._sparse_copy])
            self._launch(_move_sparse_rows, by_row, [counts, blocks, moved, self._sparse_copy, self._sparse_rows])
        else:
            by_number = (*by_row, data.efc.J.shape[2])
            self._launch(_copy_jacobian, by_number, [counts, data.efc.J, self._jacobian_copy])
            self._launch(_move_jacobian, by_number, [counts, moved, self._jacobian_copy, data.efc.J])
        contact, joint = data.contact, data.dof_frictionadr
        self._launch(
            _move_addresses, contact.efc_address.shape, [data.nacon, contact.worldid, moved, contact.efc_address]
        )
        self._launch(_move_joint_addresses, joint.shape, [moved, joint])

    def _launch(self, kernel: Any, dim: Any, arguments: Any) -> None:
        wp.launch(kernel, dim, arguments, device=self._device)


@wp.kernel
def _rank_rows(counts: wp.array[int], types: wp.array2d[int], ids: wp.array2d[int], moved: wp.array2d[int]) -> None:
    world, row = wp.tid()
    count = wp.min(counts[world], types.shape[1])
    if row >= count:
        return
    kind, number = types[world, row], ids[world, row]
    place = int(0)  # noqa: RUF046, UP018  else a constant to Warp
    for other in range(count):
        if types[world, other] != kind:
            place += wp.where(types[world, other] < kind, 1, 0)
        elif ids[world, other] != number:
            place += wp.where(ids[world, other] < number, 1, 0)
        else:
            place += wp.where(other < row, 1, 0)
    moved[world, row] = place


@wp.func
def _set_row(target: _Rows, world: int, to: int, source: _Rows, row: int) -> None:
    target.type[world, to] = source.type[world, row]
    target.id[world, to] = source.id[world, row]
    target.pos[world, to] = source.pos[world, row]
    target.margin[world, to] = source.margin[world, row]
    target.D[world, to] = source.D[world, row]
    target.vel[world, to] = source.vel[world, row]
    target.aref[world, to] = source.aref[world, row]
    target.frictionloss[world, to] = source.frictionloss[world, row]
    target.Jqvel[world, to] = source.Jqvel[world, row]


@wp.kernel
def _copy_rows(counts: wp.array[int], source: _Rows, target: _Rows) -> None:
    world, row = wp.tid()
    if row < counts[world]:
        _set_row(target, world, row, source, row)


@wp.kernel
def _move_rows(counts: wp.array[int], moved: wp.array2d[int], source: _Rows, target: _Rows) -> None:
    world, row = wp.tid()
    if row < counts[world]:
        _set_row(target, world, moved[world, row], source, row)


@wp.kernel
def _copy_jacobian(counts: wp.array[int], source: wp.array3d[float], target: wp.array3d[float]) -> None:
    world, row, column = wp.tid()
    if row < counts[world]:
        target[world, row, column] = source[world, row, column]


@wp.kernel
def _move_jacobian(
    counts: wp.array[int], moved: wp.array2d[int], source: wp.array3d[float], target: wp.array3d[float]
) -> None:
    world, row, column = wp.tid()
    if row < counts[world]:
        target[world, moved[world, row], column] = source[world, row, column]


@wp.kernel
def _copy_sparse_rows(counts: wp.array[int], blocks: wp.array[int], source: _SparseRows, target: _SparseRows) -> None:
    world, row = wp.tid()
    if row < counts[world]:
        target.J_rownnz[world, row] = source.J_rownnz[world, row]
        target.J_rowadr[world, row] = source.J_rowadr[world, row]
    if row < blocks[world]:
        target.jtdaj_adr[world, row] = source.jtdaj_adr[world, row]
        target.jtdaj_nrow[world, row] = source.jtdaj_nrow[world, row]


@wp.kernel
def _move_sparse_rows(
    counts: wp.array[int], blocks: wp.array[int], moved: wp.array2d[int], source: _SparseRows, target: _SparseRows
) -> None:
    world, row = wp.tid()
    if row < counts[world]:
        target.J_rownnz[world, moved[world, row]] = source.J_rownnz[world, row]
        target.J_rowadr[world, moved[world, row]] = source.J_rowadr[world, row]
    if row < blocks[world]:
        # blocks follow the order of their first rows
        head = moved[world, source.jtdaj_adr[world, row]]
        place = int(0)  # noqa: RUF046, UP018  else a constant to Warp
        for other in range(blocks[world]):
            if moved[world, source.jtdaj_adr[world, other]] < head:
                place += 1
        target.jtdaj_adr[world, place] = head
        target.jtdaj_nrow[world, place] = source.jtdaj_nrow[world, row]


@wp.kernel
def _move_addresses(
    total: wp.array[int], worlds: wp.array[int], moved: wp.array2d[int], addresses: wp.array2d[int]
) -> None:
    contact, row = wp.tid()
    if contact < total[0] and addresses[contact, row] >= 0:
        addresses[contact, row] = moved[worlds[contact], addresses[contact, row]]


@wp.kernel
def _move_joint_addresses(moved: wp.array2d[int], addresses: wp.array2d[int]) -> None:
    world, joint = wp.tid()
    if addresses[world, joint] >= 0:
        addresses[world, joint] = moved[world, addresses[world, joint]]
