"""Runs orders through a system in the order of time, and records the spans that its services would send."""

import heapq
import itertools
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from benchmarks.simulation import spelling
from benchmarks.simulation.blueprint import (
    MS,
    Action,
    Database,
    Entry,
    External,
    Group,
    Operation,
    S,
    System,
    Timing,
    Topic,
)
from benchmarks.simulation.faults import Fault
from benchmarks.simulation.spelling import (
    CLIENT,
    CONSUMER,
    INTERNAL,
    PRODUCER,
    SERVER,
    Recorded,
    Trouble,
    Value,
)

_BACKOFF: Final = Timing(80, 0.5)
_BETWEEN_ATTEMPTS: Final = Timing(400, 0.4)
_REFUSAL: Final = Timing(1, 0.4)
_MISSING: Final = Trouble(404, "NotFound", "not found")
_GLITCH: Final = Trouble(503, "ServiceUnavailable", "warming up", transient=True)
_STEP: Final = 50_000
"""ns between two lines of code."""


@dataclass(eq=False, slots=True)
class Order:
    """An order, and what is known about it because it was made.

    Attributes:
        faulty: whether the fault may affect it.
        touched: whether the fault has affected it.
        glitches: whether an attempt failed without the fault.
        evidence: spans without which nobody can see the fault.
    """

    value: str
    entry: Entry
    begin: int
    faulty: bool
    touched: bool = False
    glitches: bool = False
    spans: list[Recorded] = field(default_factory=list)
    evidence: list[Recorded] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Message:
    """A published message.

    Attributes:
        delay: what it waits longer than usual, in ns.
        poison: whether it cannot be decoded.
        copy: whether it is the second copy of an event.
    """

    time: int
    action: Action
    topic: Topic
    partition: int
    order: Order
    sent: Recorded
    event: dict[str, Value]
    delay: int = 0
    poison: bool = False
    copy: bool = False
    offset: int = -1


class Consumed(NamedTuple):
    """A commit: the next offset, and when."""

    time: int
    offset: int


class Ended(NamedTuple):
    """When something ended, and how: the answer's status, and the failure if it failed."""

    end: int
    code: int = 200
    trouble: Trouble | None = None


