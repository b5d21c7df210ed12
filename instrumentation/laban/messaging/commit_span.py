"""Spans of commits, which settle what was handled: off unless LABAN_COMMIT_SPANS says 1.

They tell how long commits take and which fail, and cost a span for every commit.
"""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer

from laban import vocabulary
from laban.fail_open import fail_open
from laban.messaging.consumers import Following

Wrapped = Callable[..., Any]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]

_SETTING: Final = "LABAN_COMMIT_SPANS"
_COMMIT: Final = {
    vocabulary.MESSAGING_OPERATION_NAME: "commit",
    vocabulary.MESSAGING_OPERATION_TYPE: "settle",
}


def is_wanted() -> bool:
    """Whether commits are to have spans."""
    return os.environ.get(_SETTING, "").strip().lower() in ("1", "true", "yes", "on")


class Settling:
    """What stands around `commit()` of a consumer."""

    def __init__(self, tracer: Tracer, following: Following) -> None:
        """`following` knows the consumers."""
        self._tracer = tracer
        self._following = following

    def commit(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Any:
        """A commit: up to the broker's answer, or, where it is asynchronous, until it is under way."""
        with self._span(consumer):
            return wrapped(*args, **kwargs)

    async def commit_async(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Any:
        """A commit that is awaited."""
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
        handing = self._following.handing(consumer)
        if handing is None:
            return None
        attributes = {**handing.consumer.attributes, **_COMMIT}
        group = attributes.get(vocabulary.MESSAGING_CONSUMER_GROUP_NAME)
        name = f"commit {group}" if group else "commit"
        return self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)
