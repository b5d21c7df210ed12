"""Hand-made, constant answers about a small shop, for tests of the pages.

The tests in `tests/browser` query a real database instead.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from laban_app.errors import UnknownTrace, UnknownValue
from laban_mapper.errors import UnknownPlace
from laban_mapper.model import (
    BusinessKey,
    Edge,
    Evidence,
    Finding,
    Findings,
    GroupLag,
    GroupState,
    KnownValue,
    KnownValues,
    LagHistory,
    LagPoint,
    LagReport,
    LagStatus,
    LatencyHistory,
    LatencyPoint,
    LatencyTotal,
    Logs,
    LookedAt,
    Message,
    Neighbour,
    NeighbourRow,
    Neighbours,
    Node,
    Orders,
    PartitionLag,
    QueueCause,
    RootCause,
    ServiceMap,
    Status,
    Step,
    Story,
    UsualTimes,
    WaitingMessage,
    WaitingTopic,
)
from laban_mapper.model_alerts import Alerts
from laban_mapper.model_drift import Choreography, SeenCall, SeenName
from laban_mapper.model_whatif import LateStep, WhatIf, WhatIfEntry, WhatIfOutcome, WhatIfRange
from laban_mapper.orders import OrdersQuestion, summary_of
from laban_mapper.trace import Trace
from laban_mapper.whatif.changes import ChangeTexts

END = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BEGIN = END - timedelta(minutes=30)
TRACE = "0af7651916cd43dd8448eb211c80319c"
_SERVICES = ["analytics", "email", "inventory", "order", "payment", "pricing", "user"]


def edge(
    source: str, target: str, protocol: str, calls: int, errors: int = 0, p95: float | None = 20.0
) -> Edge:
    """Make an edge; p50 and p99 follow from its p95."""
    return Edge(
        source=source,
        target=target,
        kind="async" if protocol == "kafka" else "sync",
        protocol=protocol,
        calls=calls,
        errors=errors,
        p50_ms=None if p95 is None else p95 * 0.6,
        p95_ms=p95,
        p99_ms=None if p95 is None else p95 * 1.8,
        evidence=Evidence(parent=calls),
    )


def graph_of(edges: list[Edge], since: datetime = BEGIN, until: datetime = END) -> ServiceMap:
    """Make the map with these edges."""
    ids = sorted({end for one in edges for end in (one.source, one.target)})
    nodes = [
        Node.model_validate({"id": one, "kind": one.split(":")[0], "name": one.split(":", 1)[1]})
        for one in ids
    ]
    return ServiceMap(since=since, until=until, nodes=nodes, edges=edges)


def shop_edges() -> list[Edge]:
    """Edges of the hybrid style: the order is created synchronously, the other services react to events."""
    return [
        edge("entry:web", "service:order", "http", 900, 18, 212.0),
        edge("service:order", "service:user", "grpc", 900, 0, 9.0),
        edge("service:order", "service:inventory", "grpc", 900, 4, 48.0),
        edge("service:inventory", "service:pricing", "grpc", 900, 0, 21.0),
        edge("service:order", "database:orders-db", "postgresql", 1800, 0, 4.1),
        edge("service:order", "topic:orders", "kafka", 882, 0, 3.0),
        edge("topic:orders", "group:payment", "kafka", 882, 0, 160.0),
        edge("topic:orders", "group:email", "kafka", 610, 0, 42_000.0),
        edge("topic:orders", "group:analytics", "kafka", 882, 0, 35.0),
        edge("group:payment", "service:payment", "kafka", 882, 31, 140.0),
        edge("group:email", "service:email", "kafka", 610, 0, 85.0),
        edge("group:analytics", "service:analytics", "kafka", 882, 0, 4.0),
        edge("service:payment", "external:bank.example:443", "http", 882, 31, 120.0),
        edge("service:payment", "topic:payments", "kafka", 851, 0, 3.0),
        edge("topic:payments", "group:email", "kafka", 600, 0, 41_000.0),
        edge("service:payment", "topic:orders.dlq", "kafka", 31, 0, 3.0),
    ]


def _partition(topic: str, partition: int, messages: int, seconds: float, status: LagStatus) -> PartitionLag:
    return PartitionLag(
        topic=topic,
        partition=partition,
        committed=1000 - messages,
        end=1000,
        messages=messages,
        seconds=seconds,
        status=status,
        time=END,
    )


def shop_lag() -> LagReport:
    """The group email has stopped; the other groups keep up."""
    email = [_partition("orders", 0, 140, 42.0, "STOP"), _partition("orders", 1, 132, 40.5, "STOP")]
    payment = [_partition("orders", 0, 0, 0.0, "OK"), _partition("orders", 1, 2, 0.2, "OK")]
    analytics = [_partition("orders", 0, 12, 1.1, "WARN"), _partition("orders", 1, 0, 0.0, "OK")]
    return LagReport(
        groups=[
            GroupLag(group="analytics", status="WARN", messages=12, topics=analytics),
            GroupLag(group="email", status="STOP", messages=272, topics=email),
            GroupLag(group="payment", status="OK", messages=2, topics=payment),
        ]
    )


def shop_findings() -> list[Finding]:
    """A group that stopped, a call without a timeout, and a finding that is ignored."""
    return [
        Finding(
            code="L022",
            name="group-stopped",
            severity="error",
            place="group email",
            sentence="email commits nothing; 272 messages of orders wait, the oldest for 42 s",
            numbers={"messages": 272, "seconds": 42.0},
            traces=[TRACE],
            advice="Look at the log of the consumer.",
            why="Nobody sees an error.",
        ),
        Finding(
            code="L005",
            name="no-timeout",
            severity="warning",
            place="order → inventory",
            sentence="900 calls order → inventory have no timeout",
            numbers={"calls": 900},
            traces=[TRACE],
            advice="Set one.",
            why="A slow callee holds its caller.",
        ),
        Finding(
            code="L020",
            name="topic-without-consumer",
            severity="info",
            place="topic audit",
            sentence="12 messages went to audit, but no consumer of it is known",
            advice="Trace it.",
            ignored="the auditors read it once a year",
        ),
    ]


@dataclass(frozen=True)
class _StepRow:
    """A step in short form."""

    at: float
    service: str
    operation: str
    kind: str
    took: float
    depth: int
    parent: int | None = None
    wait: float | None = None
    error: str | None = None
    critical: bool = False
    topic: str | None = None
    group: str | None = None
    usual: float | None = None


_STEP_ROWS = (
    _StepRow(0, "order", "POST /orders", "server", 84, 0, critical=True),
    _StepRow(3, "order", "user.Users/Get", "client", 8, 1, 0),
    _StepRow(4, "user", "user.Users/Get", "server", 6, 2, 1),
    _StepRow(12, "order", "inventory.Inventory/Reserve", "client", 60, 1, 0, critical=True),
    _StepRow(13, "inventory", "inventory.Inventory/Reserve", "server", 57, 2, 3, critical=True),
    _StepRow(20, "inventory", "pricing.Pricing/Quote", "client", 30, 3, 4),
    _StepRow(21, "pricing", "pricing.Pricing/Quote", "server", 27, 4, 5),
    _StepRow(78, "order", "publish orders", "producer", 4, 1, 0, critical=True, topic="orders"),
    _StepRow(
        140, "payment", "process orders", "consumer", 150, 2, 7, 61, None, True, "orders", "payment", 40
    ),
    _StepRow(150, "payment", "POST bank.example", "client", 120, 3, 8, error="HTTP 503", critical=True),
    _StepRow(96, "analytics", "process orders", "consumer", 3, 2, 7, 17, None, False, "orders", "analytics"),
)


def shop_steps(*, failing: bool = False) -> list[Step]:
    """The steps of one order; the bank's response is an error only if `failing`."""
    return [
        Step(
            time=END - timedelta(minutes=1) + timedelta(milliseconds=row.at),
            service=row.service,
            operation=row.operation,
            kind=row.kind,
            duration_ms=row.took,
            wait_ms=row.wait,
            status="error" if row.error and failing else "ok",
            error=row.error if failing else None,
            topic=row.topic,
            group=row.group,
            partition=0 if row.topic else None,
            offset=861 if row.topic else None,
            trace_id=TRACE,
            span_id=f"{index + 1:016x}",
            parent_id=None if row.parent is None else f"{row.parent + 1:016x}",
            depth=row.depth,
            cause=row.parent,
            by_message=row.kind == "consumer",
            critical=row.critical,
            critical_ms=row.took if row.critical else None,
            usual=None
            if row.usual is None
            else UsualTimes(duration_ms=row.usual, wait_ms=20.0, examples=380),
        )
        for index, row in enumerate(_STEP_ROWS)
    ]


