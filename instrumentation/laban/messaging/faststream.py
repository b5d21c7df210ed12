"""The instrumentation of FastStream: a Kafka record is handled inside its process span.

FastStream runs on clients that laban traces. But it polls confluent-kafka in an executor, reads batches
before it handles them, and handles records in tasks of their own if a subscriber has several workers. So
`laban.processing` wraps the method that handles a record.
"""

from collections.abc import Callable, Collection
from importlib import import_module
from typing import Any, Final

import wrapt
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # upstream has no types
from opentelemetry.instrumentation.utils import unwrap

from laban.messaging.processing import processing
from laban.sdk.suppression import is_tracing

SUBSCRIBER: Final = "faststream._internal.endpoint.subscriber.usecase"
"""FastStream's module of subscribers, whatever the broker."""

_KAFKA_CLIENTS: Final = ("aiokafka.", "cimpl", "confluent_kafka.")


class LabanFastStreamInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # upstream has no types
    """Instruments the subscribers of FastStream."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """The instrumented package."""
        return ("faststream >= 0.6",)

    def _instrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - upstream's signature
        """Instrument the class. It has no options."""
        try:
            subscriber = _subscriber()
        except ImportError:  # a distro may load this without checking for FastStream
            return
        wrapt.wrap_function_wrapper(subscriber, "process_message", _process_message)

    def _uninstrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - upstream's signature
        unwrap(_subscriber(), "process_message")


def _subscriber() -> Any:
    return import_module(SUBSCRIBER).SubscriberUsecase


async def _process_message(
    wrapped: Callable[..., Any], _subscriber: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """`subscriber.process_message(message)`, with a record or a tuple of records."""
    message = args[0] if args else kwargs.get("msg")
    records = list(message) if isinstance(message, tuple) else message
    if not _is_of_kafka(records) or not is_tracing():
        return await wrapped(*args, **kwargs)
    control_flow = import_module("faststream.exceptions").IgnoredException  # "skip", "reject": not an error
    with processing(records):
        try:
            return await wrapped(*args, **kwargs)
        except control_flow as error:
            ignored = error
    raise ignored


def _is_of_kafka(records: Any) -> bool:
    first = next(iter(records), None) if isinstance(records, list) else records
    return type(first).__module__.startswith(_KAFKA_CLIENTS)
