"""Columnar promotion: the rules of `laban_collector.decode.promotion`, applied to distinct attributes."""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: pyright does not know its tables in signatures, nor its kernels, created at import.

from collections.abc import Sequence
from itertools import chain
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from laban.vocabulary import PROMOTED
from laban_collector.decode.columnar.attribute_dictionary import Attributes, Index, Mask
from laban_collector.decode.columnar.candidates import (
    NUMBERS,
    RANKS,
    SLOT,
    VARIES,
    Candidates,
)
from laban_collector.decode.columnar.choice import Choice
from laban_collector.decode.columnar.completion import (
    complete_destinations,
    complete_methods,
    complete_operations,
    complete_peers,
)
from laban_collector.decode.dialects.placements import NO_RANK

_SLOT_OF: Final = {promoted.keys[0]: slot for slot, promoted in enumerate(PROMOTED)}
_RESTORED: Final = {slot: NUMBERS[promoted.keys[0]][0] for slot, promoted in enumerate(PROMOTED)}
"""By column, the placement that it restores."""
_NO_LOSS: Final = np.uint8(0)
_LOSS: Final = np.uint8(1)
_ON_SOME_KINDS: Final = np.uint8(2)


class PromotedColumns(NamedTuple):
    """The promoted columns, and the attributes that remain.

    Attributes:
        columns: by name, one value per owner.
        remaining: a mask of the attributes that remain, because no column alone gives them back.
        texts: the values of text columns, by number.
        choice: the number of the value in each column of each owner.
    """

    columns: dict[str, pa.Array]
    remaining: Mask
    texts: pa.StringArray
    choice: Choice

    def entries(self, key: str) -> Index:
        """Return, for each owner, the number of its value in the column of this key; -1 for none."""
        return self.choice.of(_SLOT_OF[key])


def promote(attributes: Attributes, kinds: NDArray[np.uint8], names: pa.StringArray) -> PromotedColumns:
    """Promote the attributes of spans with these kinds and names."""
    candidates = Candidates(attributes.dictionary)
    choice = _choose(attributes, candidates, kinds)
    complete_peers(choice, candidates, kinds)
    changed = (
        complete_methods(choice, candidates),
        complete_destinations(choice, candidates, kinds),
        complete_operations(choice, candidates, kinds, names),
    )
    remaining = _remaining(attributes, candidates, kinds)
    for slot, owners in chain.from_iterable(it.items() for it in changed):
        _keep_restored_attribute(remaining, attributes, candidates, slot, owners)
    return PromotedColumns(_columns(choice, candidates), remaining, candidates.texts(), choice)


def _choose(attributes: Attributes, candidates: Candidates, kinds: NDArray[np.uint8]) -> Choice:
    """Choose, for each slot and owner, the candidate that fits and has the lowest rank."""
    placement, fits = candidates.placement, candidates.fits
    varies, ranks = VARIES[placement], RANKS[placement, 0]
    choice = Choice(attributes.owners, SLOT[placement], fits)
    steady = fits & ~varies
    for worst in np.flatnonzero(np.bincount(ranks[steady]))[::-1].tolist():
        choice.take(*candidates.of(attributes, steady & (ranks == worst)))
    if varies.any():
        owner, candidate = candidates.of(attributes, fits & varies)
        rank = RANKS[placement[candidate], kinds[owner]]
        for worst in np.flatnonzero(np.bincount(rank - NO_RANK)[1:])[::-1].tolist():
            at = np.flatnonzero(rank == worst)
            choice.take(owner[at], candidate[at])
    return choice


def _remaining(attributes: Attributes, candidates: Candidates, kinds: NDArray[np.uint8]) -> Mask:
    """Return a mask of the attributes that no column gives back, before rules about several attributes."""
    placement = candidates.placement[: len(candidates.lossless)]
    loss = np.where(VARIES[placement], _ON_SOME_KINDS, _NO_LOSS)
    loss[~candidates.lossless] = _LOSS
    losses = loss[attributes.entry]
    remaining: Mask = losses == _LOSS
    varying = np.flatnonzero(losses == _ON_SOME_KINDS)
    if len(varying):
        kind = kinds[attributes.owner[varying]]
        remaining[varying] = RANKS[placement[attributes.entry[varying]], kind] == NO_RANK
    return remaining


def _keep_restored_attribute(
    remaining: Mask, attributes: Attributes, candidates: Candidates, slot: int, owners: Index
) -> None:
    """Keep the attribute that a column restores, if the column has another value."""
    of_column = candidates.placement[: len(candidates.lossless)] == _RESTORED.get(slot)
    if of_column.any():
        changed = np.zeros(attributes.owners, np.bool_)
        changed[owners] = True
        remaining |= of_column[attributes.entry] & changed[attributes.owner]


def _columns(choice: Choice, candidates: Candidates) -> dict[str, pa.Array]:
    """Take the values of all columns of a type at once: one Arrow call costs as much as a hundred values."""
    columns: dict[str, pa.Array] = {}
    for kind, values in (("text", candidates.texts()), ("integer", candidates.integers())):
        slots = [slot for slot, promoted in enumerate(PROMOTED) if promoted.type == kind]
        columns |= _taken(values, choice, slots)
    return columns


def _taken(values: pa.Array, choice: Choice, slots: Sequence[int]) -> dict[str, pa.Array]:
    filled = [slot for slot in slots if choice.has(slot)]
    nothing = pa.nulls(choice.owners, values.type)
    columns = {PROMOTED[slot].column: nothing for slot in slots}
    if filled:
        rows = np.concatenate([choice.of(slot) for slot in filled])
        taken = values.take(pa.array(rows, mask=rows < 0))
        for number, slot in enumerate(filled):
            columns[PROMOTED[slot].column] = taken.slice(number * choice.owners, choice.owners)
    return columns