def shop_message() -> Message:
    """The message that the order published, and the progress of each group."""
    return Message(
        topic="orders",
        partition=0,
        offset=861,
        key="1001",
        published=END - timedelta(minutes=1) + timedelta(milliseconds=78),
        service="order",
        groups=[
            GroupState(
                group="analytics",
                state="processed",
                service="analytics",
                wait_ms=17,
                duration_ms=3,
                attempts=1,
            ),
            GroupState(group="email", state="waiting", service="email", messages_ahead=42, waiting_ms=12000),
            GroupState(
                group="payment", state="processed", service="payment", wait_ms=61, duration_ms=150, attempts=1
            ),
        ],
    )


def shop_story(value: str) -> Story:
    """Order 1001 waits for its email; order 1002 failed at the bank."""
    failing = value == "1002"
    return Story(
        key="order",
        value=value,
        verdict=(
            f"Order {value} was created in 84 ms; payment failed to process orders (HTTP 503)."
            if failing
            else f"Order {value} was created in 84 ms; the message on orders still waits for group email, "
            "42 messages ahead of it."
        ),
        outcome="failed" if failing else "waiting",
        root_cause=RootCause(service="bank.example", operation="POST bank.example", error="HTTP 503")
        if failing
        else None,
        traces=[TRACE],
        spans=len(_STEP_ROWS),
        started=END - timedelta(minutes=1),
        duration_ms=290,
        steps=shop_steps(failing=failing),
        messages=[shop_message()],
    )


