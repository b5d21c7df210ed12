"""Spans of Kafka commits, which show slow and failed commits; LABAN_COMMIT_SPANS=1 turns them on.

They are off by default because they add one span per commit.
"""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer

from laban import vocabulary
from laban.fail_open import fail_open
from laban.messaging.consumer_registry import ConsumerRegistry

Wrapped = Callable[..., Any]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]

_SETTING: Final = "LABAN_COMMIT_SPANS"
_COMMIT: Final = {
    vocabulary.MESSAGING_OPERATION_NAME: "commit",
    vocabulary.MESSAGING_OPERATION_TYPE: "settle",
}


def is_enabled() -> bool:
    """Whether LABAN_COMMIT_SPANS turns commit spans on."""
    return os.environ.get(_SETTING, "").strip().lower() in ("1", "true", "yes", "on")


class CommitTracing:
    """Wrappers for `commit()` of a consumer."""

    def __init__(self, tracer: Tracer, registry: ConsumerRegistry) -> None:
        """`registry` knows the consumers."""
        self._tracer = tracer
        self._registry = registry

    def commit(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Any:
        """A commit. The span ends when the call returns: after the broker's answer unless asynchronous."""
        with self._span(consumer):
            return wrapped(*args, **kwargs)

    async def commit_async(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Any:
        """An awaited commit."""
        with self._span(consumer):
            return await wrapped(*args, **kwargs)

    @contextmanager
    def _span(self, consumer: Any) -> Generator[None]:
        span: Span | None = None
        with fail_open("cannot trace commits"):
            span = self._start(consumer)
        if span is None:
            yield
            return
        with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            try:
                yield
            except Exception as error:
                span.record_exception(error)
                span.set_attribute(vocabulary.ERROR_TYPE, type(error).__qualname__)
                span.set_status(StatusCode.ERROR, f"{type(error).__name__}: {error}")
                raise

    def _start(self, consumer: Any) -> Span | None:
        delivery = self._registry.delivery(consumer)
        if delivery is None:
            return None
        attributes = {**delivery.settings.attributes, **_COMMIT}
        group = attributes.get(vocabulary.MESSAGING_CONSUMER_GROUP_NAME)
        name = f"commit {group}" if group else "commit"
        return self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)
