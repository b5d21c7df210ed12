"""Promoted columns, as `laban_collector.decode.promotion` defines them, by distinct attribute."""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: its arrays are unknown to pyright wherever they are passed, and its kernels are made
# when it is imported.

from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from laban.vocabulary import PROMOTED, Promoted
from laban_collector.decode.columnar.pairs import (
    Attributes,
    Index,
    Mask,
    Pairs,
    as_numpy,
    pair_of_owner,
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


class PromotedColumns(NamedTuple):
    """What has a column of its own, and what has not.

    Attributes:
        columns: by name, one value an owner.
        remaining: of each attribute whether it remains, for no column alone gives it back.
    """

    columns: dict[str, pa.Array]
    remaining: Mask


def promote(attributes: Attributes, kinds: NDArray[np.uint8]) -> PromotedColumns:
    """The promoted columns of spans with these kinds."""
    columns: dict[str, pa.Array] = {}
    told = np.zeros(len(attributes.pairs), np.bool_)
    for promoted in PROMOTED:
        columns[promoted.column], tell = _column(promoted, attributes)
        told |= tell
    remaining = ~told[attributes.pair]
    sent = columns[OPERATION_COLUMN]
    settled = _settle(sent, kinds, ~_is_null(columns[DESTINATION_COLUMN]))
    columns[OPERATION_COLUMN] = settled
    changed = ~as_numpy(pc.fill_null(pc.equal(sent, settled), fill_value=False))
    remaining |= _operation_names(attributes.pairs)[attributes.pair] & changed[attributes.owner]
    return PromotedColumns(columns, remaining)


class _Fitted(NamedTuple):
    """Distinct attributes as values of one column.

    Attributes:
        values: of the column's type, null where they do not fit it.
        tells: those that the column gives back as they were sent, if they have its first key.
    """

    values: pa.Array
    tells: Mask


def _column(promoted: Promoted, attributes: Attributes) -> tuple[pa.Array, Mask]:
    """The column, and the pairs that it tells."""
    pairs = attributes.pairs
    named = [pairs.named(key) for key in promoted.keys]
    if not any(mask.any() for mask in named):
        kind = pa.string() if promoted.type == "text" else pa.int64()
        return pa.nulls(attributes.owners, kind), np.zeros(len(pairs), np.bool_)
    fitted = _fit(promoted, pairs, np.logical_or.reduce(named))
    fits = ~_is_null(fitted.values)
    chosen = pair_of_owner(attributes, [mask & fits for mask in named])
    return fitted.values.take(pa.array(chosen, mask=chosen < 0)), fitted.tells & named[0]


def _fit(promoted: Promoted, pairs: Pairs, named: Mask) -> _Fitted:
    """Values of the column's own type fit as they are; the others, which are rare, are fitted one by one."""
    sent = pairs.text if promoted.type == "text" else pairs.integer
    regular = ~_is_null(sent)
    if promoted.type == "text":
        regular &= as_numpy(pc.fill_null(pc.not_equal(sent, ""), fill_value=False))
    as_text = promoted.keys[0] in INTEGERS_AS_TEXT
    told = np.zeros_like(named) if as_text else named & regular
    odd = np.flatnonzero(named & ~regular)
    values = pc.if_else(pa.array(regular), sent, pa.scalar(None, sent.type))
    fitted = {pair: fit(pairs.value(pair), promoted) for pair in odd.tolist()}
    for pair, column in fitted.items():
        told[pair] = column is not None and tells(column, promoted.keys[0], pairs.value(pair))
    values = replace(values, fitted)
    return _Fitted(values, told)


def _settle(sent: pa.StringArray, kinds: NDArray[np.uint8], messaging: Mask) -> pa.StringArray:
    """The operations in current terms: settled once for each combination that occurs, which are few."""
    encoded = sent.dictionary_encode()
    operations = [*encoded.dictionary.to_pylist(), None]
    codes: Index = as_numpy(encoded.indices.fill_null(len(operations) - 1)).astype(np.int64)
    combined = (codes * _KINDS + kinds) * 2 + messaging
    distinct, which = np.unique(combined, return_inverse=True)
    settled = [
        settle_operation(operations[code // (2 * _KINDS)], code // 2 % _KINDS, messaging=bool(code % 2))
        for code in distinct.tolist()
    ]
    return pa.array(settled, pa.string()).take(pa.array(which))


def _operation_names(pairs: Pairs) -> Mask:
    [operation] = [promoted for promoted in PROMOTED if promoted.column == OPERATION_COLUMN]
    return pairs.named(operation.keys[0])


def _is_null(array: pa.Array) -> Mask:
    return as_numpy(array.is_null())
