"""Columnar search for business keys; only unusual values are processed one by one."""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: pyright does not know its tables in signatures, nor its kernels, created at import.

import itertools
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from laban.business_keys.keys import MAX_VALUE_LENGTH, attribute_values, bounded, template_pattern
from laban.vocabulary import (
    HTTP_ROUTE,
    MESSAGING_DESTINATION_NAME,
    MESSAGING_KAFKA_MESSAGE_KEY,
    URL_FULL_DIALECTS,
    URL_PATH_DIALECTS,
    URL_TEMPLATE,
)
from laban_collector.batch import span_batch
from laban_collector.decode.business_keys import KeyFinder, url_path
from laban_collector.decode.columnar.attribute_dictionary import (
    AttributeDictionary,
    Attributes,
    Index,
    as_numpy,
    entry_of_owner,
)
from laban_collector.decode.columnar.promotion import PromotedColumns

_TRACE: Final = ["trace_hi", "trace_lo"]
_FEW: Final = 16
"""Spans of a route. Fewer are read one by one."""
_UNUSUAL_VALUE: Final = "[^!-~]"
"""A space or a character outside ASCII: `bounded` may change or refuse the value."""
_UNUSUAL_PATH: Final = "[?%]"
"""A query, or percent-encoding."""


class _Correlations:
    """Collects the correlations of spans; duplicates are allowed."""

    def __init__(self) -> None:
        self._keys: dict[str, int] = {}
        self._codes: list[Index] = []
        self._spans: list[Index] = []
        self._values: list[pa.StringArray] = []

    def add(self, key: str, spans: Index, values: pa.StringArray) -> None:
        """Add one value per span; null and invalid values are ignored later."""
        if len(spans):
            self._codes.append(np.full(len(spans), self._keys.setdefault(key, len(self._keys)), np.int64))
            self._spans.append(spans)
            self._values.append(values)

    def to_table(self, spans: pa.Table) -> pa.Table:
        """Return one row per distinct (key, value, trace), with the first start and the last end."""
        if not self._keys:
            return span_batch.CORRELATIONS.empty_table()
        values = _bounded(pa.concat_arrays(self._values))
        known = np.flatnonzero(as_numpy(values.is_valid()))
        if not len(known):
            return span_batch.CORRELATIONS.empty_table()
        rows, codes = np.concatenate(self._spans)[known], np.concatenate(self._codes)[known]
        of_spans = {name: as_numpy(spans[name])[rows] for name in spans.column_names}
        number: Index = as_numpy(values.take(pa.array(known)).dictionary_encode().indices).astype(np.int64)
        order, runs = _runs([number * len(self._keys) + codes, *(of_spans[name] for name in _TRACE)])
        one = order[runs]
        columns = {
            "key": pa.array(self._keys, pa.string()).take(pa.array(codes[one])),
            "value": values.take(pa.array(known[one])),
            "first": pa.array(np.minimum.reduceat(of_spans["start"][order], runs)),
            "last": pa.array(np.maximum.reduceat(of_spans["end"][order], runs)),
        } | {name: pa.array(of_spans[name][one]) for name in _TRACE}
        names = span_batch.CORRELATIONS.names
        return pa.Table.from_arrays([columns[name] for name in names], schema=span_batch.CORRELATIONS)


def _runs(keys: Sequence[NDArray[Any]]) -> tuple[Index, Index]:
    """Return an order in which equal rows are adjacent, and the beginnings of their runs."""
    order = np.lexsort(keys)
    begins = np.zeros(len(order), np.bool_)
    begins[0] = True
    for key in keys:
        ordered = key[order]
        begins[1:] |= ordered[1:] != ordered[:-1]
    return order, np.flatnonzero(begins)


class Children(NamedTuple):
    """The attributes of events and links.

    Attributes:
        span: the span of each attribute.
        entry: the number of each in the dictionary of all attributes.
    """

    span: Index
    entry: Index


class OriginRange(NamedTuple):
    """The attributes of the resource and of the scope, as JSON, of the spans from `begin` to `end`."""

    attributes: tuple[str, str]
    begin: int
    end: int


