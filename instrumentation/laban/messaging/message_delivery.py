"""Messages of other brokers than Kafka, handed out as Kafka's records are: each inside its process span."""

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, SupportsIndex, overload

from opentelemetry import baggage, propagate, trace
from opentelemetry.trace import Link, Span, SpanKind, Tracer

from laban import shutdown, vocabulary
from laban.fail_open import fail_open
from laban.messaging import handler_errors, process_span
from laban.messaging.delivery import Handing
from laban.messaging.headers import Header, extract
from laban.messaging.iteration import Batch, Record
from laban.messaging.process_span import ProcessSpan
from laban.messaging.records import Consumer


class Arrived(NamedTuple):
    """What a message that is about to be handled says of itself.

    Attributes:
        destination: under which it was published: an exchange, a queue, a subject.
        headers: text and bytes among its headers.
        attributes: of the span, beyond destination and operation.
    """

    destination: str
    headers: tuple[Header, ...]
    attributes: Mapping[str, Any]


class MessageHanding(Handing):
    """Hands out the messages of one consumer, one at a time for each owner."""

    def __init__(
        self,
        tracer: Tracer,
        read: Callable[[Any], Arrived | None],
        hook: Callable[[Span, Any], object] | None = None,
        owner: Callable[[], object] = threading.get_ident,
    ) -> None:
        """Takes what differs from broker to broker.

        Args:
            tracer: of the instrumentation.
            read: reads a message as the client hands it out; None for what is no message.
            hook: the user's, or None; called with the span and the message.
            owner: answers who takes messages now.
        """
        super().__init__(Consumer(tracer, {}, _is_no_record, None, {}), owner)
        self._tracer = tracer
        self._read = read
        self._hook = hook

    def _begin(self, record: object, *, current: bool) -> ProcessSpan | None:
        arrived = self._read(record)
        if arrived is None:
            return None
        span = start_processing(self._tracer, record, arrived, current=current)
        if self._hook is not None:
            with fail_open("cannot run consume_hook"):
                self._hook(span.span, record)
        return span


class Messages(Batch[Record]):
    """What a poll has brought: looped over, or taken by index, as is usual where it brings one at most."""

    @overload
    def __getitem__(self, index: SupportsIndex) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Record | list[Record]:
        if isinstance(index, slice):
            return super().__getitem__(index)
        message = super().__getitem__(index)
        place = index.__index__() % len(self)
        if not self._busy and place >= self._handed:
            self._handed = place + 1
            self.handing.start(message)
        return message


def start_processing(
    tracer: Tracer, record: object, arrived: Arrived, *, current: bool = True
) -> ProcessSpan:
    """The process span of a message: below the span that sent it, with a link to what is current here."""
    ambient = trace.get_current_span().get_span_context()
    base = trace.set_span_in_context(trace.INVALID_SPAN, baggage.clear())
    parent = extract(arrived.headers, base)
    span = tracer.start_span(
        f"process {arrived.destination}",
        context=parent,
        kind=SpanKind.CONSUMER,
        attributes={
            **_PROCESS,
            vocabulary.MESSAGING_DESTINATION_NAME: arrived.destination,
            **arrived.attributes,
        },
        links=[Link(ambient)] if ambient.is_valid else None,
    )
    return ProcessSpan(span, record, None, parent, current=current)


_PROCESS: Final = {
    vocabulary.MESSAGING_OPERATION_NAME: "process",
    vocabulary.MESSAGING_OPERATION_TYPE: "process",
}


def text_headers(headers: Mapping[str, Any] | None) -> tuple[Header, ...]:
    """Those whose values are text or bytes: propagation writes no others."""
    items = (headers or {}).items()
    return tuple((name, value) for name, value in items if isinstance(value, (str, bytes)))


def without_propagation(headers: Mapping[str, Any] | None) -> dict[str, Any]:
    """A copy without what an earlier hop, or an earlier message with the same headers, has left there.

    Stock writes into the user's own dict; a field that the next message lacks would keep its last value.
    """
    ours = {name.lower() for name in propagate.get_global_textmap().fields}
    return {name: value for name, value in (headers or {}).items() if name.lower() not in ours}


def install() -> None:
    """See how handlers end. Twice does no harm."""
    handler_errors.install()
    shutdown.before_exit(process_span.end_all, process_span.forget_all)


def uninstall() -> None:
    """Look no more."""
    handler_errors.uninstall()


def _is_no_record(_: object) -> None:
    return None
