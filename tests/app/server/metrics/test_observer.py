import time
from dataclasses import replace
from pathlib import Path

from laban_app.answers.local import LocalAnswers
from laban_app.server.metrics.observer import Observer
from laban_app.server.metrics.orders import OrdersTally
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.kept_state import KeptState
from laban_collector.store.rows import Lag

from ....mapper.shop_spans import http_client, http_server
from ....otlp import to_otlp


class Clock:
    now = 10_000.0

    def __call__(self) -> float:
        return self.now


def test_what_takes_long_is_looked_for_at_an_interval_and_only_while_somebody_scrapes(
    database: Database, tmp_path: Path
) -> None:
    writer, reader, clock = DuckDBWriter(database), DuckDBReader(database), Clock()
    root = replace(http_server("order", "POST /orders", 0, 50), start=time.time_ns())
    call = replace(http_client("order", "GET", 0, 40, root), start=root.start)
    served = replace(http_server("pricing", "GET /price", 0, 30, call), start=root.start)
    writer.write(decode([to_otlp([root, call, served])], KeyFinder()).batch)
    writer.write_lag([Lag(time.time_ns(), "", "mail", "orders", 0, 1, 41, 0, 40, 90.0, "STOP")])
    answers = LocalAnswers(reader)
    orders = OrdersTally(answers, reader, KeptState(tmp_path / "x", "orders"), time.time_ns)
    observer = Observer(answers, reader, orders, 100, {"order POST /orders"}, clock=clock)
    observer.work()
    assert not observer.lag.groups
    assert observer.findings is None
    observer.scraped(exemplars=False)
    observer.work()
    assert [group.group for group in observer.lag.groups] == ["mail"]
    assert [(one.name, one.calls) for one in observer.entries] == [("order POST /orders", 1)]
    first = observer.findings
    assert first is not None
    assert first.counts["L022", "error"] == 1
    assert observer.exemplars == (), "nobody asked for OpenMetrics"
    clock.now += 20
    observer.scraped(exemplars=True)
    observer.work()
    assert {one.key.server for one in observer.exemplars} == {"order", "pricing"}
    assert {one.trace_id for one in observer.exemplars} == {root.trace_id}
    assert observer.findings is first
    clock.now += 700
    writer.write_lag([Lag(time.time_ns(), "", "late", "orders", 0, 1, 41, 0, 40, 90.0, "OK")])
    observer.work()
    assert [group.group for group in observer.lag.groups] == ["mail"], "nobody scrapes any more"
    observer.scraped(exemplars=False)
    observer.work()
    assert len(observer.lag.groups) == 2
    assert observer.findings is not first
