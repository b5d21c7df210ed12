"""What the spans of callers say about how long they wait."""

from typing import Final, NamedTuple

from laban.vocabulary import (
    LABAN_RPC_STREAMING,
    LABAN_TIMEOUT_MS,
    LABAN_TIMEOUT_SCOPE,
    NO_TIMEOUT,
    TIMEOUT_OF_CALL,
)
from laban_collector.store.rows import Span
from laban_mapper.findings.calls import Call

_MOST: Final = 24 * 3600 * 1000.0
"""ms: a longer timeout is none."""


class Timeout(NamedTuple):
    """How long a caller waits.

    Attributes:
        ms: None: without a limit.
        whole: whether it limits the whole call, and not each wait for bytes.
    """

    ms: float | None
    whole: bool


def timeout_of(call: Call) -> Timeout | None:
    """The timeout of a call; None if its span does not say, or if the call is a stream."""
    span: Span = call.step.span
    if call.step.kind != "call" or LABAN_RPC_STREAMING in span.attributes:
        return None
    scope, ms = span.attributes.get(LABAN_TIMEOUT_SCOPE), span.attributes.get(LABAN_TIMEOUT_MS)
    if scope == NO_TIMEOUT:
        return Timeout(None, whole=True)
    if isinstance(ms, int | float) and not isinstance(ms, bool) and ms > 0:
        return Timeout(float(ms) if ms < _MOST else None, whole=scope in {None, TIMEOUT_OF_CALL})
    return None
