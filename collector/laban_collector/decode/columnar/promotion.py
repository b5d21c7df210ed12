"""Columnar promotion: the rules of `laban_collector.decode.promotion`, applied to distinct attributes."""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: pyright does not know its tables in signatures, nor its kernels, created at import.

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from laban.vocabulary import PROMOTED
from laban_collector.decode.columnar.attribute_dictionary import (
    AttributeDictionary,
    Attributes,
    Index,
    Mask,
    as_numpy,
    replace,
)
from laban_collector.decode.promotion import (
    DESTINATION_COLUMN,
    INTEGERS_AS_TEXT,
    OPERATION_COLUMN,
    convert,
    is_lossless,
    normalize_operation,
)

_KINDS: Final = 6
_NO_PLACE: Final = (-1, 0)
_PLACES: Final = {
    key: (column, rank) for column, promoted in enumerate(PROMOTED) for rank, key in enumerate(promoted.keys)
}
"""The column of each key, and the rank of the spelling; the lowest wins."""
_COLUMNS: Final = [promoted.column for promoted in PROMOTED]
_OPERATION: Final = _COLUMNS.index(OPERATION_COLUMN)
_DESTINATION: Final = _COLUMNS.index(DESTINATION_COLUMN)
_TEXTS: Final = [column for column, promoted in enumerate(PROMOTED) if promoted.type == "text"]
_INTEGERS: Final = [column for column, promoted in enumerate(PROMOTED) if promoted.type == "integer"]
# The last item is for column -1 (none).
_HOLDS_TEXT: Final = np.array([*(promoted.type == "text" for promoted in PROMOTED), False])
_AS_TEXT: Final = np.array([*(promoted.keys[0] in INTEGERS_AS_TEXT for promoted in PROMOTED), False])


class PromotedColumns(NamedTuple):
    """The promoted columns, and the attributes that remain.

    Attributes:
        columns: by name, one value per owner.
        remaining: a mask of the attributes that remain, because no column alone gives them back.
        texts: of each dictionary entry, its value in a text column.
        chosen: for each column (in the order of PROMOTED) and owner, the dictionary entry; -1 for none.
    """

    columns: dict[str, pa.Array]
    remaining: Mask
    texts: pa.StringArray
    chosen: NDArray[np.int64]

    def entries(self, key: str) -> Index:
        """Return, for each owner, the dictionary entry in the column of this key; -1 for none."""
        column: Index = self.chosen[_PLACES[key][0]]
        return column


def promote(attributes: Attributes, kinds: NDArray[np.uint8]) -> PromotedColumns:
    """Promote the attributes of spans with these kinds."""
    converted = _convert(attributes.dictionary)
    chosen = _choose(attributes, converted)
    columns = _taken(converted.texts, chosen, _TEXTS) | _taken(converted.integers, chosen, _INTEGERS)
    normalized = _normalize(converted.texts, chosen[_OPERATION], kinds, chosen[_DESTINATION] >= 0)
    columns[OPERATION_COLUMN] = normalized.operations
    remaining = ~converted.lossless[attributes.entry]
    remaining |= (
        attributes.dictionary.with_key(PROMOTED[_OPERATION].keys[0])[attributes.entry]
        & normalized.changed[attributes.owner]
    )
    return PromotedColumns(columns, remaining, converted.texts, chosen)


class _ConvertedEntries(NamedTuple):
    """Dictionary entries, converted to the types of their columns.

    Attributes:
        column: the position in PROMOTED, -1 for none.
        rank: the rank of the spelling of its key; the lowest wins.
        fits: a mask of the entries that fit their column.
        texts: the values for text columns.
        integers: the values for integer columns.
        lossless: a mask of the entries that their column alone gives back as sent.
    """

    column: Index
    rank: Index
    fits: Mask
    texts: pa.StringArray
    integers: pa.Int64Array
    lossless: Mask


