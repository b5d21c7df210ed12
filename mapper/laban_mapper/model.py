"""The answers, as values: the mapper builds them, the API sends them, the CLI and the dashboard show them.

Their JSON is the documented, stable shape of every `--json`: fields may be added, but not renamed. Times are
ISO 8601 in UTC; durations and latencies are milliseconds.
"""

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

Outcome = Literal["ok", "ok_with_errors", "failed", "waiting", "incomplete"]
NodeKind = Literal["service", "topic", "group", "database", "external", "entry", "unseen", "other"]
EdgeKind = Literal["sync", "async"]
LagStatus = Literal["OK", "WARN", "STALL", "STOP", "REWIND"]
STANDS: Final[tuple[LagStatus, ...]] = ("STALL", "STOP")
"""The statuses of a group that does not move."""
SecondsFrom = Literal["message", "span", "interpolated"]
Severity = Literal["info", "warning", "error"]
LogSeverity = Literal["unspecified", "trace", "debug", "info", "warn", "error", "fatal"]
MessageStateName = Literal[
    "processed", "failed", "retried", "dead-lettered", "duplicated", "waiting", "untraced", "unseen"
]


CauseKind = Literal[
    "error",
    "timed_out",
    "unreachable",
    "missing",
    "slow",
    "stuck",
    "published_twice",
    "out_of_order",
    "poison",
    "retried",
]


