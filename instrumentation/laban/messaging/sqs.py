"""SQS by boto3: a message is handled inside a process span below the one that sent it.

Stock only links the two, so that each poll starts a trace of its own, without the sender's business keys;
makes a CONSUMER span of each poll, also of an empty one; keeps a message's span open and current until it is
deleted, and for ever where it is not; ends only the first span of `delete_message_batch`; adds to the
caller's own lists and dicts; and names the system in an old way.
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
    Arrived,
    MessageHanding,
    Messages,
    text_headers,
    without_propagation,
)

Wrapped = Callable[..., Any]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]

_ATTRIBUTES: Final = "MessageAttributes"
_NAMES: Final = "MessageAttributeNames"
_INSTRUMENTED: Final = "_otel_boto3sqs_instrumented"
"""Stock's mark on a class that it has wrapped."""


class LabanBoto3SQSInstrumentor(Boto3SQSInstrumentor):
    """Stock's instrumentor, mended."""

    _instance = None

    def _instrument(self, **kwargs: Any) -> None:
        self._handings: WeakKeyDictionary[object, dict[str, MessageHanding]] = WeakKeyDictionary()
        wrapt.wrap_function_wrapper(Boto3SQSInstrumentor, "_enrich_span", _enrich)
        message_delivery.install()
        super()._instrument(**kwargs)

    def _uninstrument(self, **kwargs: Any) -> None:
        super()._uninstrument(**kwargs)
        unwrap(Boto3SQSInstrumentor, "_enrich_span")
        message_delivery.uninstall()

    def _wrap_send_message(self, sqs_class: type) -> None:
        super()._wrap_send_message(sqs_class)
        wrapt.wrap_function_wrapper(sqs_class, "send_message", _sending(_with_own_attributes))

    def _wrap_send_message_batch(self, sqs_class: type) -> None:
        super()._wrap_send_message_batch(sqs_class)
        wrapt.wrap_function_wrapper(sqs_class, "send_message_batch", _sending(_with_own_entries))

    def _wrap_receive_message(self, sqs_class: type) -> None:
        wrapt.wrap_function_wrapper(sqs_class, "receive_message", self._receive)

    @staticmethod
    def _wrap_delete_message(sqs_class: type) -> None:
        """Not needed: a span ends when the next message is asked for."""

    @staticmethod
    def _wrap_delete_message_batch(sqs_class: type) -> None:
        """Not needed, either."""

    @staticmethod
    def _un_decorate_sqs(sqs_class: type) -> None:
        if getattr(sqs_class, _INSTRUMENTED, False):
            unwrap(sqs_class, "send_message")  # our layer, stock takes off its own
            unwrap(sqs_class, "send_message_batch")
        Boto3SQSInstrumentor._un_decorate_sqs(sqs_class)  # noqa: SLF001 - what ours stands around

    def _receive(self, wrapped: Wrapped, client: Any, args: Args, kwargs: Kwargs) -> Any:
        if not is_instrumentation_enabled():
            return wrapped(*args, **kwargs)
        handing: MessageHanding | None = None
        with fail_open("cannot follow SQS messages"):
            handing = self._handing(client, str(kwargs.get("QueueUrl")))
            asked = list(kwargs.get(_NAMES, ()))
            asked += sorted(propagate.get_global_textmap().fields - set(asked))
            kwargs = {**kwargs, _NAMES: asked}
        answer = wrapped(*args, **kwargs)
        with fail_open("cannot follow SQS messages"):
            if handing is not None and answer.get("Messages"):
                answer["Messages"] = Messages(answer["Messages"], handing)
        return answer

    def _handing(self, client: object, queue_url: str) -> MessageHanding:
        """What hands out the messages of this queue; whatever this thread has handled until now is done."""
        handings = self._handings.setdefault(client, {})
        for handing in handings.values():
            handing.end()
        if queue_url not in handings:
            queue = queue_url.rpartition("/")[2]
            handings[queue_url] = MessageHanding(self._tracer, partial(_read, queue))
        return handings[queue_url]


def _enrich(wrapped: Callable[..., None], _instance: object, args: Args, kwargs: Kwargs) -> None:
    wrapped(*args, **kwargs)
    span = args[0] if args else kwargs.get("span")
    if isinstance(span, Span):
        span.set_attribute(vocabulary.MESSAGING_SYSTEM, vocabulary.AWS_SQS)


def _sending(prepared: Callable[[Kwargs], Kwargs]) -> Callable[[Wrapped, Any, Args, Kwargs], Any]:
    def send(wrapped: Wrapped, _client: Any, args: Args, kwargs: Kwargs) -> Any:
        if is_instrumentation_enabled():
            with fail_open("cannot copy attributes of SQS messages"):
                kwargs = prepared(kwargs)
        return wrapped(*args, **kwargs)

    return send


def _with_own_attributes(message: Kwargs) -> Kwargs:
    return {**message, _ATTRIBUTES: without_propagation(message.get(_ATTRIBUTES))}


def _with_own_entries(kwargs: Kwargs) -> Kwargs:
    return {**kwargs, "Entries": [_with_own_attributes(entry) for entry in kwargs["Entries"]]}


def _read(queue: str, message: dict[str, Any]) -> Arrived:
    attributes = {
        vocabulary.MESSAGING_SYSTEM: vocabulary.AWS_SQS,
        vocabulary.MESSAGING_MESSAGE_ID: message.get("MessageId", ""),
        vocabulary.MESSAGING_MESSAGE_BODY_SIZE: len(message.get("Body", "").encode()),
    }
    sent = message.get(_ATTRIBUTES, {}).items()
    return Arrived(queue, text_headers({name: value.get("StringValue") for name, value in sent}), attributes)
