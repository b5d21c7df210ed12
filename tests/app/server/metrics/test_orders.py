from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from laban_app.answers.local import LocalAnswers
from laban_app.server.metrics import orders
from laban_app.server.metrics.orders import SETTLE_S, OrdersTally
from laban_app.server.metrics.text import Form
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.kept_state import KeptState
from laban_collector.store.rows import Span

from ....mapper.shop_spans import T0, http_server
from ....otlp import to_otlp

S = 10**9


class Clock:
    now = T0

    def __call__(self) -> int:
        return self.now


def order(number: int, at_s: float, *, failed: bool = False) -> Span:
    span = http_server("order", "POST /orders", at_s * 1000, 5, status=2 if failed else 0)
    return replace(span, trace_id=f"{number:032x}", attributes={"order.id": str(number)})


class Counting:
    def __init__(self, database: Database, folder: Path) -> None:
        self.clock = Clock()
        self.writer, self.reader = DuckDBWriter(database), DuckDBReader(database)
        self.kept = KeptState(folder / "x.duckdb", "orders")
        self.restart()

    def restart(self) -> None:
        answers = LocalAnswers(self.reader, self.clock)
        self.tally = OrdersTally(answers, self.reader, self.kept, self.clock)

    def count(self, at_s: float, spans: Sequence[Span] = ()) -> list[str]:
        if spans:
            self.writer.write(decode([to_otlp(spans)], KeyFinder()).batch)
        self.clock.now = T0 + round(at_s * S)
        self.tally.count()
        return [line for line in self.tally.render(Form.TEXT).splitlines() if not line.startswith("#")]


def test_orders_are_counted_once_by_outcome_after_a_minute_also_over_a_restart(
    database: Database, tmp_path: Path
) -> None:
    counting = Counting(database, tmp_path)
    spans = [order(1, 1), order(2, 1, failed=True)]
    assert counting.count(2, spans) == []
    expected = [
        'laban_orders_total{outcome="failed",entry="order POST /orders"} 1',
        'laban_orders_total{outcome="ok",entry="order POST /orders"} 1',
    ]
    assert counting.count(SETTLE_S + 3) == expected
    counting.restart()
    assert counting.count(SETTLE_S + 5, [order(3, 70), order(1, 68)]) == expected
    assert counting.count(SETTLE_S + 80) == [
        expected[0],
        'laban_orders_total{outcome="ok",entry="order POST /orders"} 2',
    ], "order 1 was counted before"


def test_more_orders_than_can_be_looked_at_are_counted_as_unknown(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "_TOLD", 2)
    counting = Counting(database, tmp_path)
    assert counting.count(SETTLE_S + 3, [order(number, 1) for number in range(1, 6)]) == [
        'laban_orders_total{outcome="ok",entry="order POST /orders"} 2',
        'laban_orders_total{outcome="unknown",entry="unknown"} 3',
    ]
