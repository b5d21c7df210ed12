"""Wrappers for `AIOKafkaProducer`: send spans for single records and for batches that the program fills."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, Final
from weakref import WeakKeyDictionary

import wrapt
from opentelemetry import trace
from opentelemetry.trace import Span, Tracer

from laban import vocabulary
from laban.fail_open import fail_open, failing_open
from laban.messaging.headers import with_trace_context
from laban.messaging.send_span import (
    end_acknowledged,
    end_failed,
    end_unconfirmed,
    forget,
    producer_attributes,
    start_send_span,
)
from laban.sdk.suppression import is_tracing

Wrapped = Callable[..., Any]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]
Hook = Callable[..., Coroutine[Any, Any, None]]

_SEND_PARAMETERS: Final = ("topic", "value", "key", "partition", "timestamp_ms", "headers")
_HEADERS_POSITION: Final = _SEND_PARAMETERS.index("headers")
_UNKNOWN_TOPIC: Final = "(batch)"
"""Until the batch is sent: its records are serialised, with headers, before the topic is known."""


class ProducerTracing:
    """Wrappers for the methods of `AIOKafkaProducer`."""

    def __init__(self, tracer: Tracer, hook: Hook | None) -> None:
        self._tracer = tracer
        self._hook = hook
        self._clients: WeakKeyDictionary[object, Mapping[str, Any]] = WeakKeyDictionary()
        self._batches: WeakKeyDictionary[object, list[Span]] = WeakKeyDictionary()

    async def send(self, wrapped: Wrapped, producer: Any, args: Args, kwargs: Kwargs) -> Any:
        """`producer.send()`, which `send_and_wait()` calls, with the trace context in the headers."""
        span: Span | None = None
        if is_tracing():
            with fail_open("cannot trace sent Kafka records"):
                span, args, kwargs = self._start(producer, args, kwargs)
        if span is None:
            return await wrapped(*args, **kwargs)
        if self._hook is not None:
            with fail_open("cannot run async_produce_hook"):
                await self._hook(span, args, kwargs)
        try:
            future = await wrapped(*args, **kwargs)
        except BaseException as error:
            end_failed(span, error)
            raise
        with fail_open("cannot follow sent Kafka records"):
            future.add_done_callback(partial(_answered, [span]))
        return future

    def create_batch(self, wrapped: Wrapped, producer: Any, args: Args, kwargs: Kwargs) -> Any:
        """`producer.create_batch()`: each appended record gets a send span, and carries its context."""
        builder = wrapped(*args, **kwargs)
        if is_tracing():
            with fail_open("cannot trace batches of Kafka records"):
                appended = self._batches[builder] = []
                wrapt.wrap_function_wrapper(builder, "append", partial(self._append, producer, appended))
        return builder

    async def send_batch(self, wrapped: Wrapped, _producer: Any, args: Args, kwargs: Kwargs) -> Any:
        """`producer.send_batch()`: adds the topic to the spans of the records."""
        sent = self._batches.pop(_argument(args, kwargs, 0, "batch"), [])
        topic = _argument(args, kwargs, 1, "topic")
        with fail_open("cannot trace batches of Kafka records"):
            for span in sent:
                span.update_name(f"send {topic}")
                span.set_attribute(vocabulary.MESSAGING_DESTINATION_NAME, str(topic))
        try:
            future = await wrapped(*args, **kwargs)
        except BaseException as error:
            for span in sent:
                end_failed(span, error)
            raise
        with fail_open("cannot follow sent Kafka records"):
            future.add_done_callback(partial(_answered, sent))
        return future

    def _append(
        self, producer: Any, appended: list[Span], wrapped: Wrapped, _builder: Any, args: Args, kwargs: Kwargs
    ) -> Any:
        span: Span | None = None
        with fail_open("cannot trace batches of Kafka records"):
            headers = _copied(kwargs.get("headers"))
            span = start_send_span(
                self._tracer,
                self._client(producer),
                _UNKNOWN_TOPIC,
                kwargs.get("key"),
                kwargs.get("value"),
                headers,
            )
            kwargs = {**kwargs, "headers": with_trace_context(headers, trace.set_span_in_context(span))}
        if span is None:
            return wrapped(*args, **kwargs)
        try:
            added = wrapped(*args, **kwargs)
        except BaseException as error:
            end_failed(span, error)
            raise
        if added is None:
            forget(span)  # the batch is full
        else:
            appended.append(span)
        return added

    def _start(self, producer: Any, args: Args, kwargs: Kwargs) -> tuple[Span, Args, Kwargs]:
        given = dict(zip(_SEND_PARAMETERS, args, strict=False)) | kwargs
        headers = _copied(given.get("headers"))
        topic = str(given.get("topic"))
        span = start_send_span(
            self._tracer, self._client(producer), topic, given.get("key"), given.get("value"), headers
        )
        traced = with_trace_context(headers, trace.set_span_in_context(span))
        # As a keyword, as in upstream: hooks expect it there, although send_and_wait() passes it by position.
        return span, args[:_HEADERS_POSITION], {**kwargs, "headers": traced}

    def _client(self, producer: Any) -> Mapping[str, Any]:
        client = self._clients.get(producer)
        if client is None:
            kafka = producer.client
            client = self._clients[producer] = producer_attributes(
                kafka._bootstrap_servers,  # noqa: SLF001 - as in upstream: no public access
                kafka._client_id,  # noqa: SLF001
            )
        return client


def _argument(args: Args, kwargs: Kwargs, position: int, name: str) -> Any:
    return args[position] if len(args) > position else kwargs.get(name)


def _copied(headers: Any) -> list[Any]:
    """A copy of the headers.

    Raises:
        TypeError: not a list or tuple. Another iterable may be readable only once, by the producer.
    """
    if headers is None or isinstance(headers, (list, tuple)):
        return list(headers or ())
    raise TypeError("headers are neither a list nor a tuple")


@failing_open("cannot end spans of sent Kafka records")
def _answered(sent: list[Span], future: asyncio.Future[Any]) -> None:
    """End the spans with the broker's answer. A batch has one answer, with the offset of its first record."""
    # Not future.exception(), which would suppress asyncio's warning "exception was never retrieved".
    error = None if future.cancelled() else getattr(future, "_exception", None)
    metadata = None if future.cancelled() or error else future.result()
    for index, span in enumerate(sent):
        if error is not None:
            end_failed(span, error)
        elif metadata is None or metadata.offset is None or metadata.offset < 0:
            end_unconfirmed(span)  # cancelled by the program, or acks=0
        else:
            end_acknowledged(span, metadata.partition, metadata.offset + index)
