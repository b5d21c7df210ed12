"""Which attributes get a column of their own, in whatever dialect they come."""

import re
from collections.abc import Mapping
from typing import Final

from laban.vocabulary import (
    MESSAGING_DESTINATION_NAME,
    MESSAGING_DESTINATION_PARTITION_ID,
    MESSAGING_OPERATION_TYPE,
    OPERATION_DIALECTS,
    PROMOTED,
    Promoted,
)
from laban_collector.decode.attributes import Value

PRODUCER: Final = 4
CONSUMER: Final = 5
"""OTLP SpanKind."""

_INTEGER: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_INT64: Final = range(-(2**63), 2**63)
INTEGERS_AS_TEXT: Final = frozenset({MESSAGING_DESTINATION_PARTITION_ID})
"""Numbers that the conventions write as text; the other integer columns are numbers on the wire too."""
_BY_KEY: Final = {key: (promoted, rank) for promoted in PROMOTED for rank, key in enumerate(promoted.keys)}
_KEYS: Final = {promoted.column: promoted.keys[0] for promoted in PROMOTED}
OPERATION_COLUMN: Final = _BY_KEY[MESSAGING_OPERATION_TYPE][0].column
DESTINATION_COLUMN: Final = _BY_KEY[MESSAGING_DESTINATION_NAME][0].column

Columns = dict[str, str | int]


def promote(attributes: Mapping[str, Value], kind: int) -> tuple[Columns, Mapping[str, Value]]:
    """What has a column, by column, and the attributes that remain.

    Of several spellings the first that fits its column wins. Nothing that was sent is lost: an attribute
    does not remain only if the column alone gives back the same key and the same value, so dialects, values
    that had to be converted and values that do not fit remain.

    Args:
        attributes: of one span, by key.
        kind: the OTLP SpanKind, which is trusted over the messaging operation.
    """
    columns: Columns = {}
    ranks: dict[str, int] = {}
    for key, value in attributes.items():
        entry = _BY_KEY.get(key)
        if entry is None:
            continue
        promoted, rank = entry
        fitted = fit(value, promoted)
        if fitted is not None and rank < ranks.get(promoted.column, len(promoted.keys)):
            columns[promoted.column], ranks[promoted.column] = fitted, rank
    operation = columns.get(OPERATION_COLUMN)
    settled = settle_operation(
        None if operation is None else str(operation), kind, messaging=DESTINATION_COLUMN in columns
    )
    if settled is not None:
        columns[OPERATION_COLUMN] = settled
    told = {
        key
        for column, rank in ranks.items()
        if rank == 0 and tells(columns[column], key := _KEYS[column], attributes[key])
    }
    return columns, {
        key: value for key, value in attributes.items() if key not in told
    } if told else attributes


def fit(value: Value, promoted: Promoted) -> str | int | None:
    """The value as the column's type, None if it cannot be that."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    if promoted.type == "text":
        return str(value) or None
    if isinstance(value, str):
        if not _INTEGER.fullmatch(value):
            return None
        value = int(value)
    return value if value in _INT64 else None


def settle_operation(sent: str | None, kind: int, *, messaging: bool) -> str | None:
    """The messaging operation in current terms.

    Args:
        sent: the operation in any dialect, None for none.
        kind: a PRODUCER span sends, whatever it says (some say `receive`).
        messaging: whether the span names a destination: one that names neither is about no message.
    """
    if sent is None and not messaging:
        return None
    operation = sent if sent is None else OPERATION_DIALECTS.get(sent, sent)
    if kind == PRODUCER and operation != "create":
        return "send"
    if kind == CONSUMER and operation not in ("receive", "settle"):
        return "process"
    return operation


def tells(column: str | int, key: str, sent: Value) -> bool:
    """Whether the column alone says what was sent under this key."""
    told = str(column) if key in INTEGERS_AS_TEXT else column
    return type(sent) is type(told) and sent == told
