"""requests: the timeout that the caller set, and how often urllib3 has sent a request again."""

from collections.abc import Callable
from typing import Any, Final

import requests
import wrapt
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.utils import unwrap
from opentelemetry.trace import Span

from laban import vocabulary
from laban.client_spans import current_span_of, note_port, note_timeout
from laban.fail_open import fail_open

_STOCK: Final = "opentelemetry.instrumentation.requests"


class LabanRequestsInstrumentor(RequestsInstrumentor):
    """Stock's instrumentor, mended from inside of its wrapper."""

    _instance = None

    def _instrument(self, **kwargs: Any) -> None:
        wrapt.wrap_function_wrapper(requests.Session, "send", _send)
        super()._instrument(**kwargs)

    def _uninstrument(self, **kwargs: Any) -> None:
        super()._uninstrument(**kwargs)
        unwrap(requests.Session, "send")


def _send(
    wrapped: Callable[..., Any], _session: object, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    span = current_span_of(_STOCK)
    if span is None:
        return wrapped(*args, **kwargs)
    with fail_open("cannot note the timeouts of calls"):
        note_port(span, _scheme(args, kwargs))
        note_timeout(span, _seconds(kwargs.get("timeout")))
    response = wrapped(*args, **kwargs)
    with fail_open("cannot note the retries of calls"):
        _note_resends(span, response)
    return response


def _scheme(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    request = args[0] if args else kwargs.get("request")
    return str(getattr(request, "url", "")).partition(":")[0]


def _seconds(timeout: Any) -> Any:
    """Of (connect, read) and of urllib3's Timeout the second: the longest silence that the caller bears."""
    if isinstance(timeout, tuple):
        return timeout[-1]
    return getattr(timeout, "total", None) or getattr(timeout, "read_timeout", timeout)


def _note_resends(span: Span, response: requests.Response) -> None:
    retries = getattr(response.raw, "retries", None)
    count = len(getattr(retries, "history", ()))
    if count:
        span.set_attribute(vocabulary.HTTP_REQUEST_RESEND_COUNT, count)
