"""Delivers the messages of RabbitMQ, NATS and SQS to their handlers, each message inside its process span."""

import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple, SupportsIndex, overload

from opentelemetry import baggage, propagate, trace
from opentelemetry.trace import Link, Span, SpanKind, Tracer

from laban import shutdown, vocabulary
from laban.fail_open import fail_open
from laban.messaging import handler_errors, process_span
from laban.messaging.contracts import contract_attributes
from laban.messaging.delivery import Delivery
from laban.messaging.headers import Header, extract
from laban.messaging.loops import PolledRecords, Record
from laban.messaging.process_span import ProcessSpan
from laban.messaging.records import ConsumerSettings


class ReceivedMessage(NamedTuple):
    """What a process span needs to know about a received message.

    Attributes:
        destination: the exchange, queue or subject that it was published to.
        headers: its headers with text or bytes values.
        attributes: of the span, in addition to destination and operation.
        body: bytes or text.
    """

    destination: str
    headers: tuple[Header, ...]
    attributes: Mapping[str, Any]
    body: object = None


class MessageDelivery(Delivery):
    """Delivers the messages of one consumer, one message at a time to each owner."""

    def __init__(
        self,
        tracer: Tracer,
        read: Callable[[Any], ReceivedMessage | None],
        hook: Callable[[Span, Any], object] | None = None,
        owner: Callable[[], object] = threading.get_ident,
    ) -> None:
        """Takes the parts that differ between brokers.

        Args:
            tracer: of the instrumentation.
            read: reads a message of the client library; None if it is not a message.
            hook: the user's hook, called with the span and the message, or None.
            owner: returns the thread or task that currently receives messages.
        """
        super().__init__(ConsumerSettings(tracer, {}, _not_a_record, None, {}), owner)
        self._tracer = tracer
        self._read = read
        self._hook = hook

    def _start_span(self, record: object, *, current: bool) -> ProcessSpan | None:
        received = self._read(record)
        if received is None:
            return None
        span = start_processing(self._tracer, record, received, current=current)
        if self._hook is not None:
            with fail_open("cannot run consume_hook"):
                self._hook(span.span, record)
        return span


class PolledMessages(PolledRecords[Record]):
    """A list of polled messages, to loop over or to index, as is usual if a poll returns one message."""

    @overload
    def __getitem__(self, index: SupportsIndex) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Record | list[Record]:
        if isinstance(index, slice):
            return super().__getitem__(index)
        message = super().__getitem__(index)
        place = index.__index__() % len(self)
        if not self._busy and place >= self._delivered_count:
            self._delivered_count = place + 1
            self.delivery.start(message)
        return message


def start_processing(
    tracer: Tracer, record: object, received: ReceivedMessage, *, current: bool = True
) -> ProcessSpan:
    """Start the process span of a message: a child of its send span, with a link to the current span."""
    ambient = trace.get_current_span().get_span_context()
    base = trace.set_span_in_context(trace.INVALID_SPAN, baggage.clear())
    parent = extract(received.headers, base)
    span = tracer.start_span(
        f"process {received.destination}",
        context=parent,
        kind=SpanKind.CONSUMER,
        attributes={
            **_PROCESS,
            vocabulary.MESSAGING_DESTINATION_NAME: received.destination,
            **contract_attributes(received.headers, received.body),
            **received.attributes,
        },
        links=[Link(ambient)] if ambient.is_valid else None,
    )
    return ProcessSpan(span, record, None, parent, current=current)


_PROCESS: Final = {
    vocabulary.MESSAGING_OPERATION_NAME: "process",
    vocabulary.MESSAGING_OPERATION_TYPE: "process",
}


def receive_next(
    wrapped: Callable[..., Awaitable[Any]],
    delivery: MessageDelivery | None,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Awaitable[Any]:
    """Await the next message and start its process span; only await it if there is no delivery."""
    if delivery is None:
        return wrapped(*args, **kwargs)
    import asyncio  # already loaded here; sync clients need not load it

    delivery.end()
    caller = asyncio.current_task()

    async def receive() -> Any:
        message = await wrapped(*args, **kwargs)
        # The calling task is the handler. The awaiting task may be another one, created by `wait_for`.
        delivery.start(message, owner=caller, current=asyncio.current_task() is caller)
        return message

    return receive()


def amqp_contract(properties: Any, body: object) -> dict[str, str]:
    """The attributes that say what a message of RabbitMQ is, from its properties, headers and body."""
    with fail_open("cannot read what messages are"):
        named = {"message_type": properties.type, "content_type": properties.content_type}
        return contract_attributes((*text_headers(named), *text_headers(properties.headers)), body)
    return {}


def text_headers(headers: Mapping[str, Any] | None) -> tuple[Header, ...]:
    """The headers whose values are text or bytes; propagation writes no others."""
    items = (headers or {}).items()
    return tuple((name, value) for name, value in items if isinstance(value, (str, bytes)))


def without_propagation(headers: Mapping[str, Any] | None) -> dict[str, Any]:
    """A copy without propagation headers, which an earlier service or an earlier message may have left.

    Upstream writes into the user's dictionary. A field that the next message lacks would keep its old value.
    """
    fields = {name.lower() for name in propagate.get_global_textmap().fields}
    return {name: value for name, value in (headers or {}).items() if name.lower() not in fields}


def install() -> None:
    """Install the hooks that see how handlers end. A second call does nothing."""
    handler_errors.install()
    shutdown.before_exit(process_span.end_all, process_span.forget_all)


def uninstall() -> None:
    """Remove these hooks."""
    handler_errors.uninstall()


def _not_a_record(_: object) -> None:
    return None
