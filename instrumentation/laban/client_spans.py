"""What all clients have in common: whose span is current, and how long the caller is ready to wait."""

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


def current_span_of(instrumentation: str) -> Span | None:
    """The current span if this instrumentation has made it: a call that is not traced runs in another's."""
    span = trace.get_current_span()
    if not isinstance(span, ReadableSpan) or span.instrumentation_scope is None:
        return None
    return span if span.instrumentation_scope.name == instrumentation else None


@failing_open("cannot note the timeouts of calls")
def note_timeout(span: Span, seconds: object) -> None:
    """Say how long the caller is ready to wait; nothing where it waits for ever."""
    if isinstance(seconds, (int, float)) and math.isfinite(seconds):
        span.set_attribute(vocabulary.LABAN_TIMEOUT_MS, round(seconds * 1000))


@failing_open("cannot note the ports of calls")
def note_port(span: Span, scheme: str) -> None:
    """Say which port is called where the URL does not: the conventions ask for it, and stock leaves it out.

    By address and port together services are found that answer elsewhere, under the same name.
    """
    attributes = span.attributes if isinstance(span, ReadableSpan) else None
    if attributes and vocabulary.SERVER_ADDRESS in attributes and vocabulary.SERVER_PORT not in attributes:
        port = _DEFAULT_PORTS.get(scheme.lower())
        if port is not None:
            span.set_attribute(vocabulary.SERVER_PORT, port)


@contextmanager
def noting_cancellation(span: Span | None) -> Generator[None]:
    """Mark the span when its caller gives up waiting (`asyncio.timeout`, `wait_for`, a cancelled task).

    Stock sees exceptions only, and a cancellation is none: the span would look like a success.
    """
    try:
        yield
    except Exception:
        raise  # stock records these
    except BaseException as error:
        if span is not None:
            with fail_open("cannot note that calls were given up"):
                span.set_attribute(vocabulary.ERROR_TYPE, type(error).__qualname__)
                span.set_status(StatusCode.ERROR, f"{type(error).__name__}: given up by the caller")
        raise
