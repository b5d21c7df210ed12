"""The instrumentation of kafka-python 2.x and 3.x: consumer loops, `poll()`, `send()` and commits.

It derives from upstream's instrumentor, with the same entry point, options and hooks, but uses its own
wrappers. Upstream ends its span before the handler runs, does not trace `poll()`, and ends the send span
before the broker has answered.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from inspect import getattr_static
from typing import Any, Final
from weakref import WeakKeyDictionary

import kafka
import wrapt
from opentelemetry import context, trace
from opentelemetry.instrumentation.kafka import KafkaInstrumentor
from opentelemetry.instrumentation.utils import unwrap
from opentelemetry.trace import Span, Tracer

from laban import shutdown, vocabulary
from laban.fail_open import fail_open
from laban.messaging import commit_span, handler_errors, process_span, send_span
from laban.messaging.consumer_registry import ConsumerConfig, ConsumerRegistry
from laban.messaging.delivery import Delivery, called_by_executor
from laban.messaging.headers import with_trace_context
from laban.messaging.loops import Loop, PolledRecords
from laban.messaging.records import read_record
from laban.messaging.send_span import end_acknowledged, end_failed, producer_attributes, start_send_span
from laban.sdk.suppression import is_tracing

Wrapped = Callable[..., Any]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]

_SEND_PARAMETERS: Final = ("topic", "value", "key", "headers", "partition", "timestamp_ms")
_HEADERS_POSITION: Final = _SEND_PARAMETERS.index("headers")


class LabanKafkaInstrumentor(KafkaInstrumentor):
    """Upstream's instrumentor, with spans that last until the handler ends and the broker has answered."""

    _instance = None

    def _instrument(self, **kwargs: Any) -> None:
        """Instrument the client classes.

        Args:
            kwargs: `tracer_provider`, `produce_hook(span, args, kwargs)` and
                `consume_hook(span, record, args, kwargs)`, as in upstream.
        """
        provider = kwargs.get("tracer_provider")
        tracer = trace.get_tracer(vocabulary.SCOPE_KAFKA_PYTHON, tracer_provider=provider)
        consumers = _ConsumerTracing(tracer, kwargs.get("consume_hook"))
        producers = _ProducerTracing(tracer, kwargs.get("produce_hook"))
        for name, wrapper in _CONSUMER_METHODS.items():
            if hasattr(kafka.KafkaConsumer, name):  # 2.x has no __exit__
                wrapt.wrap_function_wrapper(kafka.KafkaConsumer, name, getattr(consumers, wrapper))
        if commit_span.is_enabled():
            wrapt.wrap_function_wrapper(kafka.KafkaConsumer, "commit", consumers.commit_tracing.commit)
        wrapt.wrap_function_wrapper(kafka.KafkaProducer, "send", producers.send)
        handler_errors.install()
        shutdown.before_exit(process_span.end_all, process_span.forget_all)
        shutdown.before_exit(send_span.end_all, send_span.forget_all)

    def _uninstrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - upstream's signature
        for name in _CONSUMER_METHODS:
            if hasattr(kafka.KafkaConsumer, name):
                unwrap(kafka.KafkaConsumer, name)
        unwrap(kafka.KafkaConsumer, "commit")  # does nothing if it is not wrapped
        unwrap(kafka.KafkaProducer, "send")
        handler_errors.uninstall()


_CONSUMER_METHODS: Final = {
    "__iter__": "iterate",
    "__next__": "receive",
    "poll": "poll",
    "close": "close",
    "__exit__": "exit",
}


