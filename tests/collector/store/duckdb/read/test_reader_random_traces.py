"""The reader finds all stored traces, links and messages, with any division into commits and digests."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.index.digests import Digester
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import MessageRef, Span

from ..edges.test_counter import WHOLE, random_commits, store
from ..random_shop import CONSUMER, shop


def spans_from(seed: int) -> list[Span]:
    """Return random spans whose traces share halves of their ids, and whose messages share offsets."""
    numbers = random.Random(seed)  # noqa: S311 - nothing secret
    spans = shop(seed, short_ids=0)
    traces = sorted({span.trace_id for span in spans})
    halves = [f"{numbers.getrandbits(64):016x}" for _ in range(2 + len(traces) // 3)]
    pairs = [(high, low) for high in halves for low in halves]
    renamed = dict(zip(traces, map("".join, numbers.sample(pairs, len(traces))), strict=True))

    def changed(span: Span) -> Span:
        links = tuple((renamed[trace_id], span_id) for trace_id, span_id in span.links)
        at = {"partition": numbers.randrange(2), "offset": numbers.randrange(4)} if span.topic else {}
        return replace(span, trace_id=renamed[span.trace_id], links=links, **at)  # type: ignore[arg-type]

    return [changed(span) for span in spans]


def comparable(spans: Sequence[Span]) -> list[tuple[object, ...]]:
    by_start = sorted(spans, key=lambda span: (span.start, span.span_id, span.kind))
    return [(s.trace_id, s.span_id, s.kind, s.service, s.name, sorted(s.links)) for s in by_start]


@pytest.mark.parametrize("seed", range(12))
def test_stored_traces_links_messages_and_groups_are_found(database: Database, seed: int) -> None:
    spans = spans_from(seed)
    numbers = random.Random(seed)  # noqa: S311 - nothing secret
    store(DuckDBWriter(database), random_commits(spans, 1 + seed, seed))
    Digester(database, 1 + 10 * (seed % 3)).catch_up()
    reader = DuckDBReader(database)
    traces = sorted({span.trace_id for span in spans})
    for size in range(1, len(traces), 4):
        wanted = numbers.sample(traces, size)
        assert comparable(reader.spans_of(wanted, *WHOLE, 10_000)) == comparable(
            [s for s in spans if s.trace_id in wanted]
        )
        linking = {span.trace_id for span in spans if {trace for trace, _ in span.links} & set(wanted)}
        assert set(reader.traces_linked_from(wanted)) == linking - set(wanted)
        messages = {MessageRef("orders", numbers.randrange(2), numbers.randrange(4)) for _ in range(size)}
        taken = {
            span.trace_id
            for span in spans
            if (span.topic, span.partition, span.offset)
            in {(message.topic, message.partition, message.offset) for message in messages}
        }
        assert set(reader.traces_of_messages(list(messages), *WHOLE)) == taken
    consumers = {(s.topic, s.group, s.service) for s in spans if s.kind == CONSUMER and s.group and s.topic}
    groups = reader.groups_of(sorted({span.topic for span in spans if span.topic}))
    found = {(topic, group) for topic, by_group in groups.items() for group in by_group}
    assert found == {(topic, group) for topic, group, _ in consumers}


def test_spans_are_limited_to_the_first_by_start(database: Database) -> None:
    spans = spans_from(3)
    store(DuckDBWriter(database), random_commits(spans, 8, 3))
    Digester(database, 1).catch_up()
    traces = sorted({span.trace_id for span in spans})
    first = DuckDBReader(database).spans_of(traces, *WHOLE, 20)
    assert comparable(first) == comparable(spans)[:20]


def test_answers_at_one_moment_do_not_change_while_spans_arrive(database: Database) -> None:
    spans = spans_from(4)
    writer, reader = DuckDBWriter(database), DuckDBReader(database)
    store(writer, [spans[:10]])
    traces = sorted({span.trace_id for span in spans})
    with reader.at_one_moment():
        before = reader.spans_of(traces, *WHOLE, 10_000)
        store(writer, [spans[10:]])
        assert reader.spans_of(traces, *WHOLE, 10_000) == before
    assert comparable(reader.spans_of(traces, *WHOLE, 10_000)) == comparable(spans)
