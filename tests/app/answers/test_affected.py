"""Who else is affected, from the counts that a real database keeps by minute."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from laban_app.answers.affected import affected_by
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import MINUTE, Span
from laban_mapper.model import OrderScope
from laban_mapper.story.causality import Causality
from laban_mapper.story.causes.counted import by_message, by_visit
from laban_mapper.story.causes.facts import Claim
from laban_mapper.times import utc_time

from ...collector.store.duckdb.edges.test_counter import count
from ...mapper.shop_spans import MS, T0, http_server, process, publish
from ...otlp import to_otlp

NOON = T0 // MINUTE * MINUTE


def order(number: int, at: float, *, times: int = 1, reads: bool = True, status: int = 0) -> list[Span]:
    """An order that publishes; email reads each message, if it does."""
    top = http_server("order", "POST /orders", at, 50, trace_id=f"{number + 1:032x}")
    spans = [top]
    for offset in range(2 * number, 2 * number + times):
        sent = publish("order", "orders", at + 10, top, offset=offset)
        spans += [sent, process("email", sent, at + 60, 10, status=status)] if reads else [sent]
    return spans


def minute(number: int) -> datetime:
    return utc_time(NOON + number * MINUTE)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBReader]:
    """Ten orders a minute. From the 10th minute on every other message is not read, from the 12th on each is
    published twice, and in the 14th some cannot be read."""
    path: Path = tmp_path_factory.mktemp("affected") / "spans.duckdb"
    spans: list[Span] = []
    for number in range(150):
        at = (NOON - T0) / MS + number * 6_000
        begun = number // 10
        spans += order(
            number,
            at,
            times=2 if 12 <= begun < 14 else 1,
            reads=not (10 <= begun < 12 and number % 2),
            status=2 if begun == 14 and number % 5 == 0 else 0,
        )
    with Database.open(path) as database:
        DuckDBWriter(database).write(decode([to_otlp(spans)], KeyFinder()).batch)
        count(database)
        yield DuckDBReader(database)


def test_absent_steps_repeated_ones_and_poison_are_counted_where_they_can_be(reader: DuckDBReader) -> None:
    spans = order(110, 11 * MINUTE / MS)
    top, sent, read = spans
    causality = Causality(spans)
    read_by = by_message("orders", "group:email")
    absent = Claim("missing", "email", "", "", (sent,), counted=read_by)
    assert affected_by(reader, absent) == OrderScope(
        affected=10, of=70, since=minute(10), before_affected=0, before_of=100
    )
    visit = by_visit(top, ("topic:orders",), causality)
    repeated = Claim("published_twice", "order", "", "", (order(130, 13 * MINUTE / MS)[1],), counted=visit)
    scope = affected_by(reader, repeated)
    assert scope is not None
    assert (scope.since, scope.affected, scope.before_of) == (minute(12), 20, 120)
    poison = Claim("poison", "order", "", "", (order(140, 14 * MINUTE / MS)[1], read))
    scope = affected_by(reader, poison)
    assert scope is not None
    assert (scope.since, scope.affected) == (minute(14), 2)
    assert affected_by(reader, Claim("out_of_order", "order", "", "", (sent,))) is None
