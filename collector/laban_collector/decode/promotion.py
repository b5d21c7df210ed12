"""Promotion of attributes to columns, from all dialects of the semantic conventions."""

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
from laban_collector.batch.attributes import Value

PRODUCER: Final = 4
CONSUMER: Final = 5
"""OTLP SpanKind."""

_INTEGER: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_INT64: Final = range(-(2**63), 2**63)
INTEGERS_AS_TEXT: Final = frozenset({MESSAGING_DESTINATION_PARTITION_ID})
"""Keys whose integers the conventions define as strings. Other integer columns are integers on the wire."""
_BY_KEY: Final = {key: (promoted, rank) for promoted in PROMOTED for rank, key in enumerate(promoted.keys)}
_KEYS: Final = {promoted.column: promoted.keys[0] for promoted in PROMOTED}
OPERATION_COLUMN: Final = _BY_KEY[MESSAGING_OPERATION_TYPE][0].column
DESTINATION_COLUMN: Final = _BY_KEY[MESSAGING_DESTINATION_NAME][0].column

Columns = dict[str, str | int]


def promote(attributes: Mapping[str, Value], kind: int) -> tuple[Columns, Mapping[str, Value]]:
    """Return the promoted values by column, and the attributes that remain.

    If several spellings of a key are present, the first that fits its column wins. No information is lost: an
    attribute is removed only if the column alone gives back the same key and value. Dialect spellings,
    converted values and values that do not fit remain attributes.

    Args:
        attributes: of one span, by key.
        kind: the OTLP SpanKind; it overrides the messaging operation.
    """
    columns: Columns = {}
    ranks: dict[str, int] = {}
    for key, value in attributes.items():
        entry = _BY_KEY.get(key)
        if entry is None:
            continue
        promoted, rank = entry
        fitted = convert(value, promoted)
        if fitted is not None and rank < ranks.get(promoted.column, len(promoted.keys)):
            columns[promoted.column], ranks[promoted.column] = fitted, rank
    operation = columns.get(OPERATION_COLUMN)
    normalized = normalize_operation(
        None if operation is None else str(operation), kind, messaging=DESTINATION_COLUMN in columns
    )
    if normalized is not None:
        columns[OPERATION_COLUMN] = normalized
    removed = {
        key
        for column, rank in ranks.items()
        if rank == 0 and is_lossless(columns[column], key := _KEYS[column], attributes[key])
    }
    return columns, {
        key: value for key, value in attributes.items() if key not in removed
    } if removed else attributes


def convert(value: Value, promoted: Promoted) -> str | int | None:
    """Return the value in the type of the column, or None if it does not fit."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    if promoted.type == "text":
        return str(value) or None
    if isinstance(value, str):
        if not _INTEGER.fullmatch(value):
            return None
        value = int(value)
    return value if value in _INT64 else None


def normalize_operation(sent: str | None, kind: int, *, messaging: bool) -> str | None:
    """Return the messaging operation in the terms of the current conventions.

    Args:
        sent: the operation in any dialect, or None.
        kind: the OTLP SpanKind. A PRODUCER span sends, even if its operation is `receive`.
        messaging: whether the span has a destination. Without one and without an operation, the result is
            None.
    """
    if sent is None and not messaging:
        return None
    operation = sent if sent is None else OPERATION_DIALECTS.get(sent, sent)
    if kind == PRODUCER and operation != "create":
        return "send"
    if kind == CONSUMER and operation not in ("receive", "settle"):
        return "process"
    return operation


def is_lossless(column: str | int, key: str, sent: Value) -> bool:
    """Whether the value of the column gives back the value sent under this key."""
    restored = str(column) if key in INTEGERS_AS_TEXT else column
    return type(sent) is type(restored) and sent == restored