class Execution:
    """Executes orders in a system, with a fault that begins at `fault.since`.

    Attributes:
        published: by topic and partition, the times at which messages were appended.
        commits: by group, topic and partition.
        first: by topic and partition, the first offset.
    """

    def __init__(self, system: System, numbers: random.Random, fault: Fault | None = None) -> None:
        self._system = system
        self._numbers = numbers
        self.fault = fault
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._sequence = itertools.count()
        self._busy: dict[tuple[str, str, int], int] = {}
        self._held: dict[tuple[Group, Order], Message] = {}
        self.published: dict[tuple[str, int], list[int]] = {}
        self.commits: dict[tuple[str, str, int], list[Consumed]] = {}
        self.first = {
            (topic.name, partition): numbers.randrange(100_000)
            for topic in system.topics
            for partition in range(topic.partitions)
        }
        self.last = system.begin

    def order(self, number: int, begin: int) -> Order:
        """Let a new order enter at a time."""
        numbers = self._numbers
        [entry] = numbers.choices(self._system.entries, [one.share for one in self._system.entries])
        fault = self.fault
        hit = fault is not None and begin >= fault.since and numbers.random() < fault.share
        order = Order(self._value(number), entry, begin, hit)
        self._at(begin, lambda: self._enter(order))
        return order

    def run(self) -> None:
        """Execute all that is due, and all that follows from it."""
        while self._events:
            time, _, execute = heapq.heappop(self._events)
            self.last = max(self.last, time)
            execute()
        for (group, _), message in list(self._held.items()):
            self._deliver(group, message)
        self._held.clear()

    def _at(self, time: int, execute: Callable[[], None]) -> None:
        heapq.heappush(self._events, (time, next(self._sequence), execute))

    def _value(self, number: int) -> str:
        match self._system.orders:
            case "number":
                return str(700_000 + number)
            case "prefixed":
                return f"ORD-{number:06d}"
            case _:
                return str(uuid.UUID(int=self._numbers.getrandbits(128), version=4))

    def _is_down(self, time: int, target: Operation) -> bool:
        fault = self.fault
        return fault is not None and fault.service is target.service and time >= fault.since

    def _hits(self, order: Order, kind: str) -> Fault | None:
        fault = self.fault
        return fault if fault is not None and order.faulty and fault.kind == kind else None

    # Spans

    def _span(
        self, order: Order, operation: Operation, name: str, kind: int, start: int, above: Recorded | None
    ) -> Recorded:
        numbers = self._numbers
        trace = numbers.randbytes(16) if above is None else above.trace
        parent = b"" if above is None else above.span_id
        span = Recorded(operation.service, trace, numbers.randbytes(8), parent, name, kind, start, start)
        if self._system.keys_everywhere or not order.spans:
            span.attributes["order.id"] = order.value
        order.spans.append(span)
        return span

    def _inside(
        self, order: Order, operation: Operation, name: str, start: int, above: Recorded, took: int
    ) -> None:
        self._span(order, operation, name, INTERNAL, start, above).end = start + took

    # Calls

    def _enter(self, order: Order) -> None:
        operation = order.entry.operation
        caller = self._numbers.randbytes(8) if order.entry.unseen_caller else b""
        self._serve(order, operation, order.begin, None, caller)

    def _serve(
        self, order: Order, operation: Operation, start: int, above: Recorded | None, caller: bytes = b""
    ) -> Ended:
        """Serve a request: the server half of a call."""
        kind = INTERNAL if operation.protocol == "job" else SERVER
        name = operation.name if operation.protocol == "job" else spelling.server_name(operation)
        span = self._span(order, operation, name, kind, start, above)
        span.parent = span.parent or caller
        if kind == SERVER:
            span.attributes |= spelling.server_attributes(operation, self._path(order, operation))
        stock = operation.service.style == "python" and operation.protocol == "http"
        if stock:
            self._inside(order, operation, f"{span.name} http receive", start + _STEP, span, _STEP)
        ended = self._work(order, operation, span, start)
        if stock:
            self._inside(order, operation, f"{span.name} http send", ended.end, span, _STEP)
        span.end = ended.end + (2 * _STEP if stock else 0)
        spelling.answer(span, operation, ended.trouble, ended.code)
        return ended._replace(end=span.end)

    def _path(self, order: Order, operation: Operation) -> str:
        parts = operation.name.split("/")
        return "/".join(order.value if part.startswith("{order") else part.strip("{}") for part in parts)

    def _work(self, order: Order, operation: Operation, span: Recorded, start: int) -> Ended:
        """Do what an operation does: its own work in parts, and between them its stages."""
        numbers = self._numbers
        parts = [numbers.expovariate(1) for _ in range(len(operation.stages) + 1)]
        own = self._own(order, operation, span)
        failing = self._failing(order, operation, span)
        at = start
        outer = span
        if operation.inner is not None:
            at += _STEP
            span = self._span(order, operation, operation.inner, INTERNAL, at, outer)
        ended: Ended | None = None
        for number, stage in enumerate(operation.stages):
            at += int(own * parts[number] / sum(parts))
            if failing == number:
                ended = self._raised(span, at)
                break
            ended = self._stage(order, operation, stage, at, span)
            at = ended.end
            if ended.trouble is not None:
                break
        else:
            ended = None
            at += int(own * parts[-1] / sum(parts))
            if failing is not None:
                ended = self._raised(span, at)
        if operation.inner is not None:
            span.end = at
            if ended is not None and ended.trouble is not None:
                spelling.fail(span, ended.trouble)
            at += _STEP
        return Ended(at) if ended is None else ended._replace(end=at)

    def _own(self, order: Order, operation: Operation, span: Recorded) -> int:
        fault = self._hits(order, "slow") or self._hits(order, "timed_out")
        if fault is None or fault.operation is not operation:
            return operation.timing.draw(self._numbers)
        self._touch(order, span)
        return operation.timing.draw(self._numbers, fault.factor) + int(fault.extra * MS)

    def _failing(self, order: Order, operation: Operation, span: Recorded) -> int | None:
        """The stage before which the operation fails, because of the fault; None if it does not."""
        fault = self._hits(order, "error")
        if fault is None or fault.operation is not operation:
            return None
        self._touch(order, span)
        return self._numbers.randrange(len(operation.stages) + 1)

    def _raised(self, span: Recorded, at: int) -> Ended:
        del span
        assert self.fault is not None
        return Ended(at, 500, self.fault.trouble)

    def _touch(self, order: Order, *evidence: Recorded) -> None:
        order.touched = True
        order.evidence += evidence

    def _stage(
        self, order: Order, operation: Operation, stage: list[Action], at: int, above: Recorded
    ) -> Ended:
        """Do the actions of a stage at the same time, and wait for all."""
        end = at
        trouble: Ended | None = None
        for number, action in enumerate(stage):
            ended = self._act(order, operation, action, at + number * _STEP, above)
            end = max(end, ended.end)
            if ended.trouble is not None and not action.handles and trouble is None:
                callee = spelling.client_name(action)
                passed_on = spelling.of_callee(operation.service.style, ended.trouble, callee)
                trouble = Ended(end, passed_on.code, passed_on)
        return Ended(end) if trouble is None else trouble._replace(end=end + _STEP)

    def _act(self, order: Order, operation: Operation, action: Action, at: int, above: Recorded) -> Ended:
        if self._numbers.random() >= action.chance:
            return Ended(at)
        fault = self._hits(order, "missing")
        if fault is not None and fault.action is action:
            self._touch(order, above)
            return Ended(at)
        target = action.target
        if isinstance(target, Topic):
            return self._publish(order, operation, action, target, at, above)
        if isinstance(target, Database):
            return self._query(order, operation, action, target, at, above)
        return self._call(order, operation, action, target, at, above)

    def _query(
        self, order: Order, operation: Operation, action: Action, target: Database, at: int, above: Recorded
    ) -> Ended:
        style = operation.service.style
        span = self._span(order, operation, spelling.database_name(style, action, target), CLIENT, at, above)
        span.attributes |= spelling.database_attributes(style, action, target)
        slow = self._hits(order, "slow")
        is_slow = slow is not None and slow.action is action
        span.end = at + action.timing.draw(self._numbers, slow.factor if slow is not None and is_slow else 1)
        broken = self._hits(order, "error")
        if is_slow:
            self._touch(order, span)
        if broken is None or broken.action is not action:
            return Ended(span.end)
        self._touch(order, span)
        spelling.fail(span, broken.trouble)
        return Ended(span.end, 0, broken.trouble)

    def _call(
        self,
        order: Order,
        operation: Operation,
        action: Action,
        target: Operation | External,
        at: int,
        above: Recorded,
    ) -> Ended:
        """Call a service; try again after a failure that may pass."""
        ended = Ended(at)
        for attempt in range(action.attempts):
            span = self._span(order, operation, spelling.client_name(action), CLIENT, at, above)
            path = target.path if isinstance(target, External) else self._path(order, target)
            span.attributes |= spelling.client_attributes(operation.service.style, action, path)
            if attempt and operation.service.style == "laban":
                span.attributes["http.request.resend_count"] = attempt
            ended = self._attempt(order, action, target, span, at, attempt)
            limit = None if action.timeout is None else at + int(action.timeout * MS)
            if limit is not None and ended.end > limit:
                ended = Ended(limit, 0, _gave_up(operation, action))
            span.end = ended.end
            spelling.answered(span, action, ended.trouble, ended.code)
            if ended.trouble is None or not ended.trouble.transient:
                break
            at = ended.end + _BACKOFF.draw(self._numbers)
        if ended.trouble is _MISSING:
            return Ended(ended.end)
        return ended

    def _attempt(
        self,
        order: Order,
        action: Action,
        target: Operation | External,
        span: Recorded,
        at: int,
        attempt: int,
    ) -> Ended:
        numbers = self._numbers
        if isinstance(target, External):
            return self._outside(order, action, span, at)
        if self._is_down(at, target):
            assert self.fault is not None
            self._touch(order, span)
            return Ended(at + _REFUSAL.draw(numbers), 0, self.fault.trouble)
        there = at + action.network.draw(numbers)
        slow = self._hits(order, "slow")
        if slow is not None and slow.action is action:
            self._touch(order, span)
            there += int(slow.extra * MS * numbers.uniform(0.9, 1.1))
        glitch = self._glitch(order, action, span, attempt)
        if glitch is not None and not glitch.code:
            return Ended(there, 0, glitch)
        if glitch is not None or numbers.random() < action.misses:
            ended = self._refused(order, target, there, span, glitch or _MISSING)
        else:
            ended = self._serve(order, target, there, span)
        back = ended.end + action.network.draw(numbers)
        return ended._replace(end=back)

    def _glitch(self, order: Order, action: Action, span: Recorded, attempt: int) -> Trouble | None:
        """A failure of the first attempt, which passes."""
        fault = self._hits(order, "retried")
        if fault is not None and fault.action is action and attempt == 0:
            self._touch(order, span)
            return fault.trouble
        if attempt == 0 and action.attempts > 1 and self._numbers.random() < self._system.failures:
            order.glitches = True
            return _GLITCH
        return None

    def _refused(
        self, order: Order, target: Operation, there: int, above: Recorded, trouble: Trouble
    ) -> Ended:
        """Answer without doing anything: the server is not ready, or does not have what is asked for."""
        span = self._span(order, target, spelling.server_name(target), SERVER, there, above)
        span.attributes |= spelling.server_attributes(target, self._path(order, target))
        span.end = there + _REFUSAL.draw(self._numbers)
        spelling.answer(span, target, None if trouble is _MISSING else trouble, trouble.code)
        return Ended(span.end, trouble.code, trouble)

    def _outside(self, order: Order, action: Action, span: Recorded, at: int) -> Ended:
        slow = self._hits(order, "slow")
        took = action.timing.draw(
            self._numbers, slow.factor if slow is not None and slow.action is action else 1
        )
        fault = self.fault
        if not order.faulty or fault is None or fault.action is not action:
            return Ended(at + took)
        if fault.kind in {"slow", "timed_out"}:
            self._touch(order, span)
            return Ended(at + took + int(fault.extra * MS))
        if fault.kind == "error":
            self._touch(order, span)
            return Ended(at + took, fault.trouble.code, fault.trouble)
        return Ended(at + took)

    # Messages

    def _publish(
        self, order: Order, operation: Operation, action: Action, topic: Topic, at: int, above: Recorded
    ) -> Ended:
        fault = self.fault if order.faulty else None
        copies = 1
        if fault is not None and fault.action is action:
            copies = 2 if fault.kind == "published_twice" or (fault.kind == "poison" and fault.flag) else 1
        event = self._event(self._numbers)
        for copy in range(copies):
            at = self._send(order, operation, action, topic, at, above, event, copy)
        return Ended(at)

    def _event(self, numbers: random.Random) -> dict[str, Value]:
        event: dict[str, Value] = {"messaging.message.body.size": numbers.randrange(150, 900)}
        if self._system.event_ids:
            event["messaging.message.id"] = str(uuid.UUID(int=numbers.getrandbits(128), version=4))
        return event

    def _send(
        self,
        order: Order,
        operation: Operation,
        action: Action,
        topic: Topic,
        at: int,
        above: Recorded,
        event: dict[str, Value],
        copy: int,
    ) -> int:
        """Publish one message; return when the broker has acknowledged it."""
        fault = self.fault if order.faulty else None
        here = fault is not None and fault.action is action
        poison = here and fault is not None and fault.kind == "poison" and copy == int(fault.flag)
        if poison:
            event = {**event, "messaging.message.body.size": 17}
            event.pop("messaging.message.id", None)
        style = operation.service.style
        span = self._span(order, operation, spelling.send_name(style, topic.name), PRODUCER, at, above)
        span.attributes |= spelling.send_attributes(style, topic.name, order.value, event)
        span.end = at + (_STEP if style == "python" else action.timing.draw(self._numbers))
        message = Message(
            (at + span.end) // 2,
            action,
            topic,
            sum(order.value.encode()) % topic.partitions,
            order,
            span,
            event,
            poison=poison,
            copy=copy > 0 and not poison,
        )
        if poison or (copy and here):
            self._touch(order, span)
        if fault is not None and fault.kind == "out_of_order":
            self._disorder(message, fault)
        self._at(message.time, lambda: self._append(message))
        return span.end + _STEP

    def _disorder(self, message: Message, fault: Fault) -> None:
        """Publish the second event to another partition, and delay the first one."""
        if fault.group is not None:
            return
        if message.action is fault.second:
            message.partition = (message.partition + 1) % message.topic.partitions
            self._touch(message.order, message.sent)
        elif message.action is fault.action and fault.flag:
            message.delay = 2 * S

    def _append(self, message: Message) -> None:
        """Append a message to its partition, and let every group consume it."""
        place = (message.topic.name, message.partition)
        times = self.published.setdefault(place, [])
        message.offset = self.first[place] + len(times) if place in self.first else 0
        times.append(message.time)
        spelling.acknowledge(message.sent, message.partition, message.offset)
        fault = self.fault
        for group in message.topic.groups:
            if fault is not None and fault.group is group:
                self._consume_badly(group, message, fault)
            else:
                self._deliver(group, message)

    def _consume_badly(self, group: Group, message: Message, fault: Fault) -> None:
        order = message.order
        if fault.kind == "stuck" and message.time >= fault.since:
            self._touch(order, message.sent)
        elif fault.kind == "missing" and order.faulty:
            self._touch(order, message.sent)
            self._commit(group, message, message.time + group.wait.draw(self._numbers))
        elif fault.kind == "out_of_order" and order.faulty and message.action is fault.action:
            self._held[group, order] = message
        else:
            self._deliver(group, message)
            first = self._held.get((group, order))
            if first is not None and message.action is fault.second:
                self._touch(order, first.sent, message.sent)
                del self._held[group, order]
                self._deliver(group, first)

    def _commit(self, group: Group, message: Message, time: int) -> None:
        key = (group.name, message.topic.name, message.partition)
        self.commits.setdefault(key, []).append(Consumed(time, message.offset + 1))
        self.last = max(self.last, time)

    def _deliver(self, group: Group, message: Message) -> None:
        """Process a message, again after a failure, and give it up after the last attempt."""
        numbers = self._numbers
        queue = (group.name, message.topic.name, message.partition)
        at = max(message.time + group.wait.draw(numbers) + message.delay, self._busy.get(queue, 0))
        for attempt in range(1, group.attempts + 1):
            span = self._process(group, message, at, attempt)
            at = span.end
            if span.status != spelling.ERROR:
                break
            if attempt < group.attempts:
                at += _BETWEEN_ATTEMPTS.draw(numbers)
            elif group.dead_letters is not None:
                at = self._dead_letter(group, message, span)
        self._busy[queue] = (
            max(at, self._busy.get(queue, 0)) if not message.delay else self._busy.get(queue, 0)
        )
        self._commit(group, message, at)

    def _process(self, group: Group, message: Message, at: int, attempt: int) -> Recorded:
        order, operation, topic = message.order, group.operation, message.topic.name
        above: Recorded | None = message.sent
        if group.linked:
            above = self._span(order, operation, f"{topic} receive", CONSUMER, at - 2 * MS, None)
            above.end = at - _STEP
            above.attributes |= spelling.receive_attributes(group, topic)
            above.links.append((message.sent.trace, message.sent.span_id))
        span = self._span(order, operation, spelling.consume_name(group, topic), CONSUMER, at, above)
        if group.linked:
            span.links.append((message.sent.trace, message.sent.span_id))
        span.attributes |= spelling.consume_attributes(
            group, topic, message.partition, message.offset, order.value, message.event
        )
        if operation.service.style == "python":
            span.end = at + _STEP
            return span
        if operation.service.style == "laban":
            span.attributes["laban.kafka.queue_time_ms"] = max((at - message.time) // MS, 0)
            if attempt > 1:
                span.attributes["laban.delivery.attempt"] = attempt
        ended = self._handle(order, group, message, span, at, attempt)
        span.end = ended.end
        if ended.trouble is not None:
            spelling.fail(span, ended.trouble)
        return span

    def _handle(
        self, order: Order, group: Group, message: Message, span: Recorded, at: int, attempt: int
    ) -> Ended:
        fault = self.fault
        short = at + Timing(1, 0.3).draw(self._numbers)
        if message.poison and fault is not None:
            self._touch(order, span)
            return Ended(short, 500, fault.trouble)
        if message.copy and fault is not None and not fault.flag:
            return Ended(short)
        retried = self._hits(order, "retried")
        if retried is not None and retried.group is group and attempt == 1:
            self._touch(order, span)
            return Ended(short, 500, retried.trouble)
        return self._work(order, group.operation, span, at)

    def _dead_letter(self, group: Group, message: Message, span: Recorded) -> int:
        """Publish a message that the group gave up to its dead letter topic, which nobody reads."""
        assert group.dead_letters is not None
        operation = group.operation
        style = operation.service.style
        sent = self._span(
            message.order, operation, spelling.send_name(style, group.dead_letters), PRODUCER, span.end, span
        )
        sent.attributes |= spelling.send_attributes(
            style, group.dead_letters, message.order.value, message.event
        )
        if style == "laban":
            sent.attributes |= {
                "laban.dead_letter.original.topic": message.topic.name,
                "laban.dead_letter.original.partition": message.partition,
                "laban.dead_letter.original.offset": message.offset,
            }
        sent.end = span.end + 3 * MS
        place = (group.dead_letters, 0)
        times = self.published.setdefault(place, [])
        spelling.acknowledge(sent, 0, len(times))
        times.append(sent.end)
        return sent.end


def _gave_up(operation: Operation, action: Action) -> Trouble:
    target = action.target
    if isinstance(target, Operation) and target.protocol == "grpc":
        return Trouble(0, "grpc.RpcError", "DEADLINE_EXCEEDED: Deadline Exceeded", transient=True)
    kind, text = {
        "laban": ("httpx.ReadTimeout", "The read operation timed out"),
        "java": ("java.net.SocketTimeoutException", "Read timed out"),
        "python": ("requests.exceptions.ReadTimeout", "Read timed out."),
    }[operation.service.style]
    return Trouble(0, kind, text, transient=True)
