"""Batches protected: one pattern over the columns, and a closer look at the few rows that it finds.

What is decoded by columns is protected on the way, each distinct attribute once; other batches as a whole.
"""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed, and its kernels are made
# when it is imported.

import json
import logging
import re
from functools import cache
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from laban.business_keys.keys import bounded as as_id
from laban.vocabulary import PROMOTED
from laban_collector.batch.span_batch import SpanBatch
from laban_collector.decode.attributes import Value, to_json
from laban_collector.protect.limits import CUT, AttributeLimits, bounded, cut, cut_text
from laban_collector.protect.redaction import REDACTED, Redactor
from laban_collector.settings import Settings

Index = NDArray[np.int64]

_log = logging.getLogger(__name__)

_ATTRIBUTES: Final = "attributes"
_DROPPED: Final = "dropped_attributes"
_LOST: Final = f"{re.escape(REDACTED)}|{re.escape(CUT)}"
"""What a value that is no longer whole has in it."""
_FEW: Final = 64
"""Texts that are looked at one by one sooner than a pattern is compiled."""
_REMEMBERED: Final = 1 << 16
_SHORT: Final = 256
"""Texts that are remembered to be harmless, and characters of the longest one."""
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
        self._harmless: set[str] = set()
        self._secret_columns = [one for one in PROMOTED if any(map(redactor.is_secret, one.keys))]

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the settings ask for."""
        limits = AttributeLimits(settings.max_attributes, settings.max_attribute_length)
        return cls(Redactor(settings.redacted_keys, settings.kept_keys), limits)

    def apply(self, batch: SpanBatch) -> SpanBatch:
        """The batch as it may be stored: texts and attributes of everything in it."""
        if self._is_harmless(batch):
            return batch
        return SpanBatch(
            spans=self.rows(self.promoted(batch.spans)),
            resources=self.rows(batch.resources),
            scopes=self.rows(batch.scopes),
            events=self.rows(batch.events),
            links=self.rows(batch.links),
            correlations=self._correlations(batch.correlations, self._hidden(batch.spans)),
        )

    def _is_harmless(self, batch: SpanBatch) -> bool:
        """Whether nothing in it has to be looked at: told of most batches by one search for all of it."""
        if self._secret_columns:
            return False
        tables = (batch.spans, batch.resources, batch.scopes, batch.events, batch.links, batch.correlations)
        texts = [pc.unique(table[at]) for table in tables for at in _texts_of(table)]
        every = pa.concat_arrays(texts)
        shortest = min(self._limits.length, _SMALLEST * self._limits.attributes)
        if pc.any(pc.greater(pc.binary_length(every), shortest)).as_py() or len(self.suspects(every)):
            return False
        return not any(map(self._redactor.is_secret, pc.unique(batch.correlations["key"]).to_pylist()))

    @property
    def most_attributes(self) -> int:
        """How many attributes are kept of one span, event or link."""
        return self._limits.attributes

    def suspects(self, texts: pa.Array) -> Index:
        """Which of these texts, plain or JSON, may hold a secret or be too long: few."""
        suspect = pc.or_(
            pc.match_substring_regex(texts, self._pattern, ignore_case=True),
            pc.greater(pc.binary_length(texts), self._limits.length),
        )
        if not suspect.true_count:
            return np.zeros(0, np.int64)
        return np.flatnonzero(pc.fill_null(suspect, fill_value=False).to_numpy(zero_copy_only=False))

    def are_harmless(self, texts: set[str]) -> bool:
        """Whether none of these plain texts is a suspect, told without a search where it can be."""
        unknown = texts - self._harmless  # most came before
        if len(unknown) > _FEW:
            if len(self.suspects(pa.array(unknown, pa.string()))):
                return False
        elif any(self._plain(text) != text for text in unknown):
            return False
        if len(self._harmless) + len(unknown) > _REMEMBERED:
            self._harmless.clear()
        self._harmless.update(text for text in unknown if len(text) <= _SHORT)
        return True

    def value(self, key: str, value: Value) -> Value:
        """The value of an attribute as it may be stored; the value itself when that is so."""
        return self._redactor.redact(key, cut(value, self._limits.length))

    def texts(self, column: pa.Array) -> pa.Array:
        """A column of plain texts, of which few are distinct."""
        distinct = pc.unique(column)
        suspects = self.suspects(distinct)
        if not len(suspects):
            return column
        found = distinct.take(pa.array(suspects))
        safe = [self._plain(text) for text in found.to_pylist()]
        return _replaced(column, found, pa.array(safe, pa.string()))

    def _plain(self, text: str) -> str:
        """A plain text as it may be stored."""
        return cut_text(self._redactor.text(text), self._limits.length)

    def told(self, correlations: pa.Table, *, protected: bool) -> pa.Table:
        """Correlations that were found in attributes, less those that were secret or are cut.

        Args:
            protected: whether any of the attributes was changed.
        """
        keys = pc.unique(correlations["key"]).to_pylist()
        secret = pa.array([key for key in keys if self._redactor.is_secret(key)], pa.string())
        if not protected and not len(secret):
            return correlations
        lost = pc.match_substring_regex(correlations["value"], _LOST)
        return correlations.filter(pc.invert(pc.or_(lost, pc.is_in(correlations["key"], secret))))

    def promoted(self, spans: pa.Table) -> pa.Table:
        """Spans without the columns of their own whose attribute is a secret."""
        for promoted in self._secret_columns:
            at = spans.column_names.index(promoted.column)
            field = spans.field(at)
            mark = pa.scalar(REDACTED if promoted.type == "text" else None, field.type)
            hidden = pc.if_else(pc.is_valid(spans[promoted.column]), mark, pa.scalar(None, field.type))
            spans = spans.set_column(at, field, hidden)
        return spans

    def rows(self, table: pa.Table) -> pa.Table:
        """Rows of one table of a batch: their texts and attributes."""
        if not table.num_rows:
            return table
        for at, field in enumerate(table.schema):
            if field.type == pa.string() and field.name != _ATTRIBUTES:
                table = table.set_column(at, field, self.texts(table[field.name]))
        return self._attributes(table)

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

    def _suspect_rows(self, texts: pa.ChunkedArray) -> Index:
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
        kept, dropped, shortened = bounded(sent, self._limits)
        say_what_was_cut(shortened, dropped)
        return to_json({key: self._redactor.redact(key, value) for key, value in kept.items()}), dropped

    def _hidden(self, spans: pa.Table) -> set[str]:
        """The values of secret attributes, as they would be kept as business keys."""
        values: set[object] = set()
        for promoted in self._secret_columns:
            values.update(pc.unique(spans[promoted.column]).to_pylist())
        for text in spans[_ATTRIBUTES].take(pa.array(self._suspect_rows(spans[_ATTRIBUTES]))).to_pylist():
            sent: dict[str, Value] = json.loads(text)
            values.update(v for key, v in sent.items() if self._redactor.is_secret(key) and _is_scalar(v))
        return {kept for value in values if (kept := as_id(value)) is not None}

    def _correlations(self, table: pa.Table, hidden: set[str]) -> pa.Table:
        """Without those that would tell a secret."""
        if not table.num_rows:
            return table
        secret = cache(self._redactor.is_secret)
        keys = pa.array([not secret(key) for key in table["key"].to_pylist()])
        safe = pc.equal(table["value"], self.texts(table["value"]))
        told = pc.is_in(table["value"], pa.array(sorted(hidden), pa.string()))
        return table.filter(pc.and_(pc.and_(safe, keys), pc.invert(told)))


def _is_scalar(value: Value) -> bool:
    return isinstance(value, (str, int))


def _texts_of(table: pa.Table) -> list[int]:
    return [at for at, field in enumerate(table.schema) if field.type == pa.string()]


def say_what_was_cut(values: int, attributes: int) -> None:
    """Log it, if anything was."""
    if values or attributes:
        _log.info("Attributes over the limits: %d value(s) cut, %d attribute(s) dropped.", values, attributes)


def _replaced(column: pa.ChunkedArray, found: pa.Array, safe: pa.Array) -> pa.ChunkedArray:
    """The column with `safe` values where the `found` ones are."""
    index = pc.index_in(column, value_set=found)
    return pc.coalesce(safe.take(index.combine_chunks()), column)


def _set_rows(table: pa.Table, name: str, rows: Index, values: pa.Array) -> pa.Table:
    """The table with other values in these rows (ascending) of a column."""
    at = table.column_names.index(name)
    mask = np.zeros(table.num_rows, np.bool_)
    mask[rows] = True
    changed = pc.replace_with_mask(table[name].combine_chunks(), pa.array(mask), values)
    return table.set_column(at, table.field(at), changed)
