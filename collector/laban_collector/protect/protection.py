"""Protection of batches: one pattern search over all columns, and exact rules for the few rows that match.

The columnar decoder protects each distinct attribute once, while it decodes. Other batches are protected as a
whole.
"""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: pyright does not know its tables in signatures, nor its kernels, created at import.

import json
import logging
import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from laban.business_keys.keys import attribute_values
from laban.vocabulary import PROMOTED, keys_filling
from laban_collector.batch.attributes import Value, to_json
from laban_collector.batch.span_batch import SpanBatch
from laban_collector.protect.limits import (
    CUT_MARK,
    AttributeLimits,
    limit_attributes,
    truncate,
    truncate_text,
)
from laban_collector.protect.redaction import REDACTED, Redactor
from laban_collector.protect.secret_keys import NumberContext, number_context
from laban_collector.settings import Settings

Index = NDArray[np.int64]

_log = logging.getLogger(__name__)

_ATTRIBUTES: Final = "attributes"
_DROPPED: Final = "dropped_attributes"
_NAMES: Final = {"name", "status_message", "trace_state"}
"""The text columns of spans, events and links that are not attributes."""
_CHANGED: Final = f"{re.escape(REDACTED)}|{re.escape(CUT_MARK)}"
"""A pattern that matches every redacted or truncated value."""
_CONTEXTS: Final = {one.column: number_context(keys_filling(one)[0]) for one in PROMOTED}
"""What long numbers in a promoted column are; as in the attributes that fill it."""
_FEW: Final = 64
"""Texts. Fewer are checked faster one by one than by compiling a pattern."""
_SMALL: Final = 1 << 13
"""Bytes. Fewer are searched faster without a pattern of RE2."""
_CACHED: Final = 1 << 16
"""Harmless texts in the cache."""
_CACHED_LENGTH: Final = 256
"""Characters of the longest text in the cache."""
_SHORTEST: Final = 5
"""Characters of the shortest attribute in JSON, with its comma."""


