"""Which value each owner has in each column, as numbers; and distinct combinations of them."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from laban_collector.decode.columnar.attribute_dictionary import Index, Mask

_MAX_CODE: Final = 1 << 62


class Choice:
    """The number of the value in each slot (column) of each owner; -1 for none.

    Args:
        owners: the number of owners.
        slots: the slot of each value, by number.
        fits: a mask of the values that an owner may have; slots without any take no memory.
    """

    def __init__(self, owners: int, slots: Index, fits: Mask) -> None:
        self.owners = owners
        found = np.flatnonzero(np.bincount(slots[fits])).tolist()
        self._row = {slot: row for row, slot in enumerate(found)}
        self._chosen = np.full((len(found), owners), -1, np.int64)
        self._nothing = np.full(owners, -1, np.int64)
        rows = np.zeros(int(slots.max(initial=0)) + 1, np.int64)
        rows[found] = np.arange(len(found))
        self._first_cell = rows[slots] * owners

    def has(self, slot: int) -> bool:
        """Whether any owner may have a value in this slot."""
        return slot in self._row

    def of(self, slot: int) -> Index:
        """Return the numbers in a slot, one per owner."""
        row = self._row.get(slot)
        return self._nothing if row is None else self._chosen[row]

    def take(self, owner: Index, number: Index) -> None:
        """Let each owner have the value with this number in its slot."""
        self._chosen.reshape(-1)[self._first_cell[number] + owner] = number

    def set(self, slot: int, owner: Index, number: Index) -> None:
        """Set the numbers of some owners in a slot."""
        if slot not in self._row:
            self._row[slot] = len(self._row)
            self._chosen = np.vstack([self._chosen, self._nothing])
        self._chosen[self._row[slot], owner] = number


def distinct(columns: Sequence[Index]) -> tuple[Index, Index]:
    """Return the first position of each distinct combination of values (-1 or more), and which each has."""
    code = np.zeros(len(columns[0]), np.int64)
    size = 1
    for column in columns:
        values = int(column.max(initial=-1)) + 2
        if size * values > _MAX_CODE:
            known, code = np.unique(code, return_inverse=True)
            size = len(known)
        code = code * values + (column + 1)
        size *= values
    _, first, which = np.unique(code, return_index=True, return_inverse=True)
    return first, which
