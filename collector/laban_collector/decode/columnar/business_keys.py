"""Business keys of many spans, column by column; only what is written oddly is looked at by itself."""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: its arrays are unknown to pyright wherever they are passed, and its kernels are made
# when it is imported.

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from laban.business_keys.keys import MAX_VALUE_LENGTH, bounded, template_pattern
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
from laban_collector.decode.columnar.attribute_dictionary import Attributes, Index, as_numpy, pair_of_owner
from laban_collector.decode.columnar.promotion import PromotedColumns

_TRACE: Final = ["trace_hi", "trace_lo"]
_ODD_VALUE: Final = "[^!-~]"
"""What may make `bounded` change or refuse a text: a space, or what is not ASCII."""
_ODD_PATH: Final = "[?%]"
"""A query, or what has to be decoded."""


class _Found:
    """Which span has which correlation; the same more than once does no harm."""

    def __init__(self) -> None:
        self._keys: dict[str, int] = {}
        self._codes: list[Index] = []
        self._spans: list[Index] = []
        self._values: list[pa.StringArray] = []

    def add(self, key: str, spans: Index, values: pa.StringArray) -> None:
        """Each of these spans has this value of the key, if it is one; none where it is null."""
        if len(spans):
            self._codes.append(np.full(len(spans), self._keys.setdefault(key, len(self._keys)), np.int64))
            self._spans.append(spans)
            self._values.append(values)

    def to_table(self, spans: pa.Table) -> pa.Table:
        """One row a distinct (key, value, trace), with the first start and the last end."""
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
    """The order in which rows that are equal in all keys stand together, and where in it each run begins."""
    order = np.lexsort(keys)
    begins = np.zeros(len(order), np.bool_)
    begins[0] = True
    for key in keys:
        ordered = key[order]
        begins[1:] |= ordered[1:] != ordered[:-1]
    return order, np.flatnonzero(begins)


def correlate(
    spans: pa.Table, attributes: Attributes, promoted: PromotedColumns, finder: KeyFinder
) -> pa.Table:
    """The correlations of spans (`span_batch.CORRELATIONS`).

    Args:
        spans: their trace ids, `start` and `end`.
        attributes: theirs.
        promoted: their promoted columns.
        finder: says where the keys are.
    """
    found = _Found()
    _in_attributes(found, attributes, finder)
    _in_routes(found, attributes, promoted, finder)
    _in_message_keys(found, promoted, finder)
    return found.to_table(spans)


def _in_attributes(found: _Found, attributes: Attributes, finder: KeyFinder) -> None:
    pairs = attributes.pairs
    keys = {number: keys for number, name in enumerate(pairs.names) if (keys := finder.attribute_keys(name))}
    if not keys:
        return
    key_of_attribute = pairs.key[attributes.pair]
    for number, named in keys.items():
        held = np.flatnonzero(key_of_attribute == number)
        which = pa.array(attributes.pair[held])
        of_spans = pairs.text.take(which)
        if of_spans.null_count:
            of_spans = pc.coalesce(of_spans, pc.cast(pairs.integer.take(which), pa.string()))
        for key in named:
            found.add(key, attributes.owner[held], of_spans)


def _in_routes(found: _Found, attributes: Attributes, promoted: PromotedColumns, finder: KeyFinder) -> None:
    """The keys in paths. Most routes hold none, and their paths, which are many, are not looked at."""
    templates = promoted.pairs(HTTP_ROUTE)
    if URL_TEMPLATE in attributes.pairs.names:
        templates = np.where(templates < 0, _texts_named(attributes, [URL_TEMPLATE]), templates)
    paths_of = _Paths(attributes)
    for pair, template in _distinct(templates, promoted.texts):
        keys = finder.parameter_keys(template)
        if not keys:
            continue
        spans = np.flatnonzero(templates == pair)
        paths = paths_of.take(spans)
        if paths.null_count:
            known = paths.is_valid()
            spans, paths = spans[as_numpy(known)], paths.filter(known)
        odd = as_numpy(pc.match_substring_regex(paths, _ODD_PATH))
        parameters = _parameters(template, paths)
        if parameters is None or len({key for _, key in keys}) < len(keys):
            odd[:] = True  # several parameters for one key: the finder knows which one counts
        else:
            plain = np.flatnonzero(~odd)
            for name, key in keys:
                found.add(key, spans[plain], parameters[name].take(pa.array(plain)))
        for position in np.flatnonzero(odd).tolist():
            for key, value in finder.in_route(template, paths[position].as_py()):
                found.add(key, spans[position : position + 1], pa.array([value]))