class ColumnarKeyFinder:
    """Finds the business keys of many spans.

    Args:
        finder: the rules.
    """

    def __init__(self, finder: KeyFinder) -> None:
        self._finder = finder

    def correlations(
        self,
        spans: pa.Table,
        attributes: Attributes,
        promoted: PromotedColumns,
        children: Children,
        origins: Sequence[OriginRange],
    ) -> pa.Table:
        """Return the correlations of spans (`span_batch.CORRELATIONS`).

        Args:
            spans: their trace ids, `start` and `end`.
            attributes: their attributes.
            promoted: their promoted columns.
            children: the attributes of their events and links.
            origins: the attributes of their resources and scopes.
        """
        found = _Correlations()
        finder, entries = self._finder, attributes.dictionary
        _add_attributes(found, entries, attributes.owner, attributes.entry, finder.attribute_keys)
        _add_attributes(found, entries, children.span, children.entry, finder.child_keys)
        self._add_origins(found, origins)
        self._add_routes(found, attributes, promoted)
        self._add_message_keys(found, promoted)
        return found.to_table(spans)

    def _add_origins(self, found: _Correlations, origins: Sequence[OriginRange]) -> None:
        """Add the keys of resources and scopes; nearly none have any."""
        for texts, begin, end in origins:
            for key, value in itertools.chain.from_iterable(map(self._finder.of_origin, texts)):
                found.add(key, np.arange(begin, end), pa.repeat(value, end - begin))

    def _add_routes(self, found: _Correlations, attributes: Attributes, promoted: PromotedColumns) -> None:
        """Add the keys in paths. Most routes have none, and their many paths are skipped."""
        templates = promoted.entries(HTTP_ROUTE)
        if URL_TEMPLATE in attributes.dictionary.names:
            templates = np.where(templates < 0, _entries_with_text(attributes, [URL_TEMPLATE]), templates)
        paths_of = _Paths(attributes)
        order = np.argsort(templates, kind="stable")
        begins = np.searchsorted(templates[order], np.arange(len(promoted.texts) + 1))
        rare: list[tuple[str, Index]] = []
        for entry, template in _distinct(templates, promoted.texts):
            keys = self._finder.parameter_keys(template)
            spans = order[begins[entry] : begins[entry + 1]]
            if keys and len(spans) < _FEW:
                rare.append((template, spans))
            elif keys:
                self._add_route(found, template, keys, spans, paths_of.take(spans))
        if rare:
            self._add_rare_routes(found, rare, paths_of)

    def _add_rare_routes(
        self, found: _Correlations, rare: Sequence[tuple[str, Index]], paths_of: "_Paths"
    ) -> None:
        """Add the keys in paths of routes with few spans, span by span: a pattern takes longer."""
        spans = np.concatenate([own for _, own in rare])
        templates = itertools.chain.from_iterable([template] * len(own) for template, own in rare)
        values: dict[str, list[tuple[int, str]]] = {}
        for span, template, path in zip(
            spans.tolist(), templates, paths_of.take(spans).to_pylist(), strict=True
        ):
            for key, value in self._finder.in_route(template, path) if path is not None else ():
                values.setdefault(key, []).append((span, value))
        for key, pairs in values.items():
            texts = pa.array([value for _, value in pairs], pa.string())
            found.add(key, np.array([span for span, _ in pairs]), texts)

    def _add_route(
        self,
        found: _Correlations,
        template: str,
        keys: Sequence[tuple[str, str]],
        spans: Index,
        paths: pa.StringArray,
    ) -> None:
        if paths.null_count:
            known = paths.is_valid()
            spans, paths = spans[as_numpy(known)], paths.filter(known)
        unusual = as_numpy(pc.match_substring_regex(paths, _UNUSUAL_PATH))
        parameters = _parameters(template, paths)
        if parameters is None or len({key for _, key in keys}) < len(keys):
            unusual[:] = True  # several parameters map to one key: the finder knows which one wins
        else:
            plain = np.flatnonzero(~unusual)
            for name, key in keys:
                found.add(key, spans[plain], parameters[name].take(pa.array(plain)))
        for position in np.flatnonzero(unusual).tolist():
            for key, value in self._finder.in_route(template, paths[position].as_py()):
                found.add(key, spans[position : position + 1], pa.array([value]))

    def _add_message_keys(self, found: _Correlations, promoted: PromotedColumns) -> None:
        keys = promoted.entries(MESSAGING_KAFKA_MESSAGE_KEY)
        spans = np.flatnonzero(keys >= 0)
        topics = promoted.entries(MESSAGING_DESTINATION_NAME)[spans]
        for entry, topic in [(-1, ""), *_distinct(topics, promoted.texts)]:
            about = spans[topics == entry]
            if len(about):
                values = promoted.texts.take(pa.array(keys[about]))
                for key in self._finder.kafka_keys(topic):
                    found.add(key, about, values)


