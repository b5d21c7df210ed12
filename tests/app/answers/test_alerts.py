from laban_app.answers.alert_settings import AlertSettings
from laban_app.answers.local import LocalAnswers
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import Lag, Span
from laban_mapper.alerts.limits import AlertLimits
from laban_mapper.model import BusinessKey

from ...otlp import to_otlp

S = 10**9
NOW = 1_790_000_000 * S


def sent(number: int, topic: str, offset: int) -> Span:
    """Return the span that published a message of an order, some seconds before now."""
    return Span(
        f"{number:032x}", f"{number:016x}", None, "order", "send", 4, NOW + (number - 100) * S, 10**6, 0,
        messaging_system="kafka", messaging_operation="send", topic=topic, partition=0, offset=offset,
        attributes={"order.id": str(1000 + number)},
    )  # fmt: skip


def test_alerts_about_messages_name_the_oldest_order_that_waits_and_the_newest_dead_letter(
    database: Database,
) -> None:
    writer = DuckDBWriter(database)
    spans = [sent(number, "orders", number) for number in range(1, 21)] + [sent(30, "orders.dlq", 0)]
    writer.write(decode([to_otlp(spans)], KeyFinder()).batch)
    for at, end in ((NOW - 60 * S, 11), (NOW, 21)):
        writer.write_lag([Lag(at, "", "mail", "orders", 0, 3, end, 0, end - 3, 90.0, "OK")])
    settings = AlertSettings(limits=AlertLimits(drain=30))
    found = LocalAnswers(DuckDBReader(database), lambda: NOW, alerting=settings).alerts()
    drain, letters = found.alerts
    assert (drain.name, drain.place) == ("LabanSlowDrain", "group mail, topic orders")
    assert drain.order == BusinessKey(key="order.id", value="1003"), "offset 3 is the first that waits"
    assert drain.link == "http://127.0.0.1:8501/order?order=order.id%3D1003"
    assert (letters.name, letters.place) == ("LabanDeadLetters", "topic orders.dlq")
    assert letters.sentence == "order gave up on 1 message in 5 min, now in orders.dlq"
    assert letters.order == BusinessKey(key="order.id", value="1030")


def test_operations_are_held_to_their_objectives_by_their_names_in_the_window(database: Database) -> None:
    reader, writer = DuckDBReader(database), DuckDBWriter(database)
    spans = [
        Span(
            f"{number + 1:032x}", f"{number + 1:016x}", None, "order", f"GET /orders/{number}", 2,
            NOW - (200 + number) * S, (number + 1) * 10**7, 2 * (number < 5), http_method="GET",
            http_route="/orders/{id}",
        )
        for number in range(200)
    ]  # fmt: skip
    writer.write(decode([to_otlp(spans)], KeyFinder()).batch)
    names = ["order GET /orders/{id}", "order GET /orders/{}", "other GET /orders/{id}"]
    by_name = {one.name: one for one in reader.entry_times(names, NOW - 300 * S, NOW)}
    assert set(by_name) == set(names[:2]), "with the route, and without IDs"
    for one in by_name.values():
        assert (one.calls, one.errors) == (101, 5)
        assert one.p95 == 0.96 * S
        assert one.slowest[0] == spans[100].trace_id
        assert set(one.failed) == {span.trace_id for span in spans[:5]}
