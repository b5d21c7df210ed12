"""kafka-python 2.x and 3.x.

Built on the stock instrumentor: the same entry point, options and hooks. What it wraps is ours, because
stock ends its span before the handler runs, does not see `poll()`, and ends the send span before the broker
has answered.
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

from laban import shutdown
from laban.fail_open import fail_open
from laban.messaging import commit_span, handler_errors, process_span, send_span
from laban.messaging.consumers import Following, Identity
from laban.messaging.delivery import Handing, called_by_executor
from laban.messaging.headers import injected
from laban.messaging.iteration import Batch, Loop
from laban.messaging.records import read_record
from laban.messaging.send_span import end_delivered, end_failed, sender_attributes, start_sending
from laban.sdk.suppression import is_tracing

Wrapped = Callable[..., Any]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]

_SEND_PARAMETERS: Final = ("topic", "value", "key", "headers", "partition", "timestamp_ms")
_HEADERS_POSITION: Final = _SEND_PARAMETERS.index("headers")


class LabanKafkaInstrumentor(KafkaInstrumentor):
    """Stock's instrumentor, with process spans as long as the handler runs, and acknowledged send spans."""

    _instance = None

    def _instrument(self, **kwargs: Any) -> None:
        """Instrument the client classes.

        Args:
            kwargs: `tracer_provider`, `produce_hook(span, args, kwargs)` and
                `consume_hook(span, record, args, kwargs)`, as stock takes them.
        """
        tracer = trace.get_tracer(__name__, tracer_provider=kwargs.get("tracer_provider"))
        consuming = _Consuming(tracer, kwargs.get("consume_hook"))
        producing = _Sending(tracer, kwargs.get("produce_hook"))
        for name, wrapper in _CONSUMER_METHODS.items():
            if hasattr(kafka.KafkaConsumer, name):  # 2.x has no __exit__
                wrapt.wrap_function_wrapper(kafka.KafkaConsumer, name, getattr(consuming, wrapper))
        if commit_span.is_wanted():
            wrapt.wrap_function_wrapper(kafka.KafkaConsumer, "commit", consuming.settling.commit)
        wrapt.wrap_function_wrapper(kafka.KafkaProducer, "send", producing.send)
        handler_errors.install()
        shutdown.before_exit(process_span.end_all, process_span.forget_all)
        shutdown.before_exit(send_span.end_all, send_span.forget_all)

    def _uninstrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - stock's signature
        for name in _CONSUMER_METHODS:
            if hasattr(kafka.KafkaConsumer, name):
                unwrap(kafka.KafkaConsumer, name)
        unwrap(kafka.KafkaConsumer, "commit")  # where it is wrapped
        unwrap(kafka.KafkaProducer, "send")
        handler_errors.uninstall()


_CONSUMER_METHODS: Final = {
    "__iter__": "iterate",
    "__next__": "take",
    "poll": "poll",
    "close": "close",
    "__exit__": "leave",
}