class Answer(BaseModel):
    """Base of all answers: immutable, and readable from its own JSON."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True)


class RootCause(Answer):
    """Where a failure began."""

    service: str
    operation: str
    error: str


class Cause(Answer):
    """A claim about what went wrong, with what it rests on.

    Attributes:
        service: whom it blames: a service, or what is known of a callee that sends no spans.
        operation: what the service did, or did not do.
        sentence: the claim for people, without a full stop.
        usual: the usual value in milliseconds, of claims that compare: of the time that is too long, or of
            the delay after which a missing step begins.
        examples: how many traces the usual value rests on.
        spans: the IDs of the spans that prove it.
        rank: 1 for the cause that explains the outcome; the others are also seen.
    """

    kind: CauseKind
    service: str
    operation: str
    sentence: str
    usual: float | None = None
    examples: int | None = None
    spans: list[str] = []
    rank: int


class OrderScope(Answer):
    """How many others of the same kind are affected by the same cause.

    Attributes:
        affected: calls or messages with the same problem since `since`.
        of: all calls or messages at the same place since then.
        since: the first minute with the problem.
        before_affected: the same in the hour before `since`.
        before_of: all in the hour before.
    """

    affected: int
    of: int
    since: datetime
    before_affected: int = 0
    before_of: int = 0


class UsualTimes(Answer):
    """What a step usually takes: medians in ms, of earlier traces in which it went well; None if unknown.

    Attributes:
        duration_ms: of the whole step.
        own_ms: of the step without the calls below it.
        wait_ms: of the message in the queue.
        examples: how many traces they rest on, at least 20.
    """

    duration_ms: float | None = None
    own_ms: float | None = None
    wait_ms: float | None = None
    examples: int


class Step(Answer):
    """One span of a story.

    Attributes:
        time: the start as the service sent it.
        start_ms: the start after the start of the story; clocks that differ are corrected. None from a
            collector that does not correct clocks.
        cause: the index in `steps` of the step that led to this one; None for the first step of a tree.
        by_message: whether a message led to this step, instead of a call or the code of the same service.
        namespace: the namespace of the service. `service` is `namespace/name` if the name occurs in several.
        chatter: whether the step only keeps a connection or a transaction of a database.
        critical: whether the step is on the path until everything was done.
        critical_ms: the part of the step's own time that the reply to the first request waited for. The sum
            over all steps is the duration of that request. None if the story does not begin with a request.
        critical_to_end_ms: the same until everything was done. Time in queues belongs to no step.
        critical_sections: begin and end, in ms after the start of the story, of the parts of its own time
            that the reply waited for, or else the end.
        notes: what the span says about retries and circuit breakers, and the timeout that a call ran into.
        own_ms: the time of a request or of the work on a message, without the calls below it.
        usual: what the step usually takes; None if too few examples are known.
    """

    time: datetime
    service: str
    operation: str
    kind: str
    duration_ms: float
    wait_ms: float | None = None
    status: Literal["ok", "error", "unset"]
    error: str | None = None
    topic: str | None = None
    group: str | None = None
    partition: int | None = None
    offset: int | None = None
    trace_id: str
    span_id: str
    parent_id: str | None = None
    depth: int = 0
    critical: bool = False
    odd_time: bool = False
    """Whether the span is dated before 2000, or more than an hour ahead of now."""
    start_ms: float | None = None
    cause: int | None = None
    by_message: bool = False
    namespace: str | None = None
    chatter: bool = False
    critical_ms: float | None = None
    critical_to_end_ms: float | None = None
    critical_sections: list[tuple[float, float]] = []
    notes: list[str] = []
    own_ms: float | None = None
    usual: UsualTimes | None = None


class GroupState(Answer):
    """What happened to one message in one consumer group.

    Attributes:
        seconds_ahead: until the group has consumed a waiting message, at its rate; None if it does not move.
        waiting_ms: how long the message had waited when its partition was polled.
    """

    group: str
    state: MessageStateName
    service: str | None = None
    wait_ms: float | None = None
    duration_ms: float | None = None
    attempts: int = 0
    error: str | None = None
    messages_ahead: int | None = None
    seconds_ahead: float | None = None
    waiting_ms: float | None = None


class Message(Answer):
    """One message published for the order, and every group that consumes its topic.

    Only Kafka shows which groups consume a topic, and how far they are. In other systems, a message that is
    still in a queue looks like a message without a consumer.
    """

    topic: str
    partition: int | None
    offset: int | None
    key: str | None = None
    published: datetime
    service: str
    system: str | None = None
    groups: list[GroupState]
    event_type: str | None = None
    version: str | None = None


class LogEntry(Answer):
    """One log record of a trace.

    Attributes:
        time: as the service sent it.
        time_ns: the same in ns since the epoch.
        severity: by its number; `unspecified` if it has none.
        severity_text: as the logging library calls it.
        logger: the name of the instrumentation scope.
        body: text; JSON if it was none.
        span_id: None if the record names a trace only.
    """

    time: datetime
    time_ns: int
    severity: LogSeverity
    severity_text: str | None = None
    service: str
    namespace: str | None = None
    logger: str | None = None
    event_name: str | None = None
    body: str | None = None
    attributes: dict[str, Any] = {}
    dropped_attributes: int = 0
    trace_id: str
    span_id: str | None = None


class Logs(Answer):
    """The answer to "What was logged in these traces?".

    Attributes:
        logs: by time.
        truncated: whether there are more.
    """

    logs: list[LogEntry]
    truncated: bool = False


class StoryLog(LogEntry):
    """A log record at its step.

    Attributes:
        start_ms: its time after the start of the story; clocks that differ are corrected as for the step.
        step: the index in `steps`; None if it names no span.
    """

    start_ms: float
    step: int | None = None


class Story(Answer):
    """The answer to "What happened to order 123?".

    Attributes:
        started: the start of the first step, by the clock of the service where the story begins.
        duration_ms: from the first start to the last end; clocks that differ are corrected.
        notes: what is wrong with the spans, and what was done about it.
        clock_skew_ms: by service, how far its clock is ahead of the clock of the service where the story
            begins; negative if it is behind. Only services whose clock is known to differ.
        causes: what went wrong, by rank; the first one explains the outcome.
        scope: how many others the first cause affects; None if that is unknown.
        usual_ms: the median of the durations of others that begin with the same request, until all that
            followed had ended; None with too few examples, or if the story has several requests.
        usual_examples: how many traces it rests on.
        logs: the log records of the steps, by time, if they were asked for.
        logs_left_out: records of the same traces whose spans are not steps of the story.
        logs_truncated: whether the traces have more records than were read.
    """

    key: str
    value: str
    verdict: str
    outcome: Outcome
    root_cause: RootCause | None
    traces: list[str]
    spans: int
    started: datetime
    duration_ms: float
    steps: list[Step]
    messages: list[Message]
    truncated: bool = False
    notes: list[str] = []
    clock_skew_ms: dict[str, float] = {}
    causes: list[Cause] = []
    scope: OrderScope | None = None
    usual_ms: float | None = None
    usual_examples: int | None = None
    logs: list[StoryLog] = []
    logs_left_out: int = 0
    logs_truncated: bool = False


class Neighbour(Answer):
    """An order near another one, and when it was seen."""

    value: str
    time: datetime


class NeighbourRow(Answer):
    """The orders before and after one, among those that share a business key.

    Attributes:
        key: the shared key, such as `customer.id`; or the key of the orders themselves.
        value: the shared value; None: among all orders.
        previous: the order before; None if there is none, or if it is not known.
        next: the order after, likewise.
        orders: how many orders share the value; None among all.
        truncated: whether there are more than were looked at.
    """

    key: str
    value: str | None
    previous: Neighbour | None = None
    next: Neighbour | None = None
    orders: int | None = None
    truncated: bool = False


class Neighbours(Answer):
    """The orders before and after one.

    Attributes:
        key: the business key of the orders, such as `order.id`.
        value: its value.
        rows: among all orders first, then by each shared key.
        left_out: shared keys that are not told.
    """

    key: str
    value: str
    rows: list[NeighbourRow]
    left_out: int = 0


class OrderCause(Answer):
    """The first cause of an order."""

    service: str
    kind: CauseKind
    sentence: str


class OrderSummary(Answer):
    """One line of the list of orders.

    Attributes:
        key: the business key, such as `order.id`.
        started: the start of its first span.
        duration_ms: from the first start to the last end.
        last_seen: the end of the newest span that names it.
        entry: the service and the operation with which it began, such as `order POST /orders`.
        usual_ms: as in `Story`.
        usual_examples: as in `Story`.
    """

    key: str
    value: str
    outcome: Outcome
    started: datetime
    duration_ms: float
    last_seen: datetime | None = None
    cause: OrderCause | None = None
    services: list[str] = []
    traces: list[str] = []
    entry: str | None = None
    usual_ms: float | None = None
    usual_examples: int | None = None


class Orders(Answer):
    """The answer to "Which orders went badly?".

    Attributes:
        truncated: whether there are, or may be, more than these: older ones, or more than the limit.
        looked_at: how many orders were examined, the newest first.
    """

    orders: list[OrderSummary]
    truncated: bool = False
    looked_at: int = 0


class Finding(Answer):
    """Something that is wrong with how the services talk, as a rule found it.

    Attributes:
        code: of the rule, stable: `L001`.
        name: of the rule, stable: `deep-sync-chain`.
        place: what it is about, stable over time: `order → inventory`, `topic orders`.
        sentence: what is the case, with its numbers.
        numbers: the evidence: milliseconds, counts, and shares from 0 to 1.
        traces: at most five traces that prove it.
        advice: what to do.
        why: why it matters.
        ignored: the reason from `laban.toml` why it is not counted; None if it is.
    """

    code: str
    name: str
    severity: Severity
    place: str
    sentence: str
    numbers: dict[str, float] = {}
    traces: list[str] = []
    advice: str
    why: str = ""
    ignored: str | None = None


class LookedAt(Answer):
    """What the findings rest on.

    Attributes:
        traces: sampled traces that were read.
        of: traces of the time range.
        spans: of the sampled traces.
        entries: entry operations.
        calls: calls and messages on the map.
        too_large: traces that were not read, because they have too many spans.
        complete: whether all that follows from the sampled traces was read.
        all_entries: whether there are no more entry operations than these, the busiest.
    """

    traces: int = 0
    of: int = 0
    spans: int = 0
    entries: int = 0
    calls: int = 0
    too_large: int = 0
    complete: bool = True
    all_entries: bool = True


class Findings(Answer):
    """The answer to "Is it a distributed monolith?": the worst findings first.

    Attributes:
        score: how much of a distributed monolith the system is, from 0 to 1; None if unknown.
        truncated: whether there were more than are listed.
        left_out: how many more.
    """

    findings: list[Finding]
    looked_at: LookedAt
    since: datetime
    until: datetime
    score: float | None = None
    truncated: bool = False
    left_out: int = 0


class Node(Answer):
    """A node of the service map: a service, a topic, a consumer group …

    The name of a service is short if no other service on the map has the same name in another namespace.
    A group has the worst of its lag statuses, and the sum of its messages; None without a recent poll.
    """

    id: str
    kind: NodeKind
    name: str
    namespace: str | None = None
    lag_status: LagStatus | None = None
    lag_messages: int | None = None


class Evidence(Answer):
    """How many calls of an edge were found by which kind of evidence."""

    parent: int = 0
    link: int = 0
    attribute: int = 0


class Contract(Answer):
    """Messages of one event type and version that passed an edge.

    The event type `other` stands for all those beyond what laban tells apart.

    Attributes:
        event_type: of the CloudEvent, or from a header; None if the messages have only a version.
        version: `dataschema` of the CloudEvent, the version in a header, or the ID of the schema in a
            registry; None if the messages do not say it.
        calls: messages.
        errors: failed ones.
        first: the begin of the first minute with such messages.
        last: the begin of the last one.
    """

    event_type: str | None = None
    version: str | None = None
    calls: int
    errors: int = 0
    first: datetime
    last: datetime


class Edge(Answer):
    """Calls from one node to another: how many, how many failed, how fast.

    `contracts` are the event types and versions of its messages, the most frequent first. Calls have none.
    Messages without a type and a version are in none of them.
    """

    source: str = Field(serialization_alias="from", validation_alias=AliasChoices("from", "source"))
    target: str = Field(serialization_alias="to", validation_alias=AliasChoices("to", "target"))
    kind: EdgeKind
    protocol: str
    calls: int
    errors: int
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    evidence: Evidence = Evidence()
    contracts: list[Contract] = []


class EntryScope(Answer):
    """The entry operation to which a map is limited.

    Attributes:
        name: as it was asked for.
        traces: sampled traces, whose calls and messages are the edges of the map.
        of: traces of it in the time range.
    """

    name: str
    traces: int
    of: int


class ServiceMap(Answer):
    """The service map of a time range.

    `callers_not_seen` counts the calls and messages whose sender is not known: a parent was named and has not
    arrived, because of sampling, loss, or a service that is not traced. They are on the map only if asked
    for, as calls of the node `unseen:callers`.

    While very many spans arrive, the map may lack the newest ones: those that were stored after `counted_to`.
    If that is None, the map has all spans that were acknowledged before the question.

    With an `entry`, only the edges that its traces contain; their numbers are those of all traffic.
    """

    since: datetime
    until: datetime
    nodes: list[Node]
    edges: list[Edge]
    truncated: bool = False
    callers_not_seen: int = 0
    counted_to: datetime | None = None
    entry: EntryScope | None = None


class PartitionLag(Answer):
    """How far behind a group is in one partition.

    Retention deleted the `lost` messages before the group read them; `messages` does not contain them.
    `seconds_from` is None if nothing waits or `seconds` is unknown. With a `problem`, the rest is what an
    earlier poll read.
    """

    topic: str
    partition: int
    committed: int | None
    end: int
    messages: int | None
    seconds: float | None
    status: LagStatus
    time: datetime
    start: int | None = None
    lost: int = 0
    seconds_from: SecondsFrom | None = None
    problem: str | None = None


class BusinessKey(Answer):
    """A business key and its value."""

    key: str
    value: str


class WaitingMessage(Answer):
    """A message that a group has not processed, and the business keys by which it is known.

    It had waited for `waiting_ms` when its partition was polled.
    """

    partition: int
    offset: int
    published: datetime
    waiting_ms: float
    service: str
    message_key: str | None = None
    keys: list[BusinessKey]
    trace_id: str


class QueueCause(Answer):
    """What slowed the consumers of a queue, or failed in them: in how many of the newest messages.

    Attributes:
        mean_ms: the time that a slow operation itself took per message.
        share: its share of all the time that the consumers took, from 0 to 1.
    """

    kind: Literal["slow", "failing"]
    service: str
    operation: str
    error: str | None = None
    messages: int
    of: int
    mean_ms: float | None = None
    share: float | None = None
    sentence: str


_SAME_RATE: Final = 0.9
"""A rate above this share of another is as high, as far as a few minutes tell."""


class WaitingTopic(Answer):
    """The messages of a topic that a group has not committed.

    Attributes:
        messages: all of them. Without a commit: all in the log.
        known: those that are known by a span, and not processed.
        named: those of them that were read (at most 100 of each partition) and have a business key.
        processed: those that the group has processed, but not yet committed.
        oldest: the first known ones.
        left_out: known ones that are not among them.
        unexamined_partitions: partitions with messages that were not looked up.
        published_per_s: messages that come per second, in the last minutes; None if unknown.
        consumed_per_s: messages that the group consumes per second.
        drain_s: seconds until nothing waits; None if unknown, or if the queue does not drain.
        causes: what slowed the consumers, or failed in them.
    """

    topic: str
    messages: int
    known: int
    named: int
    processed: int
    oldest: list[WaitingMessage]
    left_out: int
    unexamined_partitions: int = 0
    published_per_s: float | None
    consumed_per_s: float | None
    drain_s: float | None
    causes: list[QueueCause]

    @property
    def grows(self) -> bool:
        """Whether clearly more messages come than the group consumes; False if the rates are unknown."""
        if self.published_per_s is None or self.consumed_per_s is None:
            return False
        return self.consumed_per_s < _SAME_RATE * self.published_per_s


class GroupLag(Answer):
    """How far behind a group is; its status is the worst of its partitions, None if none could be read."""

    group: str
    status: LagStatus | None
    messages: int
    topics: list[PartitionLag]
    cluster: str | None = None
    lost: int = 0
    members: int | None = None
    problem: str | None = None
    waiting: list[WaitingTopic] | None = None


class LagProblem(Answer):
    """A group, topic or partition whose offsets could not be read; None where it is not one of them."""

    cluster: str
    group: str | None
    topic: str | None
    partition: int | None
    reason: str
    time: datetime


class LagReport(Answer):
    """The newest lag of every consumer group. Groups of the same name in two clusters are two groups.

    The waiting messages, and groups and topics that nobody reads, are part of it if they were asked for.
    """

    groups: list[GroupLag]
    problems: list[LagProblem] = []
    groups_without_members: list[str] | None = None
    topics_without_groups: list[str] | None = None
    truncated: bool = False


class LagPoint(Answer):
    """One poll of one partition, for a chart; `status` is None from a collector that does not tell it."""

    time: datetime
    group: str
    topic: str
    partition: int
    messages: int | None
    seconds: float | None
    cluster: str | None = None
    status: LagStatus | None = None


class LagHistory(Answer):
    """The lag over time, sorted by time.

    Attributes:
        objectives: for how many seconds a message of a group may wait, as `laban.toml` says.
    """

    points: list[LagPoint]
    truncated: bool = False
    objectives: dict[str, float] = {}


class LatencyPoint(Answer):
    """Percentiles of one edge or route in one time bucket."""

    time: datetime
    name: str
    calls: int
    errors: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


class LatencyTotal(Answer):
    """Percentiles of one edge or route over the whole time range.

    Attributes:
        objective_ms: the longest 95th percentile that is fine, as `laban.toml` says; None: nothing is said.
    """

    name: str
    calls: int
    errors: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    objective_ms: float | None = None


class LatencyHistory(Answer):
    """Latency over time, sorted by name and time.

    Attributes:
        bucket_s: the seconds between two points.
        totals: over the whole time range, from all calls, by name.
        within_percent: by how much a percentile may differ from the true one: durations are counted in
            buckets of this width. A bucket with one duration is exact.
        left_out: edges or routes that are not told, because they have the fewest calls.
    """

    by: Literal["edge", "route"]
    bucket_s: float
    points: list[LatencyPoint]
    truncated: bool = False
    totals: list[LatencyTotal] = []
    within_percent: float | None = None
    left_out: int = 0
    since: datetime | None = None
    until: datetime | None = None


class KnownValue(Answer):
    """A value of a business key that has been seen."""

    value: str
    last_seen: datetime


class KnownValues(Answer):
    """The newest values of a business key."""

    key: str
    values: list[KnownValue]


class StoreVerification(Answer):
    """The background verification of the database file; the fields are those of `Verification`.

    Attributes:
        state: `waiting` before the first pass has ended, `intact`, or `damaged`.
        passes: verifications of the whole file since the start.
        verified: when the last pass ended, seconds since the epoch; None before.
        age_s: seconds since then; None before.
        seconds: how long the last pass took, including its pauses.
        blocks: blocks that the last pass read.
        rows: rows that the last pass read.
        damage: what was found.
    """

    state: str = "waiting"
    passes: int = 0
    verified: float | None = None
    age_s: float | None = None
    seconds: float | None = None
    blocks: int = 0
    rows: int = 0
    damage: str | None = None


class LostCommitRange(Answer):
    """Lost spans of neighbouring commits."""

    first: int
    last: int
    spans: int


class RescueStatus(Answer):
    """The rescue of a damaged file.

    Attributes:
        file: name of the damaged file.
        state: `waiting`, `running`, `done`, or `failed`.
        reason: why the file was set aside.
        found: spans that could be read.
        stored: those of them that were not stored already.
        lost: spans that are known to be lost.
        exact: whether `lost` is exact, and not a lower bound; None before it is known.
        incomplete: rescued spans that lack a damaged column.
        commits: the commits of the lost spans, at most 1,000 ranges.
        sentence: all of this for people.
    """

    file: str
    state: str
    reason: str
    found: int
    stored: int
    lost: int
    exact: bool | None = None
    incomplete: int = 0
    commits: list[LostCommitRange] = []
    sentence: str


class LogCounts(Answer):
    """Log records since the start: stored, rejected and deleted ones, and requests that were refused.

    The fields are those of `laban_collector.health.LogCounts`.
    """

    stored: int = 0
    rejected: int = 0
    refused: int = 0
    forgotten: int = 0


class CollectorStatus(Answer):
    """How the collector is doing since it started, in bytes and seconds.

    The fields are those of `laban_collector.health.Health`.
    """

    received: int
    stored: int
    duplicates: int
    rejected: int
    refused: dict[str, int]
    in_flight: int
    unloaded: int
    commits: int
    commit_mean: float | None
    file: int
    used: int
    wal: int
    forgotten: int
    ledger: str
    ledger_agrees: bool
    set_aside: list[str]
    failure: str | None
    doing: str = ""
    verification: StoreVerification = StoreVerification()
    rescues: list[RescueStatus] = []
    others: dict[str, int] = {}
    logs: LogCounts = LogCounts()


class ImportRules(Answer):
    """The rules by which a client decodes spans for a collector."""

    keys: str


class Imported(Answer):
    """The result of an imported batch: how many spans are new, and how many were stored already."""

    stored: int
    duplicates: int


class Refused(Answer):
    """Why a request was refused."""

    error: str


class UnknownAnswer(Refused):
    """The value is unknown, or was not seen in the requested time range, or means several orders.

    Attributes:
        nearest: known values that resemble an unknown value, the nearest first.
        keys: the other business keys that have an unknown value; or all keys that have it.
        several: whether several keys have the value, and mean different orders.
        first: start of the first span with the value; None if the value is unknown.
        last: start of the last span with the value; None if the value is unknown.
    """

    nearest: list[str]
    keys: list[str] = []
    several: bool = False
    first: datetime | None = None
    last: datetime | None = None


class OddTimes(Answer):
    """Spans that are dated before 2000, or more than an hour ahead of now (`ahead`)."""

    spans: int
    first: datetime
    last: datetime
    ahead: bool


class Status(Answer):
    """What is stored, and how the collector is doing; `collector` is None without a running collector.

    Attributes:
        traces_estimated: whether the number of traces is an estimate: of many spans, it is.
        first: start of the first span; those with odd times do not count, unless all have odd times.
        last: start of the last span, likewise.
        without_service_name: number of spans without `service.name`.
        odd_times: spans with impossible dates.
        warnings: sentences about the two above.
    """

    version: str
    spans: int
    traces: int
    services: list[str]
    first: datetime | None
    last: datetime | None
    without_service_name: int = 0
    odd_times: list[OddTimes] = []
    warnings: list[str] = []
    collector: CollectorStatus | None = None
    traces_estimated: bool = False
