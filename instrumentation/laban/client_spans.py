"""Helpers for client spans of any protocol: timeout, default port and cancellation by the caller."""

import math
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Span, StatusCode

from laban import vocabulary
from laban.fail_open import fail_open, failing_open

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def current_span_from(scope: str) -> Span | None:
    """The current span if this instrumentation scope started it; an untraced call runs in another span."""
    span = trace.get_current_span()
    if not isinstance(span, ReadableSpan) or span.instrumentation_scope is None:
        return None
    return span if span.instrumentation_scope.name == scope else None


UNSEEN: Final = object()
"""The timeout of a call if it cannot be told."""


@failing_open("cannot record call timeouts")
def set_timeout(span: Span, seconds: object, limits: str) -> None:
    """Set the timeout of the call.

    Args:
        span: the client span.
        seconds: the timeout; None or infinite: the caller waits without a limit; anything else: not seen.
        limits: what a timeout limits, `vocabulary.TIMEOUT_OF_CALL` or `TIMEOUT_OF_READ`.
    """
    if seconds is None or seconds == math.inf:
        span.set_attribute(vocabulary.LABAN_TIMEOUT_SCOPE, vocabulary.NO_TIMEOUT)
    elif isinstance(seconds, (int, float)) and math.isfinite(seconds):
        span.set_attribute(vocabulary.LABAN_TIMEOUT_MS, round(seconds * 1000))
        span.set_attribute(vocabulary.LABAN_TIMEOUT_SCOPE, limits)


def urllib3_seconds(timeout: Any) -> Any:
    """The timeout of a read by urllib3: a number, None, or the smaller limit of its `Timeout`."""
    total, read = getattr(timeout, "total", None), getattr(timeout, "_read", UNSEEN)
    if read is UNSEEN:
        return timeout
    limits = [limit for limit in (total, read) if isinstance(limit, (int, float))]
    if limits:
        return min(limits)
    return timeout.read_timeout if total is None else UNSEEN


@failing_open("cannot record the ports of calls")
def set_default_port(span: Span, scheme: str) -> None:
    """Set the default port of the scheme if the URL has no port.

    The conventions require the port, and upstream omits it. The address and the port together identify a
    service that reports its own spans under another name.
    """
    attributes = span.attributes if isinstance(span, ReadableSpan) else None
    if attributes and vocabulary.SERVER_ADDRESS in attributes and vocabulary.SERVER_PORT not in attributes:
        port = _DEFAULT_PORTS.get(scheme.lower())
        if port is not None:
            span.set_attribute(vocabulary.SERVER_PORT, port)


@contextmanager
def recording_cancellation(span: Span | None) -> Generator[None]:
    """Mark the span as failed if the caller cancels the call (`asyncio.timeout`, `wait_for`, `task.cancel`).

    Upstream handles `Exception` only. `CancelledError` is a `BaseException`, so the span would look
    successful.
    """
    try:
        yield
    except Exception:
        raise  # upstream records these
    except BaseException as error:
        if span is not None:
            with fail_open("cannot record cancelled calls"):
                span.set_attribute(vocabulary.ERROR_TYPE, type(error).__qualname__)
                span.set_status(StatusCode.ERROR, f"{type(error).__name__}: given up by the caller")
        raise
