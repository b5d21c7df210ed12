"""requests: adds the timeout and the default port to client spans; its retries are urllib3's."""

from collections.abc import Callable
from typing import Any, Final

import requests
import wrapt
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.utils import unwrap

from laban import vocabulary
from laban.client_spans import current_span_from, set_default_port, set_timeout, urllib3_seconds
from laban.fail_open import fail_open

_UPSTREAM_SCOPE: Final = "opentelemetry.instrumentation.requests"


class LabanRequestsInstrumentor(RequestsInstrumentor):
    """Upstream's instrumentor, patched inside its wrapper."""

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
    span = current_span_from(_UPSTREAM_SCOPE)
    if span is None:
        return wrapped(*args, **kwargs)
    with fail_open("cannot record call timeouts"):
        set_default_port(span, _scheme(args, kwargs))
        set_timeout(span, _seconds(kwargs.get("timeout")), vocabulary.TIMEOUT_OF_READ)
    return wrapped(*args, **kwargs)


def _scheme(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    request = args[0] if args else kwargs.get("request")
    return str(getattr(request, "url", "")).partition(":")[0]


def _seconds(timeout: Any) -> Any:
    """The read timeout: of a pair (connect, read), a number, or urllib3's `Timeout`."""
    return timeout[-1] if isinstance(timeout, tuple) else urllib3_seconds(timeout)