class _ConsumerTracing:
    """Wrappers for the methods of `KafkaConsumer`."""

    def __init__(self, tracer: Tracer, hook: Callable[..., object] | None) -> None:
        # The consumers are not thread-safe, so each consumer has one record at a time, in whatever thread.
        self._registry = ConsumerRegistry(
            tracer, hook, read_record, _read_config, owner=lambda: "the consumer"
        )
        self.commit_tracing = commit_span.CommitTracing(tracer, self._registry)

    def iterate(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Iterator[Any]:
        """`for record in consumer`."""
        iterator: Iterator[Any] = wrapped(*args, **kwargs)
        delivery = self._registry.delivery(consumer)
        if delivery is None:
            return iterator
        with fail_open("cannot speed up the receipt of records"):
            original = self._original_next(consumer) if iterator is consumer else None
            if original is not None:
                return Loop(iterator, delivery, partial(_receive, original, delivery))
        return Loop(iterator, delivery)

    def _original_next(self, consumer: Any) -> Callable[[], Any] | None:
        """The unwrapped `__next__`; None if somebody else has wrapped it too."""
        found = getattr_static(type(consumer), "__next__")
        wrapped = isinstance(found, wrapt.FunctionWrapper) and found._self_wrapper == self.receive  # noqa: SLF001
        return partial(found.__wrapped__, consumer) if wrapped else None

    def receive(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Any:
        """`next(consumer)`."""
        delivery = self._registry.delivery(consumer)
        return wrapped(*args, **kwargs) if delivery is None else _receive(wrapped, delivery)

    def poll(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Any:
        """`consumer.poll()`. The iterator calls it too, with `update_offsets=False`, and is traced itself."""
        delivery = None if kwargs.get("update_offsets") is False else self._registry.delivery(consumer)
        if delivery is None:
            return wrapped(*args, **kwargs)
        delivery.end()
        polled = wrapped(*args, **kwargs)
        with fail_open("cannot trace the records of poll()"):
            return {partition: PolledRecords(records, delivery) for partition, records in polled.items()}
        return polled

    def close(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Any:
        """`consumer.close()`. Inside `finally` or `except`, the handler's exception is visible here."""
        self._registry.end(consumer, sys.exc_info()[1])
        return wrapped(*args, **kwargs)

    def exit(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Any:
        """The end of `with KafkaConsumer(…) as consumer`."""
        self._registry.end(consumer, args[1] if len(args) > 1 else None)
        return wrapped(*args, **kwargs)


def _receive(receive: Callable[[], Any], delivery: Delivery) -> Any:
    """Receive the next record and start its process span."""
    if not is_tracing():
        return receive()
    delivery.end()
    record = receive()
    delivery.start(record, current=not called_by_executor())
    return record


def _read_config(consumer: Any) -> ConsumerConfig:
    config = consumer.config
    return ConsumerConfig(config.get("bootstrap_servers"), config.get("client_id"), config.get("group_id"))


class _ProducerTracing:
    """A wrapper for `KafkaProducer.send`."""

    def __init__(self, tracer: Tracer, hook: Callable[..., object] | None) -> None:
        self._tracer = tracer
        self._hook = hook
        self._clients: WeakKeyDictionary[object, Mapping[str, Any]] = WeakKeyDictionary()

    def send(self, wrapped: Wrapped, producer: Any, args: Args, kwargs: Kwargs) -> Any:
        """`producer.send()`, with the trace context in the headers of the record."""
        span: Span | None = None
        if is_tracing():
            with fail_open("cannot trace sent Kafka records"):
                span, args, kwargs = self._start(producer, args, kwargs)
        if span is None:
            return wrapped(*args, **kwargs)
        token = context.attach(trace.set_span_in_context(span))
        try:
            future = wrapped(*args, **kwargs)
        except BaseException as error:
            end_failed(span, error)
            raise
        finally:
            context.detach(token)
        with fail_open("cannot end spans of sent Kafka records"):
            _end_with_future(span, future)
        return future

    def _start(self, producer: Any, args: Args, kwargs: Kwargs) -> tuple[Span, Args, Kwargs]:
        given = dict(zip(_SEND_PARAMETERS, args, strict=False)) | kwargs
        headers = given.get("headers")
        own = headers if isinstance(headers, list) else []
        span = start_send_span(
            self._tracer,
            self._client(producer),
            str(given.get("topic")),
            given.get("key"),
            given.get("value"),
            own,
        )
        if headers is None or isinstance(headers, list):  # `send` rejects anything else
            args, kwargs = _with_headers(
                args, kwargs, with_trace_context(own, trace.set_span_in_context(span))
            )
        if self._hook is not None:
            with fail_open("cannot run produce_hook"):
                self._hook(span, args, kwargs)
        return span, args, kwargs

    def _client(self, producer: Any) -> Mapping[str, Any]:
        client = self._clients.get(producer)
        if client is None:
            config = producer.config
            client = producer_attributes(config.get("bootstrap_servers"), config.get("client_id"))
            self._clients[producer] = client
        return client


def _with_headers(args: Args, kwargs: Kwargs, headers: list[Any]) -> tuple[Args, Kwargs]:
    if len(args) > _HEADERS_POSITION:
        return (*args[:_HEADERS_POSITION], headers, *args[_HEADERS_POSITION + 1 :]), kwargs
    return args, {**kwargs, "headers": headers}


def _end_with_future(span: Span, future: Any) -> None:
    """End the span with the broker's answer, in the producer's thread."""

    def acknowledged(metadata: Any) -> None:
        end_acknowledged(span, metadata.partition, metadata.offset)

    future.add_callback(acknowledged)
    future.add_errback(partial(end_failed, span))