def _parameters(template: str, paths: pa.StringArray) -> dict[str, pa.StringArray] | None:
    """The parameters of a route in each path, null where it does not match; None: ask the finder."""
    try:
        matched = pc.extract_regex(paths, f"^(?:{template_pattern(template).pattern})$")
    except pa.ArrowInvalid:  # a name, or an escape, that RE2 does not know
        return None
    valid = matched.is_valid()
    nothing = pa.scalar(None, pa.string())
    return {
        field.name: pc.if_else(valid, pc.struct_field(matched, field.name), nothing) for field in matched.type
    }


def _in_message_keys(found: _Found, promoted: PromotedColumns, finder: KeyFinder) -> None:
    keys = promoted.pairs(MESSAGING_KAFKA_MESSAGE_KEY)
    spans = np.flatnonzero(keys >= 0)
    topics = promoted.pairs(MESSAGING_DESTINATION_NAME)[spans]
    for pair, topic in [(-1, ""), *_distinct(topics, promoted.texts)]:
        about = spans[topics == pair]
        if len(about):
            values = promoted.texts.take(pa.array(keys[about]))
            for key in finder.kafka_keys(topic):
                found.add(key, about, values)


def _distinct(pairs: Index, texts: pa.StringArray) -> list[tuple[int, str]]:
    """The distinct ones, and their texts; -1 is none."""
    found = np.flatnonzero(np.bincount(pairs + 1)[1:])
    return list(zip(found.tolist(), texts.take(pa.array(found)).to_pylist(), strict=True))


def _bounded(values: pa.StringArray) -> pa.StringArray:
    """Each value as `bounded` gives it; null for what can be no id."""
    lengths = pc.binary_length(values)
    odd = pc.or_(
        pc.match_substring_regex(values, _ODD_VALUE),
        pc.or_(pc.equal(lengths, 0), pc.greater(lengths, MAX_VALUE_LENGTH)),
    )
    return _changed(values, odd, bounded)


class _Paths:
    """Paths of requests, from whichever attribute tells them."""

    def __init__(self, attributes: Attributes) -> None:
        self._attributes = attributes

    def take(self, spans: Index) -> pa.StringArray:
        """Of each of these spans the path; null for none."""
        rows = pa.array(spans)
        paths = self._told.take(rows)
        if not paths.null_count:
            return paths
        urls = self._urls.take(rows)
        return pc.coalesce(paths, _changed(urls, urls.is_valid(), url_path))

    @cached_property
    def _told(self) -> pa.StringArray:
        return _text(self._attributes, URL_PATH_DIALECTS)

    @cached_property
    def _urls(self) -> pa.StringArray:
        return _text(self._attributes, URL_FULL_DIALECTS)


def _changed(
    texts: pa.StringArray, which: pa.BooleanArray, change: Callable[[str], str | None]
) -> pa.StringArray:
    """Some of the texts changed, each distinct one once."""
    which = pc.fill_null(which, fill_value=False)
    if not pc.any(which).as_py():
        return texts
    encoded = texts.filter(which).dictionary_encode()
    changed = pa.array(map(change, encoded.dictionary.to_pylist()), pa.string())
    return pc.replace_with_mask(texts, which, changed.take(encoded.indices))


def _text(attributes: Attributes, keys: Sequence[str]) -> pa.StringArray:
    """Of each span its first attribute of these that is a string and not empty; null for none."""
    chosen = _texts_named(attributes, keys)
    return attributes.pairs.text.take(pa.array(chosen, mask=chosen < 0))


def _texts_named(attributes: Attributes, keys: Sequence[str]) -> Index:
    """The same as distinct attributes, -1 for none."""
    some = as_numpy(pc.fill_null(pc.not_equal(attributes.pairs.text, ""), fill_value=False))
    return pair_of_owner(attributes, [attributes.pairs.named(key) & some for key in keys])
