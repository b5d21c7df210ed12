"""The rows that a file decoder makes of a document."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from laban_collector.decode.batch_builder import BatchBuilder, SentSpan
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.results import Problems

Row = dict[str, Any]


class Read(NamedTuple):
    """The rows of all tables, and the reasons for rejected data."""

    spans: list[Row]
    events: list[Row]
    links: list[Row]
    services: list[str]
    scopes: list[Row]
    problems: Counter[str]


def read(sent_spans: Callable[[Problems], Iterator[SentSpan]]) -> Read:
    """Return everything that a decoder yields."""
    problems, builder = Problems(), BatchBuilder(KeyFinder())
    for span in sent_spans(problems):
        builder.add(span)
    batch = builder.to_batch()
    resources = {row["resource_id"]: row["service"] for row in batch.resources.to_pylist()}
    spans: list[Row] = batch.spans.to_pylist()
    return Read(
        spans,
        batch.events.to_pylist(),
        batch.links.to_pylist(),
        [resources[row["resource_id"]] for row in spans],
        batch.scopes.to_pylist(),
        problems.reasons,
    )
