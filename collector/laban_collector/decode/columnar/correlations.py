"""Business keys of many spans, column by column; only what is written oddly is looked at by itself."""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: its arrays are unknown to pyright wherever they are passed, and its kernels are made
# when it is imported.

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laban.keys import MAX_VALUE_LENGTH, bounded, template_pattern
from laban.vocabulary import (
    HTTP_ROUTE,
    MESSAGING_DESTINATION_NAME,
    MESSAGING_KAFKA_MESSAGE_KEY,
    PROMOTED,
    URL_FULL_DIALECTS,
    URL_PATH_DIALECTS,
    URL_TEMPLATE,
)
from laban_collector import span_batch
from laban_collector.correlations import KeyFinder, url_path
from laban_collector.decode.columnar.pairs import Attributes, Index, as_numpy, pair_of_owner

_COLUMN: Final = {promoted.keys[0]: promoted.column for promoted in PROMOTED}
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
        table = spans.select([*_TRACE, "start", "end"]).take(pa.array(np.concatenate(self._spans)[known]))
        table = table.append_column("code", pa.array(np.concatenate(self._codes)[known]))
        table = table.append_column("value", values.take(pa.array(known)))
        grouped = table.group_by(["code", "value", *_TRACE], use_threads=False).aggregate(
            [("start", "min"), ("end", "max")]
        )
        columns = {
            "key": pa.array(self._keys, pa.string()).take(grouped["code"]),
            "first": grouped["start_min"],
            "last": grouped["end_max"],
        } | {name: grouped[name] for name in ("value", *_TRACE)}
        names = span_batch.CORRELATIONS.names
        return pa.Table.from_arrays([columns[name] for name in names], schema=span_batch.CORRELATIONS)


def correlate(
    spans: pa.Table, attributes: Attributes, columns: Mapping[str, pa.Array], finder: KeyFinder
) -> pa.Table:
    """The correlations of spans (`span_batch.CORRELATIONS`).

    Args:
        spans: their trace ids, `start` and `end`.
        attributes: theirs.
        columns: their promoted columns.
        finder: says where the keys are.
    """
    found = _Found()
    _in_attributes(found, attributes, finder)
    _in_routes(found, attributes, columns[_COLUMN[HTTP_ROUTE]], finder)
    topics, keys = columns[_COLUMN[MESSAGING_DESTINATION_NAME]], columns[_COLUMN[MESSAGING_KAFKA_MESSAGE_KEY]]
    _in_message_keys(found, topics, keys, finder)
    return found.to_table(spans)


def _in_attributes(found: _Found, attributes: Attributes, finder: KeyFinder) -> None:
    pairs = attributes.pairs
    for number, name in enumerate(pairs.names):
        keys = finder.attribute_keys(name)
        if not keys:
            continue
        holding = np.flatnonzero(pairs.key == number)
        rows = pa.array(holding)
        values = pc.coalesce(pairs.text.take(rows), pc.cast(pairs.integer.take(rows), pa.string()))
        position = np.full(len(pairs), -1, np.int64)
        position[holding] = np.arange(len(holding))
        which = position[attributes.pair]
        held = which >= 0
        of_spans = values.take(pa.array(which[held]))
        for key in keys:
            found.add(key, attributes.owner[held], of_spans)


def _in_routes(found: _Found, attributes: Attributes, routes: pa.StringArray, finder: KeyFinder) -> None:
    """The keys in paths. Most routes hold none, and their paths, which are many, are not looked at."""
    templates = pc.coalesce(routes, _text(attributes, [URL_TEMPLATE])).dictionary_encode()
    codes = as_numpy(templates.indices.fill_null(-1))
    for code, template in enumerate(templates.dictionary.to_pylist()):
        keys = finder.parameter_keys(template)
        if not keys:
            continue
        spans = np.flatnonzero(codes == code)
        paths = _paths(attributes, spans)
        known = paths.is_valid()
        spans, paths = spans[as_numpy(known)], paths.filter(known)
        odd = as_numpy(pc.match_substring_regex(paths, _ODD_PATH))
        parameters = _parameters(template, paths)
        if parameters is None or len({key for _, key in keys}) < len(keys):
            odd[:] = True  # several parameters for one key: the finder knows which one counts
        else:
            plain = pa.array(~odd)
            for name, key in keys:
                found.add(key, spans[~odd], parameters[name].filter(plain))
        for span, path in zip(spans[odd], paths.filter(pa.array(odd)).to_pylist(), strict=True):
            for key, value in finder.in_route(template, path):
                found.add(key, np.array([span]), pa.array([value]))


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


def _in_message_keys(found: _Found, topics: pa.StringArray, keys: pa.StringArray, finder: KeyFinder) -> None:
    spans = np.flatnonzero(as_numpy(keys.is_valid()))
    if not len(spans):
        return
    rows = pa.array(spans)
    values = keys.take(rows)
    encoded = topics.take(rows).fill_null("").dictionary_encode()
    codes = as_numpy(encoded.indices)
    for code, topic in enumerate(encoded.dictionary.to_pylist()):
        about = codes == code
        for key in finder.kafka_keys(topic):
            found.add(key, spans[about], values.filter(pa.array(about)))


def _bounded(values: pa.StringArray) -> pa.StringArray:
    """Each value as `bounded` gives it; null for what can be no id."""
    lengths = pc.binary_length(values)
    odd = pc.or_(
        pc.match_substring_regex(values, _ODD_VALUE),
        pc.or_(pc.equal(lengths, 0), pc.greater(lengths, MAX_VALUE_LENGTH)),
    )
    return _changed(values, odd, bounded)


def _paths(attributes: Attributes, spans: Index) -> pa.StringArray:
    """Of each of these spans the path of its request, from whichever attribute tells it; null for none."""
    rows = pa.array(spans)
    paths = _text(attributes, URL_PATH_DIALECTS).take(rows)
    if not paths.null_count:
        return paths
    urls = _text(attributes, URL_FULL_DIALECTS).take(rows)
    return pc.coalesce(paths, _changed(urls, urls.is_valid(), url_path))


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


def _text(attributes: Attributes, keys: Iterable[str]) -> pa.StringArray:
    """Of each span its first attribute of these that is a string and not empty; null for none."""
    text = attributes.pairs.text
    some = as_numpy(pc.fill_null(pc.not_equal(text, ""), fill_value=False))
    chosen = pair_of_owner(attributes, [attributes.pairs.named(key) & some for key in keys])
    return text.take(pa.array(chosen, mask=chosen < 0))
