"""The rows that a reader of the store returns.

Rows are plain frozen values; no database type crosses this interface. Times are nanoseconds since the epoch,
UTC; durations are nanoseconds; trace and span ids are lower-case hex (32 and 16 characters).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

MINUTE: Final = 60 * 10**9
"""ns. Edges are counted by the minute in which they began."""
PLAUSIBLE_SINCE: Final = 946_684_800 * 10**9
"""ns: the year 2000. No traced program ran before."""
PLAUSIBLE_AHEAD: Final = 3600 * 10**9
"""ns. Clocks differ by seconds; a span that starts later than this after now has a wrong date."""
ALL_STARTS: Final = (0, 2**63 - 2)
"""The half-open window of the starts that a store keeps, in ns."""
MAX_ROWS: Final = 50_000
"""Maximum number of rows in the lists of the lag that a reader returns."""
LATENCY_BUCKET: Final = 0.032
"""Width of the buckets in which latencies are counted, as a share of the latency."""

OTHER_EDGES: Final = "other:edges"
"""The target of all edges beyond their limit."""
OTHER_CONTRACTS: Final = "other"
"""The event type of all messages of an edge whose type or version is beyond the limit."""
OTHERS: Final = {
    "service": "other:services",
    "topic": "other:topics",
    "group": "other:groups",
    "database": "other:databases",
    "external": "other:hosts",
    "edge": OTHER_EDGES,
}
"""The nodes that stand for all names of a kind beyond a limit."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One log record of a trace.

    Attributes:
        span_id: 16 hex digits; None for a record of the trace that names no span.
        time: ns since the epoch, as sent.
        severity: OTLP SeverityNumber, 0 to 24.
        logger: the name of the instrumentation scope.
        body: text; JSON if it was none.
        attributes: by key.
    """

    trace_id: str
    span_id: str | None
    time: int
    severity: int
    severity_text: str | None
    service: str
    namespace: str | None
    logger: str | None
    event_name: str | None
    body: str | None
    attributes: Mapping[str, Any]
    dropped_attributes: int = 0


@dataclass(frozen=True, slots=True)
class Lag:
    """The lag of one consumer group in one partition, at one time.

    Attributes:
        committed: None if the group has not committed an offset.
        end: the offset of the next message.
        start: the first offset that retention has left.
        messages: in the log and not committed; None without a commit.
        seconds: the age of the first message that was not read; None if unknown.
        status: OK, WARN, STALL, STOP or REWIND.
        lost: messages that retention deleted before the group read them.
        seconds_from: `message` (its timestamp), `span` (of its producer) or `interpolated` (from the ends of
            the log); None if nothing waits or it is unknown.
        members: of the group; None if unknown.
    """

    time: int
    cluster: str
    group: str
    topic: str
    partition: int
    committed: int | None
    end: int
    start: int
    messages: int | None
    seconds: float | None
    status: str
    lost: int = 0
    seconds_from: str | None = None
    members: int | None = None


@dataclass(frozen=True, slots=True)
class LagProblem:
    """A group, topic or partition whose offsets could not be read; None where it is not one of them."""

    time: int
    cluster: str
    group: str | None
    topic: str | None
    partition: int | None
    reason: str


LagRow = Lag | LagProblem
"""What a poll writes."""


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """An event of a span, usually an exception."""

    time: int
    name: str
    attributes: dict[str, object]


@dataclass(frozen=True, slots=True)
class Span:
    """One stored span, with its service, its events and its links."""

    trace_id: str
    span_id: str
    parent_id: str | None
    service: str
    name: str
    kind: int
    start: int
    duration: int
    status: int
    status_message: str | None = None
    http_method: str | None = None
    http_route: str | None = None
    http_status: int | None = None
    rpc_system: str | None = None
    rpc_service: str | None = None
    rpc_method: str | None = None
    messaging_system: str | None = None
    messaging_operation: str | None = None
    topic: str | None = None
    group: str | None = None
    partition: int | None = None
    offset: int | None = None
    message_key: str | None = None
    batch_count: int | None = None
    peer_address: str | None = None
    peer_port: int | None = None
    peer_service: str | None = None
    db_system: str | None = None
    db_namespace: str | None = None
    error_type: str | None = None
    message_type: str | None = None
    """Of an event: `OrderCreated`."""
    message_version: str | None = None
    """Of its schema."""
    attributes: dict[str, object] = field(default_factory=dict[str, object])
    events: tuple[SpanEvent, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    """(trace id, span id) of each linked span."""
    namespace: str | None = None
    """The namespace of the service."""

    @property
    def end(self) -> int:
        """End time, ns since the epoch."""
        return self.start + self.duration


class Attributes(NamedTuple):
    """Attributes as a JSON object, and how many the sender dropped."""

    json: str
    dropped: int = 0


class WholeEvent(NamedTuple):
    """An event with everything that was sent."""

    time: int
    name: str
    attributes: Attributes


class WholeLink(NamedTuple):
    """A link with everything that was sent."""

    trace_id: str
    span_id: str
    trace_state: str | None
    flags: int
    attributes: Attributes


class ResourceRow(NamedTuple):
    """The resource of a span; its attributes are a JSON object."""

    service: str
    namespace: str | None
    attributes: str


class ScopeRow(NamedTuple):
    """The instrumentation scope of a span; its attributes are a JSON object."""

    name: str
    version: str | None
    attributes: str


@dataclass(frozen=True, slots=True)
class WholeSpan:
    """One stored span with everything that was sent.

    `promoted` holds the attributes that have a column of their own, by column; `attributes` holds the others.
    """

    trace_id: str
    span_id: str
    parent_id: str | None
    trace_state: str | None
    flags: int
    name: str
    kind: int
    start: int
    duration: int
    status: int
    status_message: str | None
    promoted: dict[str, str | int]
    attributes: Attributes
    events: tuple[WholeEvent, ...]
    dropped_events: int
    links: tuple[WholeLink, ...]
    dropped_links: int
    resource: ResourceRow
    scope: ScopeRow


@dataclass(frozen=True, slots=True)
class TraceRef:
    """A trace that contains a correlation, and the time range of that correlation."""

    trace_id: str
    first: int
    last: int


class SampledRef(NamedTuple):
    """A trace that was chosen as an example of its entry operation.

    Attributes:
        namespace: of the entry's service.
        service: of the entry.
        name: of the entry span, without IDs.
        seen: traces of this entry; an estimate if their roots were not stored.
        trace_id: of the trace.
        spans: of the trace, without those of traces that follow from it.
    """

    namespace: str | None
    service: str
    name: str
    seen: int
    trace_id: str
    spans: int


class ValueRef(NamedTuple):
    """A value of a business key, and the end of the newest span that names it."""

    key: str
    value: str
    last: int


@dataclass(frozen=True, slots=True)
class MessageRef:
    """The address of one message in the log."""

    topic: str
    partition: int
    offset: int


class UnreadRange(NamedTuple):
    """The messages of a partition, from `first` up to `end`, that a group has not committed."""

    group: str
    topic: str
    partition: int
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class UnreadMessage:
    """A message by the span that published it."""

    offset: int
    published: int
    service: str
    trace_id: str
    message_key: str | None
    attributes: dict[str, object]


@dataclass(frozen=True, slots=True)
class Unread:
    """What spans tell of a range of messages.

    Attributes:
        known: messages with a span that published them.
        processed: those of them that the group has processed, although it has not committed them.
        messages: the first of the others, by offset.
    """

    known: int = 0
    processed: int = 0
    messages: tuple[UnreadMessage, ...] = ()


@dataclass(frozen=True, slots=True)
class LagRate:
    """Messages per second that came to a topic, and that a group has consumed of it; None if unknown."""

    cluster: str
    group: str
    topic: str
    published_per_s: float | None
    consumed_per_s: float | None


@dataclass(frozen=True, slots=True)
class QueueProgress:
    """How a consumer group has advanced in one partition, in the polls of a window.

    Attributes:
        first: the first poll of the window.
        committed: the poll that showed the newest commit; None if no poll of the window showed one.
        consumed_per_s: messages that the group has consumed per second lately; None if unknown.
    """

    cluster: str
    group: str
    topic: str
    partition: int
    first: int
    committed: int | None
    consumed_per_s: float | None


@dataclass(frozen=True, slots=True)
class QueueMinute:
    """A topic, and how far a group had come in it, at the last poll of a minute.

    Attributes:
        minute: its begin, ns since the epoch.
        end: messages that were published to the topic, ever.
        waiting: messages that the group had not committed.
    """

    minute: int
    end: int
    waiting: int


@dataclass(frozen=True, slots=True)
class EdgePlace:
    """Edges of the graph as their spans name them.

    Attributes:
        source: the node ID of the caller; None: every caller.
        targets: the node IDs that the callee may have, at most three.
        address: `host:port` as called; calls without an answer may know their callee only by it.
        rpc_service: likewise.
    """

    source: str | None
    targets: tuple[str, ...]
    address: str | None = None
    rpc_service: str | None = None


@dataclass(frozen=True, slots=True)
class EdgeMinute:
    """The calls of some edges that began in one minute.

    Attributes:
        minute: its begin, ns since the epoch.
        slow: calls that took at least a given time.
    """

    minute: int
    calls: int
    errors: int
    slow: int


class Peer(NamedTuple):
    """The callee of a client span."""

    address: str | None
    port: int | None
    rpc_service: str | None


class ContractRow(NamedTuple):
    """Messages of an edge that are of one event type and version; None: they do not say it.

    Attributes:
        first: the begin of the first minute with such messages, ns since the epoch.
        last: of the last one.
    """

    event_type: str | None
    version: str | None
    calls: int
    errors: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """The calls from one node of the graph to another in a window.

    `source` and `target` are node ids: `service:order`, `topic:orders`, `group:email`, `external:…`,
    `database:…`, `entry:…`. Latencies are in milliseconds; None without measurements. They come from the
    caller if it has a span, else from the callee. From a topic to a group, the latency is the time in the
    queue. `contracts` has the messages that say what they are, the most frequent first.
    """

    source: str
    target: str
    kind: str
    protocol: str
    calls: int
    errors: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    by_parent: int
    by_link: int
    by_attribute: int
    contracts: tuple[ContractRow, ...] = ()


@dataclass(frozen=True, slots=True)
class LatencyPoint:
    """Percentiles of one edge or one route in one time bucket, in milliseconds."""

    time: int
    name: str
    calls: int
    errors: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


class EntryTimes(NamedTuple):
    """How an operation that serves requests or messages did in a window.

    Attributes:
        name: service and operation: `order POST /orders`.
        calls: requests or messages.
        errors: those of them that failed.
        p95: the 95th percentile of their durations, ns; None if none has one.
        slowest: IDs of the slowest traces.
        failed: IDs of the newest traces that failed.
    """

    name: str
    calls: int
    errors: int
    p95: float | None
    slowest: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


class Latencies(NamedTuple):
    """Latencies over time.

    Attributes:
        points: by name and time.
        totals: of the whole window, by name; their time is 0.
        left_out: how many names are left out, because others have more calls.
    """

    points: list[LatencyPoint]
    totals: list[LatencyPoint]
    left_out: int = 0


class ProfileStep(NamedTuple):
    """A step of a profile: an operation below the steps that lead to it.

    Attributes:
        step: a hash of the path of operations from the entry to this step.
        above: the step above; 0 for the entry itself.
        entry: the first step of the path.
        service: the service.
        namespace: its namespace.
        operation: what it does.
        kind: `visit` (a service handles a request or a message), `call` or `publish`.
        group: the consumer group, of a visit by a message.
    """

    step: int
    above: int
    entry: int
    service: str
    namespace: str | None
    operation: str
    kind: str
    group: str | None = None


class ProfileCount(NamedTuple):
    """How often a measure of a step had a value, in the traces that began in one time slice.

    Attributes:
        minute: start of the slice, minutes since the epoch.
        minutes: length of the slice.
        entry: the entry of the profile.
        step: the step.
        measure: see `laban_mapper.profiles.sketch.Measure`.
        buckets: (bucket, count), by bucket; see `laban_mapper.profiles.sketch`.
    """

    minute: int
    minutes: int
    entry: int
    step: int
    measure: int
    buckets: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """A summary of a store.

    Attributes:
        unnamed: the number of spans without `service.name`.
        estimated: whether the number of traces is an estimate.
    """

    spans: int
    traces: int
    services: tuple[str, ...]
    unnamed: int
    estimated: bool = False


class DatedSpans(NamedTuple):
    """A number of spans, and the starts of the first and the last of them."""

    spans: int
    first: int
    last: int


def plausible_starts(now: int) -> tuple[int, int]:
    """Return the half-open window of the starts that a clock which is right can give."""
    return PLAUSIBLE_SINCE, now + PLAUSIBLE_AHEAD


class SeenOperation(NamedTuple):
    """Server spans of one operation in a window, and the newest trace with one.

    Attributes:
        caller: the service of the span above (`namespace/name`); None if it is not stored.
        is_entry: whether no span is above.
        service: `namespace/name`.
    """

    caller: str | None
    is_entry: bool
    service: str
    name: str
    http_method: str | None
    http_route: str | None
    rpc_system: str | None
    rpc_service: str | None
    rpc_method: str | None
    calls: int
    trace_id: str


class SeenHop(NamedTuple):
    """Spans of one service with the same kind and the same other side in a window, and the newest trace.

    Attributes:
        service: `namespace/name`.
        operation: of messaging.
        message_type: the event type that the spans name; None if they or the store do not tell.
        message_version: likewise.
    """

    service: str
    kind: int
    operation: str | None
    topic: str | None
    group: str | None
    db_system: str | None
    db_namespace: str | None
    peer_service: str | None
    peer_address: str | None
    peer_port: int | None
    rpc_service: str | None
    trace_id: str
    message_type: str | None = None
    message_version: str | None = None
