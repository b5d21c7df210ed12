"""urllib3, also below requests: an event for each retry on the one span of the call; urllib3's timeout.

urllib3 repeats a call inside `urlopen`. Redirects are no retries, although urllib3 counts both together.
"""

from time import monotonic_ns, time_ns
from typing import Any, Final

import urllib3
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import MaxRetryError

from laban import vocabulary
from laban.client_spans import current_span_from, set_timeout, urllib3_seconds
from laban.fail_open import fail_open
from laban.resilience import events
from laban.resilience.instrumentor import Args, Kwargs, ResilienceInstrumentor, Wrapped, Wrappers

_LIBRARY: Final = "urllib3"
_UPSTREAM_SCOPE: Final = "opentelemetry.instrumentation.urllib3"


class LabanUrllib3RetryInstrumentor(ResilienceInstrumentor):
    """Instruments `Retry`, and the place where urllib3 knows the timeout of a call."""

    requirement = "urllib3 >= 1.26"

    def wrappers(self) -> Wrappers:
        """The wait before the next attempt, the step to it, and the attempt."""
        return {
            (urllib3.Retry, "sleep"): _sleep,
            (urllib3.Retry, "increment"): _increment,
            (HTTPConnectionPool, "_make_request"): _make_request,
        }


def _sleep(wrapped: Wrapped, retry: urllib3.Retry, args: Args, kwargs: Kwargs) -> Any:
    """`retry.sleep(response)`, called once for each retry. The wait has jitter, so it is measured."""
    failed_at, before = time_ns(), monotonic_ns()
    try:
        return wrapped(*args, **kwargs)
    finally:
        waited_s = (monotonic_ns() - before) / 1e9
        with fail_open("cannot record the retries of urllib3"):
            _record(retry, waited_s, failed_at)


def _record(retry: Any, waited_s: float, failed_at: int) -> None:
    failed = _attempts(retry)
    if not failed:
        return
    last = retry.history[-1]
    events.retry(_LIBRARY, failed, _error_type(last.error, last.status), waited_s, failed_at)
    span = events.current_client_span()
    if span is not None:
        span.set_attributes(events.attempt_attributes(_LIBRARY, failed + 1))
        span.set_attribute(vocabulary.HTTP_REQUEST_RESEND_COUNT, len(retry.history))


def _increment(wrapped: Wrapped, retry: urllib3.Retry, args: Args, kwargs: Kwargs) -> Any:
    """`retry.increment(method, url, response, error, …)`; raises MaxRetryError if no attempt is left."""
    try:
        return wrapped(*args, **kwargs)
    except MaxRetryError:
        with fail_open("cannot record the retries of urllib3"):
            given = dict(zip(("method", "url", "response", "error"), args, strict=False)) | kwargs
            response, error = given.get("response"), given.get("error")
            if response is None or not response.get_redirect_location():
                kind = _error_type(error, getattr(response, "status", None))
                events.retries_exhausted(_LIBRARY, _attempts(retry) + 1, kind)
        raise


def _make_request(wrapped: Wrapped, _pool: HTTPConnectionPool, args: Args, kwargs: Kwargs) -> Any:
    """An attempt. The timeout, given or the pool's own, is a keyword in all versions."""
    span = current_span_from(_UPSTREAM_SCOPE)
    if span is not None:
        with fail_open("cannot record call timeouts"):
            if "timeout" in kwargs:
                set_timeout(span, urllib3_seconds(kwargs["timeout"]), vocabulary.TIMEOUT_OF_READ)
    return wrapped(*args, **kwargs)


def _attempts(retry: urllib3.Retry) -> int:
    """How many attempts have failed, without redirects."""
    return sum(entry.redirect_location is None for entry in retry.history)


def _error_type(error: Exception | None, status: int | None) -> str | None:
    if error is not None:
        return type(error).__qualname__
    return None if status is None else str(status)
