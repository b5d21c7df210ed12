"""Which kind of failure a failed call is: an error, a wait that was given up, or an unreachable callee."""

import re
from typing import Final, Literal

from laban.vocabulary import EXCEPTION_EVENT, EXCEPTION_TYPE, RPC_GRPC_STATUS_CODE
from laban_collector.store.rows import Span
from laban_mapper.spans import CLIENT, NS_PER_MS, PRODUCER, error_of, failed
from laban_mapper.story.causality import Causality
from laban_mapper.story.root_cause import Origin, server_half

FailureKind = Literal["error", "timed_out", "unreachable"]

_RPC_STATUS: Final = ("rpc.response.status_code", RPC_GRPC_STATUS_CODE, "grpc.status_code")
_DEADLINE: Final = frozenset({"1", "4", "CANCELLED", "DEADLINE_EXCEEDED"})
_UNAVAILABLE: Final = frozenset({"14", "UNAVAILABLE"})
_WAITED: Final = re.compile(
    r"time[d_ ]?-?out|deadline[_ ]?exceeded|cancell?ed|cancellation|aborted", re.IGNORECASE
)
_UNREACHABLE: Final = re.compile(
    r"connect(ion)?[_ ]?(timeout|timed ?out)|refused|reset by peer"
    r"|connection[_ ]?(reset|error|closed|aborted)|econn(refused|reset|aborted)|e(host|net)unreach"
    r"|(host|network)( is)? (unreachable|down)|no route to host"
    r"|getaddrinfo|enotfound|eai_|no such host|name (or service not known|resolution)|unknown ?host"
    r"|nodename nor servname|socket hang up|server ?disconnected|without sending a response|connecterror"
    r"|failed to connect|cannot connect|unavailable|nobrokersavailable|broken pipe|unexpected eof",
    re.IGNORECASE,
)
_LATE: Final = 10 * NS_PER_MS
"""A busy server may end its span this long after the client has the answer, or a tenth of a longer call."""


def kind_of(origin: Origin, causality: Causality) -> FailureKind:
    """What kind of failure began there."""
    if waiting_call(origin, causality) is not None:
        return "timed_out"
    return "unreachable" if is_unreachable(origin) else "error"


def waiting_call(origin: Origin, causality: Causality) -> Span | None:
    """The call whose caller gave up waiting, if that is why everything failed; the outermost of several.

    A failure below a call is a consequence of giving up if it came after that.
    """
    found = None
    for span in origin.chain:
        if span.kind in {CLIENT, PRODUCER} and gave_up(span, causality):
            found = span
        elif span is origin.deepest and not is_cancelled(span):
            found = None
    return found


def gave_up(span: Span, causality: Causality) -> bool:
    """Whether the caller of a call gave up waiting, by what the caller itself says, or by the durations."""
    if not failed(span) or was_answered(span) or _cannot_connect(span):
        return False
    if status_of(span) in _DEADLINE or _WAITED.search(_words(span)):
        return True
    server = server_half(span, causality)
    if server is None:
        return False
    late = causality.end(server) - causality.end(span)
    return late > max(_LATE, span.duration // 10)


def was_answered(span: Span) -> bool:
    """Whether the caller got an answer, good or bad."""
    return span.http_status is not None


def is_unreachable(origin: Origin) -> bool:
    """Whether the callee of the deepest call could not be reached, or ended while it was called."""
    span = origin.deepest
    if span.kind not in {CLIENT, PRODUCER} or origin.server is not None or was_answered(span):
        return False
    return status_of(span) in _UNAVAILABLE or _UNREACHABLE.search(_words(span)) is not None


def is_cancelled(span: Span) -> bool:
    """Whether a span failed because its caller no longer waited."""
    return False if not failed(span) else status_of(span) in _DEADLINE or span.http_status == 499


def status_of(span: Span) -> str | None:
    """The status code of an RPC."""
    found = next((span.attributes[key] for key in _RPC_STATUS if key in span.attributes), None)
    return None if found is None else str(found)


def _cannot_connect(span: Span) -> bool:
    return re.search(r"connect(ion)?[_ ]?time", _words(span), re.IGNORECASE) is not None


def _words(span: Span) -> str:
    exceptions = [event.attributes for event in span.events if event.name == EXCEPTION_EVENT]
    kinds = [str(attributes.get(EXCEPTION_TYPE, "")) for attributes in exceptions]
    return " ".join([span.error_type or "", error_of(span) or "", *kinds])
