"""L005 and L006: callers that wait without a limit, or longer than they are waited for."""

from laban_collector.store.rows import Span
from laban_mapper.findings import longer_timeout, no_timeout

from .shop import call, entry
from .systems import found, many, system_of

NONE: dict[str, object] = {"laban.timeout.scope": "none"}


def of_call(ms: float) -> dict[str, object]:
    return {"laban.timeout.scope": "call", "laban.timeout_ms": ms}


def order(outer: dict[str, object], inner: dict[str, object], *, late: bool = False) -> list[Span]:
    root = entry(took=5000)
    return [
        root,
        *call(
            "order",
            "pricing",
            2,
            2000 if late else 40,
            root,
            client={"attributes": outer},
            ok=not late,
            below=[
                lambda one: call(
                    "pricing", "user", 5, 3000 if late else 20, one, client={"attributes": inner}
                )
            ],
        ),
    ]


def test_a_call_without_a_timeout() -> None:
    traces = [
        *many(lambda: order(NONE, of_call(100)), 20),
        *many(lambda: order(of_call(900), of_call(100)), 10),
    ]
    [finding] = found(no_timeout.RULE, system_of(traces))
    assert (finding.severity, finding.place) == ("warning", "order → pricing")
    assert finding.sentence == (
        "order calls pricing without a timeout (20 sampled calls of 30): p50 40 ms, p95 40 ms"
    )


def test_of_spans_that_do_not_tell_a_timeout_nothing_is_said() -> None:
    silent = system_of(many(lambda: order({}, {})))
    assert not found(no_timeout.RULE, silent)
    assert not found(longer_timeout.RULE, silent)


def test_streams_have_no_timeout() -> None:
    stream: dict[str, object] = {**NONE, "laban.rpc.streaming": "server"}
    assert not found(no_timeout.RULE, system_of(many(lambda: order(stream, stream))))


def test_a_callee_that_waits_longer_than_its_caller() -> None:
    traces = [
        *many(lambda: order(of_call(2000), of_call(5000)), 28),
        *many(lambda: order(of_call(2000), of_call(5000), late=True), 2),
    ]
    [finding] = found(longer_timeout.RULE, system_of(traces))
    assert (finding.severity, finding.place) == ("warning", "order → pricing → user")
    assert finding.sentence == (
        "pricing waits up to 5.0 s for user, but order waits only 2.0 s for pricing (30 sampled calls of "
        "30); in 2 of them pricing went on after order had given up"
    )


def test_a_shorter_timeout_and_one_for_each_read_are_none() -> None:
    assert not found(longer_timeout.RULE, system_of(many(lambda: order(of_call(2000), of_call(1500)))))
    reads: dict[str, object] = {"laban.timeout.scope": "read", "laban.timeout_ms": 2000}
    assert not found(longer_timeout.RULE, system_of(many(lambda: order(reads, of_call(5000)))))