def shop_prediction(changes: list[str]) -> WhatIf:
    """All orders fail, and a step never happens."""
    late = LateStep(
        service="user", operation="Get", before_ms=6.0, after_ms=None, before_of_100=100.0, after_of_100=0.0
    )
    entry = WhatIfEntry(
        entry="order POST /orders",
        service="order",
        operation="POST /orders",
        affected=True,
        seen=900,
        traces=100,
        before=WhatIfOutcome(failed=2.0, p50_ms=84.0, p95_ms=212.0),
        after=WhatIfOutcome(failed=100.0, p50_ms=2000.0, p95_ms=2000.0),
        range=WhatIfRange(failed=(0.0, 100.0), p50_ms=(2000.0, 12_200.0), p95_ms=(2000.0, 12_700.0)),
        late=[late],
    )
    return WhatIf(
        changes=[f"{change} is changed" for change in changes],
        entries=[entry],
        assumptions=["order waits at most 2 s for user, as its spans say."],
        looked_at=LookedAt(traces=100, of=900, spans=1400, entries=1),
        since=BEGIN,
        until=END,
    )


def shop_queue() -> WaitingTopic:
    """The queue of email, whose consumer has stopped: two of its messages are known."""
    oldest = [
        WaitingMessage(
            partition=0,
            offset=860 + number,
            published=END - timedelta(seconds=42 - number),
            waiting_ms=1000.0 * (42 - number),
            service="order",
            message_key="m-1" if not keys else None,
            keys=[BusinessKey(key=key, value=value) for key, value in keys],
            trace_id=TRACE,
        )
        for number, keys in enumerate(([("customer.id", "c7"), ("order.id", "1001")], []))
    ]
    cause = QueueCause(
        kind="slow",
        service="email",
        operation="SMTP send",
        messages=97,
        of=100,
        mean_ms=480.0,
        share=0.92,
        sentence="email SMTP send took 480 ms per message, 92% of the time, in 97 of the 100 newest messages",
    )
    return WaitingTopic(
        topic="orders",
        messages=272,
        known=2,
        named=1,
        processed=0,
        oldest=oldest,
        left_out=0,
        published_per_s=3.25,
        consumed_per_s=0.0,
        drain_s=None,
        causes=[cause],
    )