def _convert(entries: AttributeDictionary) -> _ConvertedEntries:
    """Convert entries. Most values have the type of the column; others are converted one by one."""
    places = np.array([_PLACES.get(name, _NO_PLACE) for name in entries.names], np.int64).reshape(-1, 2)
    column, rank = places[entries.key, 0], places[entries.key, 1]
    texts, integers = entries.text, entries.integer
    is_text = as_numpy(pc.fill_null(pc.not_equal(texts, ""), fill_value=False))
    fits = (column >= 0) & np.where(_HOLDS_TEXT[column], is_text, ~_is_null(integers))
    lossless = fits & (rank == 0) & ~_AS_TEXT[column]
    converted = {
        entry: value
        for entry in np.flatnonzero((column >= 0) & ~fits).tolist()
        if (value := convert(entries.value(entry), PROMOTED[column[entry]])) is not None
    }
    for entry, value in converted.items():
        fits[entry] = True
        key = PROMOTED[column[entry]].keys[0]
        lossless[entry] = rank[entry] == 0 and is_lossless(value, key, entries.value(entry))
    texts = replace(texts, {entry: value for entry, value in converted.items() if isinstance(value, str)})
    integers = replace(
        integers, {entry: value for entry, value in converted.items() if isinstance(value, int)}
    )
    return _ConvertedEntries(column, rank, fits, texts, integers, lossless)


def _choose(attributes: Attributes, converted: _ConvertedEntries) -> NDArray[np.int64]:
    """Return, for each column and owner, the dictionary entry whose value it takes; -1 for none."""
    chosen = np.full(len(PROMOTED) * attributes.owners, -1, np.int64)
    fitting = np.flatnonzero(converted.fits[attributes.entry])
    entry = attributes.entry[fitting]
    cell = converted.column[entry] * attributes.owners + attributes.owner[fitting]
    rank = converted.rank[entry]
    for worst in sorted(set(converted.rank[converted.fits].tolist()), reverse=True):
        at = rank == worst
        chosen[cell[at]] = entry[at]
    return chosen.reshape(len(PROMOTED), attributes.owners)


def _taken(values: pa.Array, chosen: NDArray[np.int64], columns: Sequence[int]) -> dict[str, pa.Array]:
    """Take the values of all these columns at once: one Arrow call costs as much as a hundred values."""
    rows = chosen[columns].ravel()
    taken = values.take(pa.array(rows, mask=rows < 0))
    owners = chosen.shape[1]
    return {
        PROMOTED[column].column: taken.slice(number * owners, owners) for number, column in enumerate(columns)
    }


class _NormalizedOperations(NamedTuple):
    """Messaging operations in the terms of the current conventions.

    Attributes:
        operations: one per owner.
        changed: a mask of the owners that sent another operation, or none.
    """

    operations: pa.StringArray
    changed: Mask


def _normalize(
    texts: pa.StringArray, sent: Index, kinds: NDArray[np.uint8], messaging: Mask
) -> _NormalizedOperations:
    """Normalize each distinct combination once; there are few. `sent` are the dictionary entries."""
    entries = np.unique(sent[sent >= 0])
    operations = [None, *texts.take(pa.array(entries)).to_pylist()]
    combined = (np.searchsorted(entries, sent, side="right") * _KINDS + kinds) * 2 + messaging
    normalized: list[str | None] = [None] * (len(operations) * _KINDS * 2)
    changed = np.zeros(len(normalized), np.bool_)
    for code in np.flatnonzero(np.bincount(combined)).tolist():
        operation = operations[code // (2 * _KINDS)]
        normalized[code] = normalize_operation(operation, code // 2 % _KINDS, messaging=bool(code % 2))
        changed[code] = normalized[code] != operation
    return _NormalizedOperations(
        pa.array(normalized, pa.string()).take(pa.array(combined)), changed[combined]
    )


def _is_null(array: pa.Array) -> Mask:
    return as_numpy(array.is_null())
