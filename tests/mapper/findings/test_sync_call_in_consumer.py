"""L003: consumers that wait for calls, and consumers that do not."""

from laban_collector.store.rows import Span
from laban_mapper.findings.sync_call_in_consumer import RULE

from .shop import call, entry, hybrid, process, publish, query
from .systems import found, many, system_of


def handled(took: float = 100, *, ok: bool = True, outside: bool = False) -> list[Span]:
    root = entry(took=30)
    sent = publish("order", "orders", 20, root)
    worked = process("payment", sent, 40, 110, status=0 if ok else 2)
    at = 200 if outside else 45
    return [root, sent, worked, *call("payment", "fraud", at, took, worked, ok=ok)]


def test_a_consumer_that_waits_for_a_call_for_most_of_its_time() -> None:
    [finding] = found(RULE, system_of(many(handled)))
    assert (finding.severity, finding.place) == ("warning", "topic orders → payment → fraud")
    assert finding.sentence == (
        "payment waits for fraud while it processes 30 of 30 messages: p50 100 ms, p95 100 ms, 91 % of the "
        "time of these messages"
    )


def test_a_quick_call_is_a_remark_unless_it_fails() -> None:
    [quick] = found(RULE, system_of(many(lambda: handled(5))))
    assert quick.severity == "info"
    [failing] = found(
        RULE, system_of([*many(lambda: handled(5), 27), *many(lambda: handled(5, ok=False), 3)])
    )
    assert failing.severity == "warning"
    assert failing.sentence.endswith("; 3 of 30 calls failed")


def test_queries_and_calls_after_the_message_are_none() -> None:
    def with_query() -> list[Span]:
        root, sent, worked, *_ = handled()
        return [root, sent, worked, query("payment", 45, 100, worked)]

    assert not found(RULE, system_of(many(with_query)))
    assert not found(RULE, system_of(many(lambda: handled(outside=True))))
    assert not found(RULE, system_of(many(hybrid)))
