import json
from io import StringIO
from typing import Any

from rich.console import Console

from laban_app.cli.console import plain_text
from laban_app.cli.trace_text import show_trace
from laban_collector.store.rows import Attributes, WholeEvent
from laban_mapper.trace import Trace, trace_of

from ...mapper.test_trace import TRACE, pages, row


def text_of(trace: Trace) -> list[str]:
    console = Console(file=StringIO(), width=100, highlight=False)
    show_trace(trace, console)
    assert isinstance(console.file, StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_spans_are_indented_below_their_parents_with_times() -> None:
    lines = text_of(
        trace_of(TRACE, pages(row(1, duration=9_000_000), row(2, 1, at=2_000_001, duration=4_000_000)))
    )
    assert lines[0].startswith("2 spans · 1 service · no errors · 9.0 ms · ")
    assert "order  span 1  server" in lines[3]
    assert "  order  span 2  server" in lines[4]
    assert (lines[4].split()[0], lines[4].split()[-2:]) == ("+2.0", ["4.0", "ms"])
    assert lines[-1] == f"trace {TRACE} · all attributes: --json"


def test_an_error_says_what_went_wrong() -> None:
    event = WholeEvent(
        1_010, "exception", Attributes('{"exception.type":"KeyError","exception.message":"sku"}')
    )
    failed = {"status": 2}
    lines = text_of(
        trace_of(
            TRACE,
            pages(
                row(1, status_message="no stock", events=(event,), **failed),
                row(2, events=(event,), **failed),
                row(3, promoted={"error_type": "timeout"}, **failed),
                row(4, **failed),
            ),
        )
    )
    assert [line.strip() for line in lines if "✗" in line] == ["✗ no stock", "✗ sku", "✗ timeout", "✗ error"]
    assert "4 errors" in lines[0]


def event(name: str, **attributes: object) -> WholeEvent:
    keys = {"error_type": "error.type"}
    given = {keys.get(key, f"laban.{key.replace('__', '.')}"): value for key, value in attributes.items()}
    return WholeEvent(1_010, name, Attributes(json.dumps(given)))


def test_retries_and_circuit_breakers_are_told_below_their_span() -> None:
    retry = {"retry__library": "tenacity", "error_type": "Refused"}
    breaker = {"circuit__name": "user", "circuit__state": "half_open", "circuit__previous_state": "open"}
    lines = text_of(
        trace_of(
            TRACE,
            pages(
                row(
                    1,
                    events=(
                        event("laban.retry", retry__attempt=1, **retry),
                        event("laban.retry", retry__attempt=2, **retry),
                        event("laban.retry.exhausted", retry__attempt=3, **retry),
                    ),
                ),
                row(2, 1, attributes=Attributes('{"laban.retry.attempt":2}')),
                row(
                    3,
                    1,
                    events=(
                        event("laban.circuit.changed", **breaker),
                        event("laban.circuit.refused", **breaker),
                        event("laban.circuit.refused", **breaker),
                        event("laban.circuit.refused"),
                    ),
                ),
            ),
        )
    )
    assert [line.strip() for line in lines if "↻" in line] == [
        "↻ 2 retries by tenacity, after Refused",
        "↻ given up after attempt 3",
        "↻ attempt 2",
        "↻ circuit breaker user: open → half open",
        "↻ circuit breaker user was open and refused 2 calls",
        "↻ circuit breaker (no name) was open and refused 1 call",
    ]


def test_the_timeout_of_a_caller_is_told_if_its_call_ran_into_it() -> None:
    def told(duration_ms: float, status: int = 2, **given: object) -> list[str]:
        known = {f"laban.{name.replace('__', '.')}": value for name, value in given.items()}
        attributes = Attributes(json.dumps(known))
        spans = row(1, status=status, duration=int(duration_ms * 1e6), attributes=attributes)
        return [line.strip() for line in text_of(trace_of(TRACE, pages(spans))) if "↻" in line]

    read: dict[str, Any] = {"timeout_ms": 500, "timeout__scope": "read"}
    assert told(501, **read) == ["↻ the caller's timeout is 500 ms for each read"]
    assert told(1999, timeout_ms=2000, timeout__scope="call") == ["↻ the caller's timeout is 2.0 s"]
    assert told(501, status=0, **read) == told(300, **read) == told(501, timeout_ms="soon") == []


def test_what_a_span_says_of_breakers_cannot_control_the_terminal() -> None:
    hostile = event("laban.circuit.refused", circuit__name="\x1b[2J" * 99)
    trace = trace_of(TRACE, pages(row(1, events=(hostile,))))
    text = plain_text(lambda console: show_trace(trace, console))
    assert "\x1b" not in text
    assert "circuit breaker" in text


def test_a_long_trace_says_what_it_leaves_out() -> None:
    rows = [row(number, 1 if number > 1 else None) for number in range(1, 402)]
    assert "… and 101 more spans of the first 401: see --json" in text_of(trace_of(TRACE, pages(*rows)))
    truncated = text_of(trace_of(TRACE, pages(*rows[:5]), 3))
    assert truncated[0].startswith("the first 3 spans · ")
    assert "… and more spans: see --json" in truncated
