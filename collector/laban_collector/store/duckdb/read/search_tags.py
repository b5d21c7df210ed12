"""The condition on a span that a tag stands for."""

import json
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from typing import Final

import duckdb
from duckdb import ColumnExpression, ConstantExpression, Expression, FunctionExpression

from laban.vocabulary import (
    LOG_EVENT,
    PROMOTED,
    TAG_ERROR,
    TAG_SCOPE_NAMES,
    TAG_SCOPE_VERSIONS,
    TAG_SPAN_KIND,
    TAG_STATUS_CODE,
    TAG_STATUS_DESCRIPTION,
    TAG_TRACE_STATE,
)
from laban_collector.store.searches import Tag, TagValue

_KINDS: Final = ("internal", "server", "client", "producer", "consumer")
"""From OTLP's SpanKind 1 on."""
_STATUSES: Final = ("OK", "ERROR")
"""From OTLP's StatusCode 1 on."""
_ERROR: Final = 2
_EVERY_KIND: Final = range(6)

_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Tags:
    """Builds the conditions of tags.

    Args:
        cursor: in a transaction.
        since: ns; only events from this time on are looked at.
        most: the most resources, scopes or spans with an event that have a tag.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, since: int, most: int) -> None:
        self._cursor = cursor
        self._since = since
        self._most = most

    def condition(self, tag: Tag) -> Expression | None:
        """Return the condition on a span; None: no span fits."""
        held = _in_json(tag)
        resources = self._ids("resources", "resource_id", held)
        scopes = self._ids("scopes", "scope_id", _scope_field(tag) or held)
        since = FunctionExpression("make_timestamp_ns", ConstantExpression(self._since))
        event = held
        if tag.key == LOG_EVENT and isinstance(tag.value, str):
            event = held | _is("name", tag.value)
        events = self._ids("span_events", "span_id", (ColumnExpression("time") >= since) & event)
        return any_of(
            [
                *_fields(tag),
                *_columns(tag),
                held,
                ids_among("resource_id", resources),
                ids_among("scope_id", scopes),
                ids_among("span_id", events),
            ]
        )

    def _ids(self, table: str, column: str, condition: Expression) -> list[int]:
        rows = self._cursor.table(table).filter(condition).select(column).distinct().limit(self._most)
        return [number for (number,) in rows.fetchall()]


def any_of(conditions: Iterable[Expression | None]) -> Expression | None:
    """Return a condition that holds if one of these does; None if there is none."""
    known = [condition for condition in conditions if condition is not None]
    return reduce(or_, known) if known else None


def ids_among(column: str, ids: Iterable[int]) -> Expression | None:
    """Return the condition that an unsigned column has one of these values; None if there are none."""
    known = [ConstantExpression(number).cast("UBIGINT") for number in ids]
    return ColumnExpression(column).isin(*known) if known else None


def forms(value: TagValue) -> list[TagValue | list[object] | dict[str, object]]:
    """Return the values that a tag may have: a text can be the form of another value."""
    if not isinstance(value, str):
        return [value]
    try:
        meant = json.loads(value)
    except (ValueError, RecursionError):
        return [value]
    match meant:
        case bool() | float() | list() | dict():
            return [value, meant]
        case int():
            return [value, meant, float(meant)] if abs(meant) < 1 << 53 else [value, meant]
        case _:
            return [value]


def _in_json(tag: Tag) -> Expression:
    """Return whether the JSON object `attributes` has the tag.

    The compact text is searched first, which is far faster than parsing it: for the key alone, because most
    spans do not have it. The objects inside may have the same key, so what is left is parsed.
    """
    key = _encode(tag.key)
    values = [_encode(value) for value in forms(tag.value)]
    # A number is cut off from longer ones by what comes after it.
    texts = [f"{key}:{value}{after}" for value in values for after in (",", "}")]
    attributes = ColumnExpression("attributes")
    named = FunctionExpression("contains", attributes, ConstantExpression(f"{key}:"))
    held = [FunctionExpression("contains", attributes, ConstantExpression(text)) for text in texts]
    pointer = "/" + tag.key.replace("~", "~0").replace("/", "~1")
    exact = FunctionExpression("json_extract_string", attributes, ConstantExpression(pointer))
    known = [tag.value if isinstance(tag.value, str) else values[0], *values[1:]]
    return named & reduce(or_, held) & exact.isin(*map(ConstantExpression, known))


def _columns(tag: Tag) -> list[Expression]:
    """Return conditions on the columns of attributes that have one, in each spelling of their keys."""
    found = []
    for promoted in PROMOTED:
        kinds = [kind for kind in _EVERY_KIND if tag.key in promoted.keys_on(kind)]
        values = _typed(tag.value, promoted.type)
        if kinds and values:
            same = ColumnExpression(promoted.column).isin(*map(ConstantExpression, values))
            if len(kinds) < len(_EVERY_KIND):
                same &= ColumnExpression("kind").isin(*map(ConstantExpression, kinds))
            found.append(same)
    return found


def _typed(value: TagValue, kind: str) -> Sequence[str | int]:
    """Return the values of a column of text or of integers that the value of a tag stands for."""
    if kind == "text":
        return [value] if isinstance(value, str) else []
    return [one for one in forms(value) if isinstance(one, int) and not isinstance(one, bool)]


def _scope_field(tag: Tag) -> Expression | None:
    for column, keys in (("name", TAG_SCOPE_NAMES), ("version", TAG_SCOPE_VERSIONS)):
        if tag.key in keys and isinstance(tag.value, str):
            return _is(column, tag.value)
    return None


def _fields(tag: Tag) -> list[Expression]:
    """Return the condition on the field of a span that a tag means."""
    value = tag.value
    if tag.key == TAG_ERROR and value in (True, "true"):
        return [_is("status", _ERROR)]
    if not isinstance(value, str):
        return []
    for key, column, names in ((TAG_SPAN_KIND, "kind", _KINDS), (TAG_STATUS_CODE, "status", _STATUSES)):
        if tag.key == key and value in names:
            return [_is(column, names.index(value) + 1)]
    texts = {TAG_STATUS_DESCRIPTION: "status_message", TAG_TRACE_STATE: "trace_state"}
    return [_is(texts[tag.key], value)] if tag.key in texts else []


def _is(column: str, value: str | int) -> Expression:
    return ColumnExpression(column) == ConstantExpression(value)