def _add_attributes(
    found: _Correlations,
    entries: AttributeDictionary,
    spans: Index,
    entry: Index,
    keys_of: Callable[[str], list[str]],
) -> None:
    """Add the keys in attributes, given as their spans and their numbers in the dictionary."""
    keys = {number: keys for number, name in enumerate(entries.names) if (keys := keys_of(name))}
    if not keys or not len(entry):
        return
    key_of_attribute = entries.key[entry]
    for number, named in keys.items():
        held = np.flatnonzero(key_of_attribute == number)
        numbers = entry[held]
        which = pa.array(numbers)
        texts = entries.text.take(which)
        if texts.null_count:
            texts = pc.coalesce(
                texts,
                pc.cast(entries.integer.take(which), pa.string()),
                pc.cast(entries.boolean.take(which), pa.string()),
            )
        for key in named:
            found.add(key, spans[held], texts)
        if texts.null_count:
            unusual = np.flatnonzero(as_numpy(texts.is_null()))
            rows, values = _values_of(entries, numbers[unusual])
            for key in named:
                found.add(key, spans[held[unusual[rows]]], values)


def _values_of(entries: AttributeDictionary, numbers: Index) -> tuple[Index, pa.StringArray]:
    """Return the values in doubles and lists, and the position of the attribute of each."""
    distinct, which = np.unique(numbers, return_inverse=True)
    values = pa.array(
        [attribute_values(entries.value(number)) for number in distinct.tolist()], pa.list_(pa.string())
    )
    taken = values.take(pa.array(which))
    return as_numpy(pc.list_parent_indices(taken)), taken.flatten()


def _parameters(template: str, paths: pa.StringArray) -> dict[str, pa.StringArray] | None:
    """Return the parameters of a route per path, null if it does not match; None if RE2 lacks support."""
    try:
        matched = pc.extract_regex(paths, f"^(?:{template_pattern(template).pattern})$")
    except pa.ArrowInvalid:  # a name or an escape that RE2 does not support
        return None
    valid = matched.is_valid()
    nothing = pa.scalar(None, pa.string())
    return {
        field.name: pc.if_else(valid, pc.struct_field(matched, field.name), nothing) for field in matched.type
    }


def _distinct(entries: Index, texts: pa.StringArray) -> list[tuple[int, str]]:
    """Return the distinct entries and their texts; -1 is none."""
    found = np.flatnonzero(np.bincount(entries + 1)[1:])
    return list(zip(found.tolist(), texts.take(pa.array(found)).to_pylist(), strict=True))


def _bounded(values: pa.StringArray) -> pa.StringArray:
    """Apply `bounded` to each value; null for a value that cannot be an id."""
    lengths = pc.binary_length(values)
    unusual = pc.or_(
        pc.match_substring_regex(values, _UNUSUAL_VALUE),
        pc.or_(pc.equal(lengths, 0), pc.greater(lengths, MAX_VALUE_LENGTH)),
    )
    return _map_some(values, unusual, bounded)


class _Paths:
    """The request paths of spans, from the first attribute that contains one."""

    def __init__(self, attributes: Attributes) -> None:
        self._attributes = attributes

    def take(self, spans: Index) -> pa.StringArray:
        """Return the paths of these spans; null for none."""
        rows = pa.array(spans)
        paths = self._paths.take(rows)
        if not paths.null_count:
            return paths
        urls = self._urls.take(rows)
        return pc.coalesce(paths, _map_some(urls, urls.is_valid(), url_path))

    @cached_property
    def _paths(self) -> pa.StringArray:
        return _text(self._attributes, URL_PATH_DIALECTS)

    @cached_property
    def _urls(self) -> pa.StringArray:
        return _text(self._attributes, URL_FULL_DIALECTS)


def _map_some(
    texts: pa.StringArray, which: pa.BooleanArray, function: Callable[[str], str | None]
) -> pa.StringArray:
    """Apply a function to some of the texts, once per distinct text."""
    which = pc.fill_null(which, fill_value=False)
    if not pc.any(which).as_py():
        return texts
    encoded = texts.filter(which).dictionary_encode()
    changed = pa.array(map(function, encoded.dictionary.to_pylist()), pa.string())
    return pc.replace_with_mask(texts, which, changed.take(encoded.indices))


def _text(attributes: Attributes, keys: Sequence[str]) -> pa.StringArray:
    """Return, for each span, its first non-empty string attribute with one of these keys; null for none."""
    chosen = _entries_with_text(attributes, keys)
    return attributes.dictionary.text.take(pa.array(chosen, mask=chosen < 0))


def _entries_with_text(attributes: Attributes, keys: Sequence[str]) -> Index:
    """Return the dictionary entries of these attributes; -1 for none."""
    some = as_numpy(pc.fill_null(pc.not_equal(attributes.dictionary.text, ""), fill_value=False))
    return entry_of_owner(attributes, [attributes.dictionary.with_key(key) & some for key in keys])
