"""SQS with boto3: process spans that are children of the send span and last as long as the handler.

Upstream only links the two spans, so each poll starts its own trace, without the sender's business keys. It
creates a CONSUMER span for each poll, even an empty one. It keeps a message's span open and current until the
message is deleted, forever if it is not deleted, and ends only the first span of `delete_message_batch`. It
modifies the caller's lists and dictionaries, and uses an old name for the system.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final
from weakref import WeakKeyDictionary

import wrapt
from opentelemetry import propagate
from opentelemetry.instrumentation.boto3sqs import Boto3SQSInstrumentor
from opentelemetry.instrumentation.utils import is_instrumentation_enabled, unwrap
from opentelemetry.trace import Span

from laban import vocabulary
from laban.fail_open import fail_open
from laban.messaging import message_delivery
from laban.messaging.message_delivery import (
    MessageDelivery,
    PolledMessages,
    ReceivedMessage,
    text_headers,
    without_propagation,
)

Wrapped = Callable[..., Any]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]

_ATTRIBUTES: Final = "MessageAttributes"
_NAMES: Final = "MessageAttributeNames"
_INSTRUMENTED: Final = "_otel_boto3sqs_instrumented"
"""Upstream's mark on a class that it has wrapped."""


class LabanBoto3SQSInstrumentor(Boto3SQSInstrumentor):
    """Upstream's instrumentor, patched."""

    _instance = None

    def _instrument(self, **kwargs: Any) -> None:
        self._deliveries: WeakKeyDictionary[object, dict[str, MessageDelivery]] = WeakKeyDictionary()
        wrapt.wrap_function_wrapper(Boto3SQSInstrumentor, "_enrich_span", _set_system)
        message_delivery.install()
        super()._instrument(**kwargs)

    def _uninstrument(self, **kwargs: Any) -> None:
        super()._uninstrument(**kwargs)
        unwrap(Boto3SQSInstrumentor, "_enrich_span")
        message_delivery.uninstall()

    def _wrap_send_message(self, sqs_class: type) -> None:
        super()._wrap_send_message(sqs_class)
        wrapt.wrap_function_wrapper(sqs_class, "send_message", _send_wrapper(_with_copied_attributes))

    def _wrap_send_message_batch(self, sqs_class: type) -> None:
        super()._wrap_send_message_batch(sqs_class)
        wrapt.wrap_function_wrapper(sqs_class, "send_message_batch", _send_wrapper(_with_copied_entries))

    def _wrap_receive_message(self, sqs_class: type) -> None:
        wrapt.wrap_function_wrapper(sqs_class, "receive_message", self._receive)

    @staticmethod
    def _wrap_delete_message(sqs_class: type) -> None:
        """Not needed: a span ends when the next message is requested."""

    @staticmethod
    def _wrap_delete_message_batch(sqs_class: type) -> None:
        """Not needed either."""

    @staticmethod
    def _un_decorate_sqs(sqs_class: type) -> None:
        if getattr(sqs_class, _INSTRUMENTED, False):
            unwrap(sqs_class, "send_message")  # laban's wrapper; upstream removes its own
            unwrap(sqs_class, "send_message_batch")
        Boto3SQSInstrumentor._un_decorate_sqs(sqs_class)  # noqa: SLF001 - the overridden method

    def _receive(self, wrapped: Wrapped, client: Any, args: Args, kwargs: Kwargs) -> Any:
        if not is_instrumentation_enabled():
            return wrapped(*args, **kwargs)
        delivery: MessageDelivery | None = None
        with fail_open("cannot trace SQS messages"):
            delivery = self._delivery(client, str(kwargs.get("QueueUrl")))
            names = list(kwargs.get(_NAMES, ()))
            names += sorted(propagate.get_global_textmap().fields - set(names))
            kwargs = {**kwargs, _NAMES: names}
        response = wrapped(*args, **kwargs)
        with fail_open("cannot trace SQS messages"):
            if delivery is not None and response.get("Messages"):
                response["Messages"] = PolledMessages(response["Messages"], delivery)
        return response

    def _delivery(self, client: object, queue_url: str) -> MessageDelivery:
        """The delivery of this queue's messages; ends the span that this thread has open on any queue."""
        deliveries = self._deliveries.setdefault(client, {})
        for delivery in deliveries.values():
            delivery.end()
        if queue_url not in deliveries:
            queue = queue_url.rpartition("/")[2]
            deliveries[queue_url] = MessageDelivery(self._tracer, partial(_read, queue))
        return deliveries[queue_url]


def _set_system(wrapped: Callable[..., None], _instance: object, args: Args, kwargs: Kwargs) -> None:
    wrapped(*args, **kwargs)
    span = args[0] if args else kwargs.get("span")
    if isinstance(span, Span):
        span.set_attribute(vocabulary.MESSAGING_SYSTEM, vocabulary.AWS_SQS)


def _send_wrapper(prepare: Callable[[Kwargs], Kwargs]) -> Callable[[Wrapped, Any, Args, Kwargs], Any]:
    def send(wrapped: Wrapped, _client: Any, args: Args, kwargs: Kwargs) -> Any:
        if is_instrumentation_enabled():
            with fail_open("cannot copy attributes of SQS messages"):
                kwargs = prepare(kwargs)
        return wrapped(*args, **kwargs)

    return send


def _with_copied_attributes(message: Kwargs) -> Kwargs:
    return {**message, _ATTRIBUTES: without_propagation(message.get(_ATTRIBUTES))}


def _with_copied_entries(kwargs: Kwargs) -> Kwargs:
    return {**kwargs, "Entries": [_with_copied_attributes(entry) for entry in kwargs["Entries"]]}


def _read(queue: str, message: dict[str, Any]) -> ReceivedMessage:
    attributes = {
        vocabulary.MESSAGING_SYSTEM: vocabulary.AWS_SQS,
        vocabulary.MESSAGING_MESSAGE_ID: message.get("MessageId", ""),
        vocabulary.MESSAGING_MESSAGE_BODY_SIZE: len(message.get("Body", "").encode()),
    }
    sent = message.get(_ATTRIBUTES, {}).items()
    headers = text_headers({name: value.get("StringValue") for name, value in sent})
    return ReceivedMessage(queue, headers, attributes, message.get("Body"))
