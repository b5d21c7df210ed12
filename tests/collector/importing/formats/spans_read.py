"""The rows that a file decoder makes of a document."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from laban_collector.decode.batch_builder import BatchBuilder, SentSpan
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.results import Problems
from laban_collector.importing.formats.format import Content

Row = dict[str, Any]


class Read(NamedTuple):
    """The rows of all tables, and the counts of what was left out."""

    spans: list[Row]
    events: list[Row]
    links: list[Row]
    services: list[str]
    scopes: list[Row]
    problems: Counter[str]
    notes: Counter[str]
    unknown: Counter[str]
    resources: list[Row]
    correlations: set[tuple[str, str]]


def read(sent_spans: Callable[[Problems], Iterator[Content]]) -> Read:
    """Return everything that a decoder yields."""
    problems, builder = Problems(), BatchBuilder(KeyFinder())
    for span in sent_spans(problems):
        assert isinstance(span, SentSpan)
        builder.add(span)
    batch = builder.to_batch()
    resources: list[Row] = batch.resources.to_pylist()
    services = {row["resource_id"]: row["service"] for row in resources}
    spans: list[Row] = batch.spans.to_pylist()
    return Read(
        spans,
        batch.events.to_pylist(),
        batch.links.to_pylist(),
        [services[row["resource_id"]] for row in spans],
        batch.scopes.to_pylist(),
        problems.reasons,
        problems.notes,
        problems.unknown,
        resources,
        {(row["key"], row["value"]) for row in batch.correlations.to_pylist()},
    )
