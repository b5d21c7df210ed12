"""The producer of confluent-kafka."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import confluent_kafka
from opentelemetry import trace
from opentelemetry.trace import Span, Tracer

from laban.fail_open import fail_open
from laban.messaging.headers import injected
from laban.messaging.send_span import end_delivered, end_failed, end_unknown, sender_attributes, start_sending
from laban.sdk.suppression import is_tracing

Wrapped = Callable[..., Any]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]
Report = Callable[[Any, Any], object]
"""`on_delivery(error, message)`."""

_PRODUCE: Final = ("topic", "value", "key", "partition", "callback", "on_delivery", "timestamp", "headers")
_BATCH: Final = ("topic", "messages", "partition", "callback", "on_delivery")


class Sending:
    """What stands around the methods of `Producer`."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def produce(self, wrapped: Wrapped, config: Mapping[str, Any], args: Args, kwargs: Kwargs) -> Any:
        """`producer.produce()`, with the trace in the headers; it ends with the delivery report.

        Args:
            wrapped: the client's own method.
            config: of the producer.
            args: as the user gave them.
            kwargs: as the user gave them.
        """
        span: Span | None = None
        if is_tracing():
            with fail_open("cannot trace sent Kafka records"):
                given = _named(_PRODUCE, args, kwargs)
                own = _pairs(given.get("headers"))
                span = self._start(config, given.get("topic"), given, own)
                given["headers"] = injected(own, trace.set_span_in_context(span))
                if _reports_successes(config):
                    asked = _first(given.pop("callback", None), given.pop("on_delivery", None))
                    given["on_delivery"] = _reporting(span, _first(asked, config.get("on_delivery")))
                args, kwargs = (), given
        if span is None:
            return wrapped(*args, **kwargs)
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            end_failed(span, error)
            raise
        if not _reports_successes(config):
            end_unknown(span)
        return result

    def produce_batch(self, wrapped: Wrapped, config: Mapping[str, Any], args: Args, kwargs: Kwargs) -> Any:
        """`producer.produce_batch()`: a span a record; librdkafka takes no headers here to carry it."""
        spans: list[Span] = []
        given, messages = kwargs, []
        if is_tracing() and _reports_successes(config):
            with fail_open("cannot trace batches of Kafka records"):
                given = _named(_BATCH, args, kwargs)
                messages = given["messages"]
                given["messages"] = self._followed(config, given, spans)
        if len(spans) < len(messages) or not spans:
            return wrapped(*args, **kwargs)
        try:
            result = wrapped(**given)
        except BaseException as error:
            for span in spans:
                end_failed(span, error)
            raise
        finally:
            _take_errors(messages, given["messages"], spans)
        return result

    def _followed(self, config: Mapping[str, Any], given: Kwargs, spans: list[Span]) -> list[dict[str, Any]]:
        default = _first(given.get("callback"), given.get("on_delivery"), config.get("on_delivery"))
        followed: list[dict[str, Any]] = []
        for message in given["messages"]:
            span = self._start(config, given["topic"], message, [])
            spans.append(span)
            report = _reporting(span, _first(message.get("callback"), default))
            followed.append({**message, "callback": report})
        return followed

    def _start(self, config: Mapping[str, Any], topic: object, given: Mapping[str, Any], own: Any) -> Span:
        servers = config.get("bootstrap.servers") or config.get("metadata.broker.list")
        client = sender_attributes(servers, config.get("client.id"))
        return start_sending(self._tracer, client, str(topic), given.get("key"), given.get("value"), own)


def _named(parameters: tuple[str, ...], args: Args, kwargs: Kwargs) -> Kwargs:
    """All arguments by name.

    Raises:
        TypeError: there are too many, or one is given twice; the client is to say so.
    """
    given = dict(zip(parameters, args, strict=False))
    if len(args) > len(parameters) or given.keys() & kwargs.keys():
        raise TypeError("the arguments of produce() do not fit")
    return given | kwargs


def _first(*reports: Report | None) -> Report | None:
    """The first that is given, as the client chooses; one that is callable may well be false."""
    return next((report for report in reports if report is not None), None)


def _pairs(headers: Any) -> list[Any]:
    return list(headers.items()) if isinstance(headers, dict) else list(headers or ())


def _reports_successes(config: Mapping[str, Any]) -> bool:
    return str(config.get("delivery.report.only.error", "false")).lower() != "true"


def _reporting(span: Span, report: Report | None) -> Report:
    """A delivery report that ends the span and goes on to the user's."""
    started = time.time_ns()

    def delivered(error: Any, message: Any) -> None:
        with fail_open("cannot end spans of sent Kafka records"):
            if error is not None:
                end_failed(span, confluent_kafka.KafkaException(error))
            else:
                # The report may have waited long for somebody to poll().
                latency = message.latency()
                end_ns = None if latency is None else started + int(latency * 1_000_000_000)
                end_delivered(span, message.partition(), message.offset(), end_ns)
        if report is not None:
            report(error, message)

    return delivered


def _take_errors(messages: list[Any], followed: list[dict[str, Any]], spans: list[Span]) -> None:
    """What the client notes in a record that it does not take, the program finds in its own."""
    with fail_open("cannot follow batches of Kafka records"):
        for message, copy, span in zip(messages, followed, spans, strict=True):
            if "_error" in copy:
                message["_error"] = copy["_error"]
                end_failed(span, confluent_kafka.KafkaException(copy["_error"]))
