"""Helpers for client spans of any protocol: timeout, default port and cancellation by the caller."""

import math
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

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


@failing_open("cannot record call timeouts")
def set_timeout(span: Span, seconds: object) -> None:
    """Set the timeout of the call; does nothing for a call without a timeout."""
    if isinstance(seconds, (int, float)) and math.isfinite(seconds):
        span.set_attribute(vocabulary.LABAN_TIMEOUT_MS, round(seconds * 1000))


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
