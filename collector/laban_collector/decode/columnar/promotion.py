"""Promoted columns, as `laban_collector.decode.promotion` defines them, by distinct attribute."""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: its arrays are unknown to pyright wherever they are passed, and its kernels are made
# when it is imported.

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from laban.vocabulary import PROMOTED
from laban_collector.decode.columnar.attribute_dictionary import (
    Attributes,
    Index,
    Mask,
    Pairs,
    as_numpy,
    replace,
)
from laban_collector.decode.promotion import (
    DESTINATION_COLUMN,
    INTEGERS_AS_TEXT,
    OPERATION_COLUMN,
    fit,
    settle_operation,
    tells,
)

_KINDS: Final = 6
_NOWHERE: Final = (-1, 0)
_PLACES: Final = {
    key: (column, rank) for column, promoted in enumerate(PROMOTED) for rank, key in enumerate(promoted.keys)
}
"""Of each key its column, and how good a spelling it is."""
_COLUMNS: Final = [promoted.column for promoted in PROMOTED]
_OPERATION: Final = _COLUMNS.index(OPERATION_COLUMN)
_DESTINATION: Final = _COLUMNS.index(DESTINATION_COLUMN)
_TEXTS: Final = [column for column, promoted in enumerate(PROMOTED) if promoted.type == "text"]
_INTEGERS: Final = [column for column, promoted in enumerate(PROMOTED) if promoted.type == "integer"]
# With one place more, for the column -1.
_HOLDS_TEXT: Final = np.array([*(promoted.type == "text" for promoted in PROMOTED), False])
_AS_TEXT: Final = np.array([*(promoted.keys[0] in INTEGERS_AS_TEXT for promoted in PROMOTED), False])


class PromotedColumns(NamedTuple):
    """What has a column of its own, and what has not.

    Attributes:
        columns: by name, one value an owner.
        remaining: of each attribute whether it remains, for no column alone gives it back.
        texts: of each distinct attribute what a column of texts holds of it.
        chosen: of each column (as in PROMOTED) and each owner the distinct attribute there, -1 for none.
    """

    columns: dict[str, pa.Array]
    remaining: Mask
    texts: pa.StringArray
    chosen: NDArray[np.int64]

    def pairs(self, key: str) -> Index:
        """Of each owner the distinct attribute that its column for this key is from, -1 for none."""
        column: Index = self.chosen[_PLACES[key][0]]
        return column


def promote(attributes: Attributes, kinds: NDArray[np.uint8]) -> PromotedColumns:
    """The promoted columns of spans with these kinds."""
    fitted = _fit(attributes.pairs)
    chosen = _choose(attributes, fitted)
    columns = _taken(fitted.texts, chosen, _TEXTS) | _taken(fitted.integers, chosen, _INTEGERS)
    settled = _settle(fitted.texts, chosen[_OPERATION], kinds, chosen[_DESTINATION] >= 0)
    columns[OPERATION_COLUMN] = settled.operations
    remaining = ~fitted.tells[attributes.pair]
    remaining |= (
        attributes.pairs.named(PROMOTED[_OPERATION].keys[0])[attributes.pair]
        & settled.changed[attributes.owner]
    )
    return PromotedColumns(columns, remaining, fitted.texts, chosen)


class _Fitted(NamedTuple):
    """Distinct attributes as values of their columns.

    Attributes:
        column: the position in PROMOTED, -1 for none.
        rank: of the spelling of its key; the lowest wins.
        fits: those that fit their column.
        texts: values of those whose column holds texts.
        integers: values of those whose column holds integers.
        tells: those that their column alone gives back as they were sent.
    """

    column: Index
    rank: Index
    fits: Mask
    texts: pa.StringArray
    integers: pa.Int64Array
    tells: Mask


def _fit(pairs: Pairs) -> _Fitted:
    """Values of the column's own type fit as they are; the others, which are rare, are fitted one by one."""
    places = np.array([_PLACES.get(name, _NOWHERE) for name in pairs.names], np.int64).reshape(-1, 2)
    column, rank = places[pairs.key, 0], places[pairs.key, 1]
    texts, integers = pairs.text, pairs.integer
    is_text = as_numpy(pc.fill_null(pc.not_equal(texts, ""), fill_value=False))
    fits = (column >= 0) & np.where(_HOLDS_TEXT[column], is_text, ~_is_null(integers))
    tells_ = fits & (rank == 0) & ~_AS_TEXT[column]
    odd = {
        pair: value
        for pair in np.flatnonzero((column >= 0) & ~fits).tolist()
        if (value := fit(pairs.value(pair), PROMOTED[column[pair]])) is not None
    }
    for pair, value in odd.items():
        fits[pair] = True
        tells_[pair] = rank[pair] == 0 and tells(value, PROMOTED[column[pair]].keys[0], pairs.value(pair))
    texts = replace(texts, {pair: value for pair, value in odd.items() if isinstance(value, str)})
    integers = replace(integers, {pair: value for pair, value in odd.items() if isinstance(value, int)})
    return _Fitted(column, rank, fits, texts, integers, tells_)


def _choose(attributes: Attributes, fitted: _Fitted) -> NDArray[np.int64]:
    """Of each column and each owner the pair whose value it takes, -1 for none."""
    chosen = np.full(len(PROMOTED) * attributes.owners, -1, np.int64)
    fitting = np.flatnonzero(fitted.fits[attributes.pair])
    pair = attributes.pair[fitting]
    cell = fitted.column[pair] * attributes.owners + attributes.owner[fitting]
    rank = fitted.rank[pair]
    for worst in sorted(set(fitted.rank[fitted.fits].tolist()), reverse=True):
        at = rank == worst
        chosen[cell[at]] = pair[at]
    return chosen.reshape(len(PROMOTED), attributes.owners)


def _taken(values: pa.Array, chosen: NDArray[np.int64], columns: Sequence[int]) -> dict[str, pa.Array]:
    """These columns, taken from the values in one go: a call of Arrow costs as much as a hundred."""
    rows = chosen[columns].ravel()
    taken = values.take(pa.array(rows, mask=rows < 0))
    owners = chosen.shape[1]
    return {
        PROMOTED[column].column: taken.slice(number * owners, owners) for number, column in enumerate(columns)
    }


class _Settled(NamedTuple):
    """Operations in current terms.

    Attributes:
        operations: one an owner.
        changed: the owners that sent another one, or none.
    """

    operations: pa.StringArray
    changed: Mask


def _settle(texts: pa.StringArray, sent: Index, kinds: NDArray[np.uint8], messaging: Mask) -> _Settled:
    """Settle each combination that occurs once, which are few; `sent` are the pairs with the operations."""
    pairs = np.unique(sent[sent >= 0])
    operations = [None, *texts.take(pa.array(pairs)).to_pylist()]
    combined = (np.searchsorted(pairs, sent, side="right") * _KINDS + kinds) * 2 + messaging
    settled: list[str | None] = [None] * (len(operations) * _KINDS * 2)
    changed = np.zeros(len(settled), np.bool_)
    for code in np.flatnonzero(np.bincount(combined)).tolist():
        operation = operations[code // (2 * _KINDS)]
        settled[code] = settle_operation(operation, code // 2 % _KINDS, messaging=bool(code % 2))
        changed[code] = settled[code] != operation
    return _Settled(pa.array(settled, pa.string()).take(pa.array(combined)), changed[combined])


def _is_null(array: pa.Array) -> Mask:
    return as_numpy(array.is_null())