class _Consuming:
    """What stands around the methods of `KafkaConsumer`."""

    def __init__(self, tracer: Tracer, hook: Callable[..., object] | None) -> None:
        # Its consumers are not for several threads at once: one record is handled at a time, wherever.
        self._following = Following(tracer, hook, read_record, _identify, owner=lambda: "the consumer")
        self.settling = commit_span.Settling(tracer, self._following)

    def iterate(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Iterator[Any]:
        """`for record in consumer`."""
        iterator: Iterator[Any] = wrapped(*args, **kwargs)
        handing = self._following.handing(consumer)
        if handing is None:
            return iterator
        with fail_open("cannot take records at less cost"):
            original = self._original_next(consumer) if iterator is consumer else None
            if original is not None:
                return Loop(iterator, handing, partial(_take, original, handing))
        return Loop(iterator, handing)

    def _original_next(self, consumer: Any) -> Callable[[], Any] | None:
        """`__next__` without what stands around it; None where there is more around it than ours."""
        found = getattr_static(type(consumer), "__next__")
        wrapped = isinstance(found, wrapt.FunctionWrapper) and found._self_wrapper == self.take  # noqa: SLF001
        return partial(found.__wrapped__, consumer) if wrapped else None

    def take(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Any:
        """`next(consumer)`."""
        handing = self._following.handing(consumer)
        return wrapped(*args, **kwargs) if handing is None else _take(wrapped, handing)

    def poll(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Any:
        """`consumer.poll()`; the iterator calls it too, and says so by `update_offsets`."""
        handing = None if kwargs.get("update_offsets") is False else self._following.handing(consumer)
        if handing is None:
            return wrapped(*args, **kwargs)
        handing.end()
        polled = wrapped(*args, **kwargs)
        with fail_open("cannot follow the records of poll()"):
            return {partition: Batch(records, handing) for partition, records in polled.items()}
        return polled

    def close(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Any:
        """`consumer.close()`; in a `finally` or `except` the handler's exception can be seen."""
        self._following.end(consumer, sys.exc_info()[1])
        return wrapped(*args, **kwargs)

    def leave(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Any:
        """The end of `with KafkaConsumer(…) as consumer`."""
        self._following.end(consumer, args[1] if len(args) > 1 else None)
        return wrapped(*args, **kwargs)


def _take(take: Callable[[], Any], handing: Handing) -> Any:
    """The next record, inside its process span."""
    if not is_tracing():
        return take()
    handing.end()
    record = take()
    handing.start(record, current=not called_by_executor())
    return record


def _identify(consumer: Any) -> Identity:
    config = consumer.config
    return Identity(config.get("bootstrap_servers"), config.get("client_id"), config.get("group_id"))


class _Sending:
    """What stands around `KafkaProducer.send`."""

    def __init__(self, tracer: Tracer, hook: Callable[..., object] | None) -> None:
        self._tracer = tracer
        self._hook = hook
        self._clients: WeakKeyDictionary[object, Mapping[str, Any]] = WeakKeyDictionary()

    def send(self, wrapped: Wrapped, producer: Any, args: Args, kwargs: Kwargs) -> Any:
        """`producer.send()`, with the trace in the headers of the record."""
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
        with fail_open("cannot follow sent Kafka records"):
            _end_with(future, span)
        return future

    def _start(self, producer: Any, args: Args, kwargs: Kwargs) -> tuple[Span, Args, Kwargs]:
        given = dict(zip(_SEND_PARAMETERS, args, strict=False)) | kwargs
        headers = given.get("headers")
        own = headers if isinstance(headers, list) else []
        span = start_sending(
            self._tracer,
            self._client(producer),
            str(given.get("topic")),
            given.get("key"),
            given.get("value"),
            own,
        )
        if headers is None or isinstance(headers, list):  # anything else is refused by send, as it should be
            args, kwargs = _with_headers(args, kwargs, injected(own, trace.set_span_in_context(span)))
        if self._hook is not None:
            with fail_open("cannot run produce_hook"):
                self._hook(span, args, kwargs)
        return span, args, kwargs

    def _client(self, producer: Any) -> Mapping[str, Any]:
        client = self._clients.get(producer)
        if client is None:
            config = producer.config
            client = sender_attributes(config.get("bootstrap_servers"), config.get("client_id"))
            self._clients[producer] = client
        return client


def _with_headers(args: Args, kwargs: Kwargs, headers: list[Any]) -> tuple[Args, Kwargs]:
    if len(args) > _HEADERS_POSITION:
        return (*args[:_HEADERS_POSITION], headers, *args[_HEADERS_POSITION + 1 :]), kwargs
    return args, {**kwargs, "headers": headers}


def _end_with(future: Any, span: Span) -> None:
    """End the span with what the broker says, in the producer's own thread."""

    def delivered(metadata: Any) -> None:
        end_delivered(span, metadata.partition, metadata.offset)

    future.add_callback(delivered)
    future.add_errback(partial(end_failed, span))
