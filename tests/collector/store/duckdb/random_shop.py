"""Random traces of every shape that the graph supports: calls, streams, shared spans, messages."""

import random
from collections.abc import Iterator
from dataclasses import replace

from laban_collector.store.rows import Span

S = 10**9
T0 = 1_790_000_040 * S
"""The start of a minute."""

INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5
SERVICES = ("web", "order", "stock", "bank")


def shop(seed: int, traces: int = 12) -> list[Span]:
    """Return the spans of `traces` traces over about ten minutes, by start."""
    return sorted(_Shop(seed).spans(traces), key=lambda span: span.start)


class _Shop:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - nothing secret
        self._sent: list[Span] = []

    def spans(self, traces: int) -> Iterator[Span]:
        for number in range(traces):
            trace = f"{self._random.getrandbits(128):032x}"
            at = T0 + number * 50 * S + self._random.randrange(S)
            yield from self._below(trace, None, at, self._random.choice(SERVICES), 0)

    def _below(self, trace: str, parent: Span | None, at: int, service: str, depth: int) -> Iterator[Span]:
        """Yield a server span and the spans below it."""
        server = self._span(service, SERVER, at, trace, parent, **self._protocol())
        if self._random.random() < 0.9:  # the others never arrive
            yield server
        for step in range(self._random.randrange(4 - depth)):
            shape = self._random.choice([self._call, self._call, self._query, self._work, self._publish])
            yield from shape(server, at + (step + 1) * S // 5, depth)

    def _protocol(self) -> dict[str, object]:
        streams = {"attributes": {"laban.rpc.streaming": "server"}} if self._random.random() < 0.3 else {}
        rpc: dict[str, object] = {"rpc_system": "grpc", "rpc_service": f"shop.{self._random.choice('AB')}"}
        http: dict[str, object] = {"http_method": "GET", "http_status": self._status()}
        return self._random.choice([http, rpc | streams])

    def _status(self) -> int:
        return self._random.choice([200, 200, 404, 503])

    def _call(self, caller: Span, at: int, depth: int) -> Iterator[Span]:
        target = self._random.choice(SERVICES)
        where = {"peer_address": f"{target}.local", "peer_port": 80} if self._random.random() < 0.7 else {}
        client = self._span(caller.service, CLIENT, at, caller.trace_id, caller, **where, **self._protocol())
        yield client
        chance = self._random.random()
        if chance < 0.2:
            return  # no callee reports
        if chance < 0.4:  # a shared span, as in Zipkin
            half = self._span(target, SERVER, at + S // 100, caller.trace_id, caller, **self._protocol())
            yield replace(half, span_id=client.span_id)
            return
        yield from self._below(caller.trace_id, client, at + S // 100, target, depth + 1)

    def _query(self, caller: Span, at: int, _: int) -> Iterator[Span]:
        names = {"db_system": "postgresql", "db_namespace": self._random.choice(["shop", None])}
        yield self._span(caller.service, CLIENT, at, caller.trace_id, caller, **names)

    def _work(self, caller: Span, at: int, depth: int) -> Iterator[Span]:
        service = self._random.choice([caller.service, self._random.choice(SERVICES)])
        work = self._span(service, INTERNAL, at, caller.trace_id, caller)
        yield work
        if self._random.random() < 0.5:
            yield from self._below(caller.trace_id, work, at + S // 100, caller.service, depth + 1)

    def _publish(self, caller: Span, at: int, depth: int) -> Iterator[Span]:
        topic = self._random.choice(["orders", "payments"])
        system = {"messaging_system": self._random.choice(["kafka", "rabbitmq"]), "topic": topic}
        sent = self._span(
            caller.service,
            PRODUCER,
            at,
            caller.trace_id,
            caller,
            messaging_operation=self._random.choice(["send", "create", None]),
            batch_count=self._random.choice([None, 3]),
            **system,
        )
        if self._random.random() < 0.9:
            yield sent
        for service in ("stock", "bank"):
            yield from self._consume(service, sent, at + self._random.randrange(1, 200) * S)
        self._sent.append(sent)

    def _consume(self, service: str, sent: Span, at: int) -> Iterator[Span]:
        """Yield a consumer in the producer's trace, in its own trace, or of a batch with other messages."""
        own_trace = f"{self._random.getrandbits(128):032x}"
        link = ((sent.trace_id, sent.span_id),)
        group = {"group": self._random.choice([service, service, None]), "topic": sent.topic}
        group["messaging_system"] = sent.messaging_system
        if sent.messaging_system == "rabbitmq":
            group["topic"] = f"{sent.topic} to {service}"
        chance = self._random.random()
        if chance < 0.4:
            own = {"links": link} if self._random.random() < 0.5 else {}
            consumer = self._span(service, CONSUMER, at, sent.trace_id, sent, **group, **own)
        elif chance < 0.7:
            queue_time = {"attributes": {"laban.kafka.queue_time_ms": 12.5}}
            consumer = self._span(service, CONSUMER, at, own_trace, None, links=link, **group, **queue_time)
        else:
            others = [other for other in self._sent if other.topic == sent.topic][-2:]
            links = link + tuple((other.trace_id, other.span_id) for other in others)
            consumer = self._span(service, CONSUMER, at, own_trace, None, links=links, batch_count=3, **group)
        yield consumer
        if self._random.random() < 0.3:
            kind = self._random.choice([CLIENT, CONSUMER])
            receive = {"messaging_operation": "receive", "links": link, **group}
            yield self._span(service, kind, at - S // 10, own_trace, None, **receive)
        if self._random.random() < 0.5:
            query = {"db_system": "redis"}
            yield self._span(service, CLIENT, at + S // 10, consumer.trace_id, consumer, **query)

    def _span(
        self, service: str, kind: int, at: int, trace: str, parent: Span | None, **fields: object
    ) -> Span:
        span = Span(
            trace_id=trace,
            span_id=f"{self._random.getrandbits(64):016x}",
            parent_id=None if parent is None else parent.span_id,
            service=service,
            name=self._random.choice(["a", "b"]),
            kind=kind,
            start=at,
            duration=self._random.randrange(1, S),
            status=self._random.choice([0, 0, 0, 2]),
        )
        return replace(span, **fields)  # type: ignore[arg-type]
