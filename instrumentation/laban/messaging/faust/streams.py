"""The iterators of Faust's streams, which see when a loop requests the next value and how it is left."""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any
from weakref import WeakSet

from laban.fail_open import fail_open
from laban.messaging import batch_span, process_span
from laban.messaging.delivery import Delivery
from laban.messaging.process_span import ProcessSpan


class EventDelivery(Delivery):
    """Delivers the events of one stream.

    Attributes:
        in_loop: the span of the event whose value the loop has received.
    """

    in_loop: ProcessSpan | None = None

    def drop(self, event: object) -> None:
        """End the span of an event that does not reach the loop."""
        span = process_span.of_record(event)
        if span is not None and span is not self.in_loop:
            self.finish(span)


class Values:
    """The values of a stream; the request of the next one ends the span of the event before."""

    def __init__(self, values: AsyncIterator[Any], delivery: EventDelivery) -> None:
        self._values = values
        self._delivery = delivery

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        self._delivery.end()
        self._delivery.in_loop = None
        value = await anext(self._values)
        self._delivery.in_loop = self._delivery.open_span
        return value

    def __getattr__(self, name: str) -> Any:
        return getattr(self._values, name)


class BatchDelivery(Delivery):
    """Delivers lists of events, each list in one span."""

    def _start_span(self, record: Any, *, current: bool) -> ProcessSpan | None:  # noqa: ARG002 - always here
        return batch_span.start(self.settings, [record])


class Batches:
    """The batches of a stream. A processor of the stream collects their events.

    Faust fills a batch in a task of its own, and the program handles it in another. So the events have no
    spans of their own.
    """

    def __init__(
        self, batches: AsyncIterator[Any], stream: Any, delivery: Delivery, in_batches: "WeakSet[object]"
    ) -> None:
        self._batches = batches
        self._stream = stream
        self._delivery = delivery
        self._in_batches = in_batches
        self._processor: Callable[[Any], Any] | None = None
        self._events: deque[Any] = deque()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        if self._processor is None:
            self._in_batches.add(self._stream)
            self._processor = _collecting(self._stream, self._events)
            self._stream.add_processor(self._processor)
        self._delivery.end()
        batch = await anext(self._batches)
        with fail_open("cannot trace a batch of a Faust stream"):
            count = min(len(batch), len(self._events))
            self._delivery.start([self._events.popleft() for _ in range(count)])
        return batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batches, name)

    def __del__(self) -> None:
        with fail_open("cannot stop tracing the batches of a Faust stream"):
            self._in_batches.discard(self._stream)
            if self._processor in self._stream._processors:  # noqa: SLF001 - as Faust itself; nothing public removes one
                self._stream._processors.remove(self._processor)  # noqa: SLF001


def _collecting(stream: Any, events: "deque[Any]") -> Callable[[Any], Any]:
    """A processor that keeps the event of each value, after the program's processors have passed it."""

    def collect(value: Any) -> Any:
        events.append(stream.current_event)
        return value

    return collect


class Watched:
    """The work of an agent's task, whose exception is reported before Faust handles it."""

    def __init__(self, handler: Awaitable[Any], failed: Callable[[Exception], None]) -> None:
        self._handler = handler
        self._failed = failed

    def __await__(self) -> Generator[Any, Any, Any]:
        try:
            return (yield from self._handler.__await__())
        except Exception as error:
            with fail_open("cannot record errors of Faust agents"):
                self._failed(error)
            raise
