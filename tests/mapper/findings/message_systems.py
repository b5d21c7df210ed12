"""Systems of many orders that travel through topics, for the tests of the rules about messages."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from laban_collector.store.rows import EdgeRow, Lag, Span
from laban_mapper import lag as lags
from laban_mapper.findings.facts import Found, Rule, SampledEntry, System, sampled_traces
from laban_mapper.findings.thresholds import Objectives, Thresholds
from laban_mapper.service_map import build_service_map
from laban_mapper.story.messages import Consumption
from laban_mapper.times import utc_time
from tests.mapper.shop_spans import MS, T0, http_server, process, publish

MINUTE = 60_000 * MS
EVERY = 1_000
"""ms between two orders."""

Order = Callable[[int], list[Span]]
"""Makes the spans of an order by its number; times in ms after the order began."""


def usual_order(number: int) -> list[Span]:
    """The order is created, and email and payment process its message."""
    created, published = created_order(number)
    return [created, published, process("email", published, 40, 5), process("payment", published, 45, 20)]


def created_order(number: int, topic: str = "orders", partition: int = 0) -> tuple[Span, Span]:
    """The request, and the message that it publishes."""
    created = http_server("order", "POST /orders", 0, 30)
    published = publish(
        "order", topic, 10, created, offset=100 + number, message_key=f"o-{number}", partition=partition
    )
    return created, published


def system(
    orders: Iterable[Sequence[Span]],
    edges: Sequence[EdgeRow] = (),
    polled: Sequence[Lag] = (),
    *,
    thresholds: Thresholds | None = None,
    objectives: Objectives | None = None,
    after: float = 10 * 60,
) -> System:
    """A system with these orders, one a second, seen `after` s after the last one began."""
    traces = [_moved(order, number) for number, order in enumerate(orders)]
    groups: dict[str, dict[str, str]] = {}
    for span in (span for trace in traces for span in trace if span.group and span.topic):
        groups.setdefault(span.topic or "", {})[span.group or ""] = span.service
    consumption = Consumption(polled, groups)
    entries: dict[tuple[str, str], list[object]] = {}
    for trace in traces:
        for one in sampled_traces(trace[0].trace_id, trace, consumption):
            entries.setdefault((one.root.service, one.steps[0].operation), []).append(one)
    now = T0 + len(traces) * EVERY * MS + int(after * 1000 * MS)
    return System(
        map=build_service_map(edges, polled, utc_time(T0), utc_time(now)),
        lag=lags.report(polled),
        entries=[SampledEntry(*name, len(found), found) for name, found in entries.items()],  # type: ignore[arg-type]
        thresholds=thresholds or Thresholds(),
        objectives=objectives or Objectives(),
        now=now,
    )


def found_by(rule: Rule, looked_at: System) -> list[Found]:
    """What a rule finds, with what every finding must have."""
    found = list(rule.find(looked_at))
    for one in found:
        assert one.numbers
        assert len(one.traces) <= 5
        assert not one.sentence.endswith(".")
    return found


def published_to(topic: str, calls: int, service: str = "order", protocol: str = "kafka") -> EdgeRow:
    return EdgeRow(
        f"service:{service}", f"topic:{topic}", "async", protocol, calls, 0, None, None, None, 0, 0, calls
    )


def consumed_from(topic: str, group: str, calls: int) -> EdgeRow:
    return EdgeRow(
        f"topic:{topic}", f"group:{group}", "async", "kafka", calls, 0, None, None, None, calls, 0, 0
    )


def _moved(spans: Sequence[Span], number: int) -> list[Span]:
    trace = f"{number + 1:032x}"
    shift = number * EVERY * MS
    return [replace(span, trace_id=trace, start=span.start + shift) for span in spans]
