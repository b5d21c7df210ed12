"""Wrappers for confluent-kafka's `Producer`: send spans that end with the delivery report."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import confluent_kafka
from opentelemetry import trace
from opentelemetry.trace import Span, Tracer

from laban.fail_open import fail_open
from laban.messaging.headers import with_trace_context
from laban.messaging.send_span import (
    end_acknowledged,
    end_failed,
    end_unconfirmed,
    producer_attributes,
    start_send_span,
)
from laban.sdk.suppression import is_tracing

Wrapped = Callable[..., Any]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]
Report = Callable[[Any, Any], object]
"""`on_delivery(error, message)`."""

_PRODUCE: Final = ("topic", "value", "key", "partition", "callback", "on_delivery", "timestamp", "headers")
_BATCH: Final = ("topic", "messages", "partition", "callback", "on_delivery")


class ProducerTracing:
    """Wrappers for the methods of `Producer`."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def produce(self, wrapped: Wrapped, config: Mapping[str, Any], args: Args, kwargs: Kwargs) -> Any:
        """`producer.produce()`, with the trace context in the headers and a span until the delivery report.

        Args:
            wrapped: the client's method.
            config: the configuration of the producer.
            args: from the user.
            kwargs: from the user.
        """
        span: Span | None = None
        if is_tracing():
            with fail_open("cannot trace sent Kafka records"):
                given = _named(_PRODUCE, args, kwargs)
                headers = _pairs(given.get("headers"))
                span = self._start(config, given.get("topic"), given, headers)
                given["headers"] = with_trace_context(headers, trace.set_span_in_context(span))
                if _reports_successes(config):
                    report = _first(given.pop("callback", None), given.pop("on_delivery", None))
                    given["on_delivery"] = _traced_report(span, _first(report, config.get("on_delivery")))
                args, kwargs = (), given
        if span is None:
            return wrapped(*args, **kwargs)
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            end_failed(span, error)
            raise
        if not _reports_successes(config):
            end_unconfirmed(span)
        return result

    def produce_batch(self, wrapped: Wrapped, config: Mapping[str, Any], args: Args, kwargs: Kwargs) -> Any:
        """`producer.produce_batch()`: one span per record; librdkafka supports no headers here."""
        spans: list[Span] = []
        given, messages = kwargs, []
        if is_tracing() and _reports_successes(config):
            with fail_open("cannot trace batches of Kafka records"):
                given = _named(_BATCH, args, kwargs)
                messages = given["messages"]
                given["messages"] = self._traced_messages(config, given, spans)
        if len(spans) < len(messages) or not spans:
            return wrapped(*args, **kwargs)
        try:
            result = wrapped(**given)
        except BaseException as error:
            for span in spans:
                end_failed(span, error)
            raise
        finally:
            _copy_errors(messages, given["messages"], spans)
        return result

    def _traced_messages(
        self, config: Mapping[str, Any], given: Kwargs, spans: list[Span]
    ) -> list[dict[str, Any]]:
        default = _first(given.get("callback"), given.get("on_delivery"), config.get("on_delivery"))
        traced: list[dict[str, Any]] = []
        for message in given["messages"]:
            span = self._start(config, given["topic"], message, [])
            spans.append(span)
            report = _traced_report(span, _first(message.get("callback"), default))
            traced.append({**message, "callback": report})
        return traced

    def _start(
        self, config: Mapping[str, Any], topic: object, given: Mapping[str, Any], headers: Any
    ) -> Span:
        servers = config.get("bootstrap.servers") or config.get("metadata.broker.list")
        client = producer_attributes(servers, config.get("client.id"))
        return start_send_span(
            self._tracer, client, str(topic), given.get("key"), given.get("value"), headers
        )


def _named(parameters: tuple[str, ...], args: Args, kwargs: Kwargs) -> Kwargs:
    """All arguments by name.

    Raises:
        TypeError: too many arguments, or a duplicate; the client reports that to the user.
    """
    given = dict(zip(parameters, args, strict=False))
    if len(args) > len(parameters) or given.keys() & kwargs.keys():
        raise TypeError("the arguments of produce() do not fit")
    return given | kwargs


def _first(*reports: Report | None) -> Report | None:
    """The first report that is not None, as in the client; a callable may be falsy."""
    return next((report for report in reports if report is not None), None)


def _pairs(headers: Any) -> list[Any]:
    return list(headers.items()) if isinstance(headers, dict) else list(headers or ())


def _reports_successes(config: Mapping[str, Any]) -> bool:
    return str(config.get("delivery.report.only.error", "false")).lower() != "true"


def _traced_report(span: Span, report: Report | None) -> Report:
    """A delivery report that ends the span, then calls the user's report."""
    started = time.time_ns()

    def delivered(error: Any, message: Any) -> None:
        with fail_open("cannot end spans of sent Kafka records"):
            if error is not None:
                end_failed(span, confluent_kafka.KafkaException(error))
            else:
                # The report may have waited a long time for a call of poll().
                latency = message.latency()
                end_ns = None if latency is None else started + int(latency * 1_000_000_000)
                end_acknowledged(span, message.partition(), message.offset(), end_ns)
        if report is not None:
            report(error, message)

    return delivered


def _copy_errors(messages: list[Any], traced: list[dict[str, Any]], spans: list[Span]) -> None:
    """Copy the errors that the client sets on rejected messages to the user's messages."""
    with fail_open("cannot trace batches of Kafka records"):
        for message, copy, span in zip(messages, traced, spans, strict=True):
            if "_error" in copy:
                message["_error"] = copy["_error"]
                end_failed(span, confluent_kafka.KafkaException(copy["_error"]))
