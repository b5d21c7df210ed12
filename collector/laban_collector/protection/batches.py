"""Whole batches protected: one pattern over the columns, and a closer look at the few rows that it finds."""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed, and its kernels are made
# when it is imported.

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laban.vocabulary import PROMOTED
from laban_collector.decode.attributes import Value, to_json
from laban_collector.decode.decoded import Decoded, Decoder
from laban_collector.protection.limits import AttributeLimits, bounded, cut_text
from laban_collector.protection.redaction import REDACTED, Redactor
from laban_collector.settings import Settings
from laban_collector.span_batch import SpanBatch

_log = logging.getLogger(__name__)

_ATTRIBUTES: Final = "attributes"
_DROPPED: Final = "dropped_attributes"
_SMALLEST: Final = 5
"""Characters of the shortest attribute in JSON, with its comma."""


class Protection:
    """Rules applied to batches.

    Args:
        redactor: what is secret.
        limits: what is too large.
    """

    def __init__(self, redactor: Redactor, limits: AttributeLimits) -> None:
        self._redactor = redactor
        self._limits = limits
        self._pattern = redactor.suspect

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the settings ask for."""
        limits = AttributeLimits(settings.max_attributes, settings.max_attribute_length)
        return cls(Redactor(settings.redacted_keys, settings.kept_keys), limits)

    def around(self, decoder: Decoder) -> Decoder:
        """A decoder whose batches are protected."""

        def protected(payloads: Sequence[bytes]) -> Decoded:
            decoded = decoder(payloads)
            return replace(decoded, batch=self.apply(decoded.batch))

        return protected

    def apply(self, batch: SpanBatch) -> SpanBatch:
        """The batch as it may be stored: texts and attributes of everything in it."""
        return SpanBatch(
            spans=self._table(self._promoted(batch.spans)),
            resources=self._table(batch.resources),
            scopes=self._table(batch.scopes),
            events=self._table(batch.events),
            links=self._table(batch.links),
            correlations=self._correlations(batch.correlations),
        )

    def _promoted(self, spans: pa.Table) -> pa.Table:
        """Columns of their own whose attribute is a secret."""
        for promoted in PROMOTED:
            if any(map(self._redactor.is_secret, promoted.keys)):
                at = spans.column_names.index(promoted.column)
                field = spans.field(at)
                mark = pa.scalar(REDACTED if promoted.type == "text" else None, field.type)
                hidden = pc.if_else(pc.is_valid(spans[promoted.column]), mark, pa.scalar(None, field.type))
                spans = spans.set_column(at, field, hidden)
        return spans

    def _table(self, table: pa.Table) -> pa.Table:
        if not table.num_rows:
            return table
        for at, field in enumerate(table.schema):
            if field.type == pa.string() and field.name != _ATTRIBUTES:
                table = table.set_column(at, field, self._texts(table[field.name]))
        return self._attributes(table)

    def _texts(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """A column of plain texts, of which few are distinct."""
        distinct = pc.unique(column)
        suspect = pc.or_(
            pc.match_substring_regex(distinct, self._pattern, ignore_case=True),
            pc.greater(pc.utf8_length(distinct), self._limits.length),
        )
        found = distinct.filter(pc.fill_null(suspect, fill_value=False))
        if not len(found):
            return column
        safe = [cut_text(self._redactor.text(text), self._limits.length) for text in found.to_pylist()]
        return _replaced(column, found, pa.array(safe, pa.string()))

    def _attributes(self, table: pa.Table) -> pa.Table:
        """The column of JSON objects, and with it the count of what was dropped."""
        rows = self._suspect_rows(table[_ATTRIBUTES])
        if not len(rows):
            return table
        texts: list[str] = []
        dropped: list[int] = []
        for text in table[_ATTRIBUTES].take(pa.array(rows)).to_pylist():
            safe = self._object(text)
            texts.append(safe[0])
            dropped.append(safe[1])
        table = _set_rows(table, _ATTRIBUTES, rows, pa.array(texts, pa.string()))
        if _DROPPED in table.column_names and any(dropped):
            more = pc.add(table[_DROPPED].take(pa.array(rows)), pa.array(dropped, pa.uint32()))
            table = _set_rows(table, _DROPPED, rows, more.combine_chunks())
        return table

    def _suspect_rows(self, texts: pa.ChunkedArray) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        limits = self._limits
        # A text this short is within the limits, and nearly all are.
        short = min(limits.length, _SMALLEST * limits.attributes)
        suspect = pc.or_(
            pc.match_substring_regex(texts, self._pattern, ignore_case=True),
            pc.greater(pc.binary_length(texts), short),
        )
        return np.flatnonzero(pc.fill_null(suspect, fill_value=False).to_numpy())

    def _object(self, text: str) -> tuple[str, int]:
        """A JSON object as it may be stored, and how many attributes were dropped."""
        sent: dict[str, Value] = json.loads(text)
        kept, dropped, cut = bounded(sent, self._limits)
        if dropped or cut:
            _log.info("Attributes over the limits: %d value(s) cut, %d attribute(s) dropped.", cut, dropped)
        return to_json({key: self._redactor.redact(key, value) for key, value in kept.items()}), dropped

    def _correlations(self, table: pa.Table) -> pa.Table:
        """Without those that would tell a secret."""
        if not table.num_rows:
            return table
        secret = cache(self._redactor.is_secret)
        keys = pa.array([not secret(key) for key in table["key"].to_pylist()])
        safe = pc.equal(table["value"], self._texts(table["value"]))
        return table.filter(pc.and_(safe, keys))


def _replaced(column: pa.ChunkedArray, found: pa.Array, safe: pa.Array) -> pa.ChunkedArray:
    """The column with `safe` values where the `found` ones are."""
    index = pc.index_in(column, value_set=found)
    return pc.coalesce(safe.take(index.combine_chunks()), column)


def _set_rows(
    table: pa.Table, name: str, rows: "np.ndarray[tuple[int], np.dtype[np.int64]]", values: pa.Array
) -> pa.Table:
    """The table with other values in these rows (ascending) of a column."""
    at = table.column_names.index(name)
    mask = np.zeros(table.num_rows, np.bool_)
    mask[rows] = True
    changed = pc.replace_with_mask(table[name].combine_chunks(), pa.array(mask), values)
    return table.set_column(at, table.field(at), changed)
