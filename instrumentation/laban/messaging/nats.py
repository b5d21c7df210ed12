"""nats-py, for which OpenTelemetry has no instrumentation.

A span `send SUBJECT` where a message is published, and `process SUBJECT` where it is handled: in a callback,
in `async for message in subscription.messages`, or after `fetch()`. The protocol's own subjects (`$JS.…`,
inboxes) are left alone: acknowledgements and replies are no messages of the business.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from functools import partial, wraps
from importlib.util import find_spec
from inspect import iscoroutinefunction
from typing import Any, Final
from weakref import WeakKeyDictionary

import wrapt
from opentelemetry import propagate, trace
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # stock has no types
from opentelemetry.instrumentation.utils import is_instrumentation_enabled, unwrap
from opentelemetry.trace import SpanKind, Tracer

from laban import vocabulary
from laban.fail_open import fail_open
from laban.messaging import message_delivery
from laban.messaging.iteration import AsyncLoop
from laban.messaging.message_delivery import (
    Arrived,
    MessageHanding,
    Messages,
    text_headers,
    without_propagation,
)
from laban.messaging.receiving import taken

Wrapped = Callable[..., Any]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]

_PUBLISH_PARAMETERS: Final = ("subject", "payload", "reply", "headers")
_HEADERS: Final = _PUBLISH_PARAMETERS.index("headers")
_SUBSCRIBE_PARAMETERS: Final = ("subject", "queue", "cb")
_CALLBACK: Final = _SUBSCRIBE_PARAMETERS.index("cb")


class LabanNatsInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # stock has no types
    """Instruments the client of nats-py."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """What is instrumented."""
        return ("nats-py >= 2.2",)

    def _instrument(self, **kwargs: Any) -> None:
        """Instrument the classes; `tracer_provider` is the one option."""
        if find_spec("nats") is None:  # under a distro that loads what it finds
            return
        tracer = trace.get_tracer(__name__, tracer_provider=kwargs.get("tracer_provider"))
        message_delivery.install()
        nats = _Nats(tracer)
        for (owner, name), wrapper in _methods().items():
            wrapt.wrap_function_wrapper(owner, name, getattr(nats, wrapper))

    def _uninstrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - stock's signature
        for owner, name in _methods():
            unwrap(owner, name)
        message_delivery.uninstall()


def _methods() -> dict[tuple[type, str], str]:
    """What is wrapped, and by which method of ours."""
    from nats.aio.client import Client
    from nats.aio.subscription import (
        _SubscriptionMessageIterator as Iterator,  # pyright: ignore[reportPrivateUsage]
    )
    from nats.js.client import JetStreamContext

    return {
        (Client, "publish"): "publish",
        (Client, "subscribe"): "subscribe",
        (Iterator, "__aiter__"): "iterate",
        (Iterator, "__anext__"): "take",
        (JetStreamContext.PullSubscription, "fetch"): "fetch",
    }


class _Nats:
    """What stands around the client's methods."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._handings: WeakKeyDictionary[object, MessageHanding] = WeakKeyDictionary()

    async def publish(self, wrapped: Wrapped, _client: Any, args: Args, kwargs: Kwargs) -> Any:
        """`client.publish(subject, payload, headers=…)`, which requests and JetStream call, too."""
        given = dict(zip(_PUBLISH_PARAMETERS, args, strict=False)) | kwargs
        subject = str(given.get("subject"))
        if not is_instrumentation_enabled() or _is_internal(subject):
            return await wrapped(*args, **kwargs)
        attributes = {
            vocabulary.MESSAGING_SYSTEM: vocabulary.NATS,
            vocabulary.MESSAGING_OPERATION_NAME: "send",
            vocabulary.MESSAGING_OPERATION_TYPE: "send",
            vocabulary.MESSAGING_DESTINATION_NAME: subject,
        }
        with self._tracer.start_as_current_span(
            f"send {subject}", kind=SpanKind.PRODUCER, attributes=attributes
        ):
            with fail_open("cannot hand on the trace over NATS"):
                headers = without_propagation(given.get("headers"))
                propagate.inject(headers)
                if len(args) > _HEADERS:
                    args = (*args[:_HEADERS], headers, *args[_HEADERS + 1 :])
                else:
                    kwargs = {**kwargs, "headers": headers}
            return await wrapped(*args, **kwargs)

    def subscribe(self, wrapped: Wrapped, _client: Any, args: Args, kwargs: Kwargs) -> Any:
        """`client.subscribe(subject, queue, cb)`, which JetStream calls, too."""
        with fail_open("cannot trace a subscription to NATS"):
            given = dict(zip(_SUBSCRIBE_PARAMETERS, args, strict=False)) | kwargs
            callback = given.get("cb")
            if iscoroutinefunction(getattr(callback, "func", callback)):  # anything else is refused
                traced = self._traced(callback, given.get("queue") or None)
                if len(args) > _CALLBACK:
                    args = (*args[:_CALLBACK], traced, *args[_CALLBACK + 1 :])
                else:
                    kwargs = {**kwargs, "cb": traced}
        return wrapped(*args, **kwargs)

    def _traced(self, callback: Any, group: str | None) -> Wrapped:
        async def handle(message: Any) -> None:
            span = None
            if is_instrumentation_enabled() and not _is_internal(message.subject):
                with fail_open("cannot start spans for NATS messages"):
                    span = message_delivery.start_processing(self._tracer, message, _read(message, group))
            if span is None:
                await callback(message)
                return
            try:
                with span.held():
                    await callback(message)
            finally:
                span.end()

        return wraps(callback)(handle)

    def iterate(self, wrapped: Wrapped, _iterator: Any, args: Args, kwargs: Kwargs) -> AsyncIterator[Any]:
        """`async for message in subscription.messages`."""
        iterator: AsyncIterator[Any] = wrapped(*args, **kwargs)
        handing = self._iterating(iterator)
        return iterator if handing is None else AsyncLoop(iterator, handing)

    def take(self, wrapped: Wrapped, iterator: Any, args: Args, kwargs: Kwargs) -> Awaitable[Any]:
        """`anext(subscription.messages)`, which the loop calls, too."""
        return taken(wrapped, self._iterating(iterator), args, kwargs)

    async def fetch(self, wrapped: Wrapped, subscription: Any, args: Args, kwargs: Kwargs) -> Any:
        """`subscription.fetch()` of JetStream."""
        handing = self._handing(subscription, lambda: subscription._consumer)  # noqa: SLF001 - the consumer's name
        if handing is None:
            return await wrapped(*args, **kwargs)
        handing.end()
        fetched = await wrapped(*args, **kwargs)
        with fail_open("cannot follow the messages of fetch()"):
            return Messages(fetched, handing)
        return fetched

    def _iterating(self, iterator: Any) -> MessageHanding | None:
        return self._handing(iterator, lambda: iterator._sub.queue)  # noqa: SLF001 - the subscription's queue group

    def _handing(self, taker: object, group: Callable[[], str]) -> MessageHanding | None:
        if not is_instrumentation_enabled():
            return None
        with fail_open("cannot follow a subscription to NATS"):
            handing = self._handings.get(taker)
            if handing is None:
                read = partial(_read, group=group() or None)
                handing = MessageHanding(self._tracer, read, owner=asyncio.current_task)
                self._handings[taker] = handing
            return handing
        return None


def _read(message: Any, group: str | None) -> Arrived:
    attributes: dict[str, Any] = {
        vocabulary.MESSAGING_SYSTEM: vocabulary.NATS,
        vocabulary.MESSAGING_MESSAGE_BODY_SIZE: len(message.data),
    }
    if group is not None:
        attributes[vocabulary.MESSAGING_CONSUMER_GROUP_NAME] = group
    return Arrived(message.subject, text_headers(message.headers), attributes)


def _is_internal(subject: str) -> bool:
    """Whether it belongs to the protocol: JetStream's API, acknowledgements, and inboxes for replies."""
    return subject.startswith(("$", "_INBOX."))