@dataclass
class ShopAnswers:
    """Implements `TraceAnswers` with the data above; it has no single traces.

    Attributes:
            edges: the edges of the map.
            spans: the number of stored spans; 0 for an empty store.
            known: the known orders.
            queried: the key and value of each queried story.
            asked: the changes of each what-if question.
    """

    edges: list[Edge] = field(default_factory=shop_edges)
    spans: int = 14_203
    known: tuple[str, ...] = ("1001", "1002")
    queried: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    asked: list[ChangeTexts] = field(default_factory=list[ChangeTexts])

    def story(
        self, key: str, value: str, since: datetime | None = None, until: datetime | None = None
    ) -> Story:
        """Return the story of one of `known`."""
        self.queried.append((key, value))
        if value not in self.known:
            raise UnknownValue(key, value, list(self.known))
        return shop_story(value)

    def story_of_trace(self, trace_id: str) -> Story:
        """Return the story of the order that failed."""
        return shop_story("1002").model_copy(update={"key": "trace", "value": trace_id})

    def orders(
        self,
        asked: OrdersQuestion | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Orders:
        """Return one line for each of `known`."""
        return Orders(orders=[summary_of(shop_story(value)) for value in self.known])

    def neighbours(self, key: str, value: str) -> Neighbours:
        """Return 1002 as the next order of the customer of 1001, and the reverse."""
        other = Neighbour(value="1002" if value == "1001" else "1001", time=END)
        first, second = (None, other) if value == "1001" else (other, None)
        row = NeighbourRow(key="customer.id", value="c-7", previous=first, next=second, orders=2)
        return Neighbours(key="order.id", value=value, rows=[row])

    def service_map(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        unseen: bool = False,
        entry: str | None = None,
    ) -> ServiceMap:
        """Return the map with `edges`."""
        return graph_of(self.edges, since or BEGIN, until or END)

    def alerts(self) -> Alerts:
        """Return no alert."""
        return Alerts(alerts=[], window_s=300, time=END)

    def findings(self, since: datetime | None = None, until: datetime | None = None) -> Findings:
        """Return one finding of each severity."""
        return Findings(
            findings=shop_findings() if self.edges else [],
            looked_at=LookedAt(traces=120, of=900, spans=1400, entries=3, calls=900),
            since=since or BEGIN,
            until=until or END,
        )

    def lag(self) -> LagReport:
        """Return the lag of three groups."""
        return shop_lag() if self.edges else LagReport(groups=[])

    def waiting(self) -> LagReport:
        """Return the same with the queue of email."""
        found = self.lag()
        waiting = {"email": shop_queue()}
        groups = [
            group.model_copy(update={"waiting": [waiting[group.group]] if group.group in waiting else []})
            for group in found.groups
        ]
        return found.model_copy(update={"groups": groups})

    def lag_history(self, since: datetime | None = None, until: datetime | None = None) -> LagHistory:
        """Return a reading every 30 seconds; the lag of email grows."""
        points = [
            LagPoint(
                time=END - timedelta(seconds=30 * (29 - step)),
                group=group,
                topic="orders",
                partition=partition,
                messages=step * pace + partition,
                seconds=float(step * pace) / 4,
                status="STOP" if group == "email" else "OK",
            )
            for step in range(30)
            for group, pace in (("analytics", 1), ("email", 9), ("payment", 0))
            for partition in (0, 1)
        ]
        return LagHistory(points=points if self.edges else [], objectives={"email": 30.0})

    def latency(
        self, by: Literal["edge", "route"], since: datetime | None = None, until: datetime | None = None
    ) -> LatencyHistory:
        """Return the latency of three edges or routes over thirty minutes."""
        names = {
            "edge": {"order → inventory": 40.0, "order → user": 8.0, "inventory → pricing": 21.0},
            "route": {
                "order  POST /orders": 84.0,
                "order  GET /orders/{order_id}": 6.0,
                "payment  process orders": 140.0,
            },
        }[by]
        points = [
            LatencyPoint(
                time=END - timedelta(minutes=29 - minute),
                name=name,
                calls=30,
                errors=2 if minute == 20 and name.startswith("order") else 0,
                p50_ms=typical * (1 + 0.05 * (minute % 4)),
                p95_ms=typical * (2.1 + 0.1 * (minute % 5)),
                p99_ms=typical * (3.4 + (2.5 if minute == 20 else 0)),
            )
            for name, typical in names.items()
            for minute in range(30)
        ]
        totals = [
            LatencyTotal(
                name=name,
                calls=900,
                errors=2 if name.startswith("order") else 0,
                p50_ms=typical,
                p95_ms=typical * 2.3,
                p99_ms=typical * 3.6,
                objective_ms=150.0 if name == "order  POST /orders" else None,
            )
            for name, typical in names.items()
        ]
        found = LatencyHistory(by=by, bucket_s=60, points=points, totals=totals, within_percent=3.2)
        return found if self.edges else LatencyHistory(by=by, bucket_s=60, points=[])

    def logs(self, trace_ids: Sequence[str], limit: int = 100) -> Logs:
        """Return that nothing was logged."""
        return Logs(logs=[])

    def trace(self, trace_id: str, limit: int | None = None) -> Trace:
        raise UnknownTrace(trace_id)

    def trace_json(self, trace_id: str, limit: int | None = None) -> Iterator[bytes]:
        raise UnknownTrace(trace_id)

    def choreography(self, since: datetime | None = None, until: datetime | None = None) -> Choreography:
        """Return that order calls user."""
        call = SeenCall(source="order", target="user", kind="sync", protocol="grpc", calls=900)
        names = [SeenName(name=name, calls=900) for name in ("order", "user")]
        return Choreography(since=since or BEGIN, until=until or END, services=names, calls=[call], topics=[])

    def what_if(
        self, texts: ChangeTexts, since: datetime | None = None, until: datetime | None = None
    ) -> WhatIf:
        """Return that all orders fail if anything is changed; raises UnknownPlace for `nobody`."""
        self.asked.append(texts)
        if "nobody" in texts.down:
            raise UnknownPlace("No recorded trace has a service 'nobody'. It has order, user.")
        return shop_prediction([*texts.down, *texts.slow])

    def known_values(
        self, key: str, limit: int = 50, since: datetime | None = None, until: datetime | None = None
    ) -> KnownValues:
        """Return `known`, the newest first."""
        seen = [
            KnownValue(value=value, last_seen=END - timedelta(seconds=9 * at))
            for at, value in enumerate(self.known)
        ]
        return KnownValues(key=key, values=seen[:limit])

    def status(self) -> Status:
        """Return the status of the store."""
        empty = self.spans == 0
        return Status(
            version="0.1.0",
            spans=self.spans,
            traces=self.spans // 14,
            services=[] if empty else _SERVICES,
            first=None if empty else BEGIN,
            last=None if empty else END,
        )