class Protection:
    """Applies redaction and limits to batches.

    Args:
        redactor: finds and replaces secrets.
        limits: limits on attributes.
    """

    def __init__(self, redactor: Redactor, limits: AttributeLimits) -> None:
        self._redactor = redactor
        self._limits = limits
        self._pattern = redactor.suspect_pattern
        self._harmless: set[str] = set()
        self._protected_key = lru_cache(1 << 12)(redactor.redact_text)
        self._secret_columns = [one for one in PROMOTED if any(map(redactor.is_secret, keys_filling(one)))]

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the protection that the settings define."""
        limits = AttributeLimits(settings.max_attributes, settings.max_attribute_length)
        return cls(Redactor(settings.redacted_keys, settings.kept_keys), limits)

    def protect(self, batch: SpanBatch) -> SpanBatch:
        """Return a batch with all its texts and attributes protected."""
        if self._is_harmless(batch):
            return batch
        return SpanBatch(
            spans=self.protect_table(self.redact_promoted_columns(batch.spans)),
            resources=self.protect_table(batch.resources),
            scopes=self.protect_table(batch.scopes),
            events=self.protect_table(batch.events),
            links=self.protect_table(batch.links),
            correlations=self._protect_correlations(batch.correlations, self._secret_values(batch)),
        )

    def _is_harmless(self, batch: SpanBatch) -> bool:
        """Whether nothing in a batch needs protection; mostly one search over all texts shows it."""
        if self._secret_columns:
            return False
        tables = (batch.spans, batch.resources, batch.scopes, batch.events, batch.links, batch.correlations)
        texts = [pc.unique(table[at]) for table in tables for at in _text_columns(table)]
        every = pa.concat_arrays(texts)
        if pc.any(pc.greater(pc.binary_length(every), self._harmless_length)).as_py():
            return False
        if len(self.find_suspects(every)):
            return False
        return not any(map(self._redactor.is_secret, pc.unique(batch.correlations["key"]).to_pylist()))

    @property
    def _harmless_length(self) -> int:
        """Characters. A shorter text or JSON object is within the limits, as most are."""
        return min(self._limits.length, _SHORTEST * self._limits.attributes)

    @property
    def max_attributes(self) -> int:
        """The number of attributes kept per span, event or link."""
        return self._limits.attributes

    def find_suspects(self, texts: pa.Array) -> Index:
        """Return the positions of texts, plain or JSON, that may contain a secret or be too long."""
        _, ends, data = texts.buffers()
        if not len(texts) or data is None:
            return np.zeros(0, np.int64)
        within = np.frombuffer(ends, np.int32, count=len(texts) + 1, offset=4 * texts.offset)
        if within[-1] - within[0] > _SMALL:
            suspect = self._suspect_mask(texts, self._limits.length)
            return np.flatnonzero(pc.fill_null(suspect, fill_value=False).to_numpy(zero_copy_only=False))
        lengths = within[1:] - within[:-1]
        found = self._redactor.suspect_rows(
            bytes(data)[within[0] : within[-1]], (within[1:] - within[0]).astype(np.int64)
        )
        return np.union1d(found, np.flatnonzero(lengths > self._limits.length))

    def find_unusual(self, texts: pa.Array) -> Index:
        """Return the positions of texts, plain or JSON objects, that may need any protection."""
        return np.flatnonzero(self._suspect_mask(texts, self._harmless_length).to_numpy(zero_copy_only=False))

    def _suspect_mask(self, texts: pa.Array, length: int) -> pa.BooleanArray:
        return pc.or_(
            pc.match_substring_regex(texts, self._pattern, ignore_case=True),
            pc.greater(pc.binary_length(texts), length),
        )

    def protect_value(self, key: str, value: Value) -> Value:
        """Return the value of an attribute, protected; the same object if nothing changes."""
        return self._redactor.redact(key, truncate(value, self._limits.length))

    def is_secret_key(self, key: str) -> bool:
        """Whether attributes with this key have secret values."""
        return self._redactor.is_secret(key)

    def protect_key(self, key: str) -> str:
        """Return the key of an attribute, without secrets in the key itself."""
        return self._protected_key(key)

    def protect_name(self, name: str | None) -> str | None:
        """Return a name of a resource or a scope, protected; None stays None."""
        return name and self._protect_text(name)

    def protect_attributes(self, attributes: Mapping[str, Value]) -> Mapping[str, Value]:
        """Return the attributes of a resource or a scope, protected; the same object if nothing changes."""
        safe, _ = self._limited_and_redacted(attributes)
        return attributes if safe == attributes else safe

    def protect_names(self, tables: Sequence[pa.Table]) -> Sequence[pa.Table]:
        """Protect the texts of spans, events and links that are not attributes.

        All tables are searched at once: the start of a search costs more than searching their few distinct
            texts.
        """
        columns = [table[name] for table in tables for name in table.column_names if name in _NAMES]
        distinct = set[str | None]().union(*(pc.unique(column).to_pylist() for column in columns))
        if self._are_harmless({text for text in distinct if text}):
            return tables
        return [self._protect_texts(table, _NAMES.intersection(table.column_names)) for table in tables]

    def _are_harmless(self, texts: set[str]) -> bool:
        """Whether none of these plain texts needs protection."""
        unknown = texts - self._harmless  # most texts are known from earlier batches
        if len(unknown) > _FEW:
            if len(self.find_suspects(pa.array(unknown, pa.string()))):
                return False
        elif any(self._protect_text(text) != text for text in unknown):
            return False
        if len(self._harmless) + len(unknown) > _CACHED:
            self._harmless.clear()
        self._harmless.update(text for text in unknown if len(text) <= _CACHED_LENGTH)
        return True

    def filter_correlations(self, correlations: pa.Table, *, are_attributes_changed: bool) -> pa.Table:
        """Return correlations from protected attributes, without secret keys and changed values.

        Args:
            correlations: found in the attributes.
            are_attributes_changed: whether any attribute was redacted or truncated.
        """
        keys = pc.unique(correlations["key"]).to_pylist()
        secret = pa.array([key for key in keys if self._redactor.is_secret(key)], pa.string())
        if not are_attributes_changed and not len(secret):
            return correlations
        changed = pc.match_substring_regex(correlations["value"], _CHANGED)
        return correlations.filter(pc.invert(pc.or_(changed, pc.is_in(correlations["key"], secret))))

    def redact_promoted_columns(self, spans: pa.Table) -> pa.Table:
        """Return spans with the promoted columns of secret attributes redacted; integers become null."""
        for promoted in self._secret_columns:
            at = spans.column_names.index(promoted.column)
            field = spans.field(at)
            mark = pa.scalar(REDACTED if promoted.type == "text" else None, field.type)
            hidden = pc.if_else(pc.is_valid(spans[promoted.column]), mark, pa.scalar(None, field.type))
            spans = spans.set_column(at, field, hidden)
        return spans

    def protect_table(self, table: pa.Table) -> pa.Table:
        """Return one table of a batch with its texts and attributes protected."""
        if not table.num_rows:
            return table
        names = {table.column_names[at] for at in _text_columns(table)} - {_ATTRIBUTES}
        return self._protect_attributes(self._protect_texts(table, names))

    def _protect_texts(self, table: pa.Table, names: set[str]) -> pa.Table:
        for at, field in enumerate(table.schema):
            if field.name in names:
                context = _CONTEXTS.get(field.name, NumberContext.UNKNOWN)
                table = table.set_column(at, field, self._protect_column(table[field.name], context))
        return table

    def _protect_column(self, column: pa.ChunkedArray, context: NumberContext) -> pa.ChunkedArray:
        """Protect a column of plain texts with few distinct values."""
        distinct = pc.unique(column)
        suspects = self.find_suspects(distinct)
        if not len(suspects):
            return column
        found = distinct.take(pa.array(suspects))
        safe = [self._protect_text(text, context) for text in found.to_pylist()]
        index = pc.index_in(column, value_set=found)
        return pc.coalesce(pa.array(safe, pa.string()).take(index.combine_chunks()), column)

    def _protect_text(self, text: str, context: NumberContext = NumberContext.UNKNOWN) -> str:
        return truncate_text(self._redactor.redact_text(text, context), self._limits.length)

    def _protect_attributes(self, table: pa.Table) -> pa.Table:
        """Protect the column of JSON objects, and add to the count of dropped attributes."""
        rows = self._suspect_rows(table[_ATTRIBUTES])
        if not len(rows):
            return table
        objects = [self._protect_object(text) for text in table[_ATTRIBUTES].take(pa.array(rows)).to_pylist()]
        dropped = [count for _, count in objects]
        table = _set_rows(table, _ATTRIBUTES, rows, pa.array([text for text, _ in objects], pa.string()))
        if _DROPPED in table.column_names and any(dropped):
            more = pc.add(table[_DROPPED].take(pa.array(rows)), pa.array(dropped, pa.uint32()))
            table = _set_rows(table, _DROPPED, rows, more.combine_chunks())
        return table

    def _suspect_rows(self, texts: pa.ChunkedArray) -> Index:
        suspect = self._suspect_mask(texts, self._harmless_length)
        return np.flatnonzero(pc.fill_null(suspect, fill_value=False).to_numpy())

    def _protect_object(self, text: str) -> tuple[str, int]:
        """Return a JSON object, protected, and the number of dropped attributes."""
        safe, dropped = self._limited_and_redacted(json.loads(text))
        return to_json(safe), dropped

    def _limited_and_redacted(self, sent: Mapping[str, Value]) -> tuple[dict[str, Value], int]:
        kept, dropped, truncated = limit_attributes(sent, self._limits)
        log_cuts(truncated, dropped)
        safe = {self.protect_key(key): self._redactor.redact(key, value) for key, value in kept.items()}
        return safe, dropped

    def _secret_values(self, batch: SpanBatch) -> set[str]:
        """Return the values of secret attributes, in the form of business keys."""
        hidden: set[str] = set()
        for promoted in self._secret_columns:
            hidden.update(*map(attribute_values, pc.unique(batch.spans[promoted.column]).to_pylist()))
        for table in (batch.spans, batch.resources, batch.scopes, batch.events, batch.links):
            texts = table[_ATTRIBUTES]
            for text in texts.take(pa.array(self._suspect_rows(texts))).to_pylist():
                sent: dict[str, Value] = json.loads(text)
                hidden.update(*(self._hidden_values(key, value) for key, value in sent.items()))
        return hidden

    def _hidden_values(self, key: str, value: Value) -> set[str]:
        """Return the values of one attribute that are not stored, in the form of business keys."""
        shown = () if self._redactor.is_secret(key) else attribute_values(self._redactor.redact(key, value))
        return set(attribute_values(value)).difference(shown)

    def _hides(self, key: str, value: Value) -> bool:
        return self._redactor.is_secret(key) or self._redactor.redact(key, value) != value

    def _protect_correlations(self, table: pa.Table, secret_values: set[str]) -> pa.Table:
        """Return correlations without those that contain a secret."""
        if not table.num_rows:
            return table
        hides = cache(self._hides)
        safe = [
            value not in secret_values and not hides(key, value)
            for key, value in zip(table["key"].to_pylist(), table["value"].to_pylist(), strict=True)
        ]
        return table.filter(pa.array(safe, pa.bool_()))


def _text_columns(table: pa.Table) -> list[int]:
    return [at for at, field in enumerate(table.schema) if field.type == pa.string()]


def log_cuts(truncated: int, dropped: int) -> None:
    """Log how many values were truncated and how many attributes were dropped, if any."""
    if truncated or dropped:
        _log.info("Attributes over the limits: %d value(s) cut, %d attribute(s) dropped.", truncated, dropped)


def _set_rows(table: pa.Table, name: str, rows: Index, values: pa.Array) -> pa.Table:
    """Return the table with other values in these rows (ascending) of a column."""
    at = table.column_names.index(name)
    mask = np.zeros(table.num_rows, np.bool_)
    mask[rows] = True
    changed = pc.replace_with_mask(table[name].combine_chunks(), pa.array(mask), values)
    return table.set_column(at, table.field(at), changed)
