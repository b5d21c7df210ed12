"""Business keys of many spans: looked for once in each distinct attribute, path and message key."""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: its arrays are unknown to pyright wherever they are passed, and its kernels are made
# when it is imported.

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laban.keys import bounded
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
from laban_collector.correlations import Correlation, KeyFinder, url_path
from laban_collector.decode.columnar.pairs import Attributes, Index, as_numpy, pair_of_owner

_COLUMN: Final = {promoted.keys[0]: promoted.column for promoted in PROMOTED}
_TRACE: Final = ["trace_hi", "trace_lo"]


class _Found:
    """Which span has which correlation; the same more than once does no harm."""

    def __init__(self) -> None:
        self._codes: dict[Correlation, int] = {}
        self._spans: list[Index] = []
        self._of_span: list[Index] = []

    def add(self, spans: Index, which: Index, correlations: Iterable[Iterable[Correlation]]) -> None:
        """Take for each of these spans all of those correlations that `which` says."""
        codes = [[self._codes.setdefault(one, len(self._codes)) for one in found] for found in correlations]
        lists = pa.array(codes, pa.list_(pa.int64())).take(pa.array(which))
        self._spans.append(spans[pc.list_parent_indices(lists).to_numpy()])
        self._of_span.append(lists.flatten().to_numpy())

    def to_table(self, spans: pa.Table) -> pa.Table:
        """One row a distinct (key, value, trace), with the first start and the last end."""
        if not self._codes:
            return span_batch.CORRELATIONS.empty_table()
        rows = pa.array(np.concatenate(self._spans))
        table = spans.select([*_TRACE, "start", "end"]).take(rows)
        table = table.append_column("code", pa.array(np.concatenate(self._of_span)))
        grouped = table.group_by(["code", *_TRACE], use_threads=False).aggregate(
            [("start", "min"), ("end", "max")]
        )
        keys, values = zip(*self._codes, strict=True)
        columns = {
            "key": pa.array(keys, pa.string()).take(grouped["code"]),
            "value": pa.array(values, pa.string()).take(grouped["code"]),
            "first": grouped["start_min"],
            "last": grouped["end_max"],
        } | {name: grouped[name] for name in _TRACE}
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
    keys = {number: keys for number, name in enumerate(pairs.names) if (keys := finder.attribute_keys(name))}
    holding = np.flatnonzero(np.isin(pairs.key, list(keys)))
    if not len(holding):
        return
    correlations = [
        [(key, value) for key in keys[number]] if (value := bounded(sent)) is not None else []
        for number, sent in zip(pairs.key[holding].tolist(), pairs.scalars(holding), strict=True)
    ]
    position = np.full(len(pairs), -1, np.int64)
    position[holding] = np.arange(len(holding))
    which = position[attributes.pair]
    held = which >= 0
    found.add(attributes.owner[held], which[held], correlations)


def _in_routes(found: _Found, attributes: Attributes, routes: pa.StringArray, finder: KeyFinder) -> None:
    """The keys in paths. Most routes hold none, and their paths, which are many, are not looked at."""
    templates = pc.coalesce(routes, _text(attributes, [URL_TEMPLATE])).dictionary_encode()
    holds = [finder.route_holds_keys(name) for name in templates.dictionary.to_pylist()]
    if not any(holds):
        return
    holding = pa.array(holds).take(templates.indices).fill_null(False)
    spans = np.flatnonzero(as_numpy(holding))
    paths = _paths(attributes, spans)
    known = paths.is_valid()
    spans = spans[as_numpy(known)]
    matched, which = _distinct(templates.dictionary_decode().take(pa.array(spans)), paths.filter(known))
    found.add(spans, which, [finder.in_route(template, path) for template, path in matched])


def _in_message_keys(found: _Found, topics: pa.StringArray, keys: pa.StringArray, finder: KeyFinder) -> None:
    spans = np.flatnonzero(as_numpy(keys.is_valid()))
    if not len(spans):
        return
    rows = pa.array(spans)
    sent, which = _distinct(topics.take(rows).fill_null(""), keys.take(rows))
    correlations = [
        [(name, value) for name in finder.kafka_keys(topic)] if (value := bounded(key)) is not None else []
        for topic, key in sent
    ]
    found.add(spans, which, correlations)


def _paths(attributes: Attributes, spans: Index) -> pa.StringArray:
    """Of each of these spans the path of its request, from whichever attribute tells it; null for none."""
    rows = pa.array(spans)
    paths = _text(attributes, URL_PATH_DIALECTS).take(rows)
    if not paths.null_count:
        return paths
    urls = pc.if_else(paths.is_null(), _text(attributes, URL_FULL_DIALECTS).take(rows), None)
    distinct = urls.dictionary_encode()
    from_urls = pa.array(map(url_path, distinct.dictionary.to_pylist()), pa.string()).take(distinct.indices)
    return pc.coalesce(paths, from_urls)


def _text(attributes: Attributes, keys: Iterable[str]) -> pa.StringArray:
    """Of each span its first attribute of these that is a string and not empty; null for none."""
    text = attributes.pairs.text
    some = as_numpy(pc.fill_null(pc.not_equal(text, ""), fill_value=False))
    chosen = pair_of_owner(attributes, [attributes.pairs.named(key) & some for key in keys])
    return text.take(pa.array(chosen, mask=chosen < 0))


def _distinct(first: pa.StringArray, second: pa.StringArray) -> tuple[list[tuple[str, str]], Index]:
    """The distinct combinations of two columns without nulls, and of each row which one it has."""
    one, other = first.dictionary_encode(), second.dictionary_encode()
    width = len(other.dictionary)
    combined = one.indices.to_numpy().astype(np.int64) * width + other.indices.to_numpy()
    distinct, which = np.unique(combined, return_inverse=True)
    names, values = one.dictionary.to_pylist(), other.dictionary.to_pylist()
    return [(names[code // width], values[code % width]) for code in distinct.tolist()], which
