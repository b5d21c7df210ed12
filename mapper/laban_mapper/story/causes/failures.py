"""Which kind of failure it is: an error, a wait that was given up, or a callee that could not be reached.

What a caller says about itself counts, and when it ended. The text of an answer does not: a server may answer
"timeout" about something else.
"""

import re
from collections.abc import Iterator
from typing import Final, Literal

from laban.vocabulary import EXCEPTION_EVENT
from laban_collector.store.rows import Span
from laban_mapper.spans import (
    CLIENT,
    NS_PER_MS,
    NS_PER_S,
    PRODUCER,
    error_kinds_of,
    error_of,
    failed,
    is_cancelled,
    rpc_status_of,
)
from laban_mapper.story.causality import Causality
from laban_mapper.story.causes.callees import callee_of, usual_callee
from laban_mapper.story.causes.facts import Facts
from laban_mapper.story.root_cause import Origin, server_half

FailureKind = Literal["error", "timed_out", "unreachable"]

_DEADLINE: Final = frozenset({"1", "4", "CANCELLED", "DEADLINE_EXCEEDED"})
_UNAVAILABLE: Final = frozenset({"14", "UNAVAILABLE"})
_WAITED: Final = re.compile(r"time[d_ ]?-?out|deadline[_ ]?exceeded", re.IGNORECASE)
_CANNOT_CONNECT: Final = re.compile(r"connect(ion)?[_ ]?time", re.IGNORECASE)
_UNREACHABLE: Final = re.compile(
    r"connect(ion)?[_ ]?(timeout|timed ?out)|refused|reset by peer"
    r"|connection[_ ]?(reset|error|closed|aborted)|econn(refused|reset|aborted)|e(host|net)unreach"
    r"|(host|network)( is)? (unreachable|down)|no route to host"
    r"|getaddrinfo|enotfound|eai_|no such host|name (or service not known|resolution)|unknown ?host"
    r"|nodename nor servname|socket hang up|server ?disconnected|without sending a response|connecterror"
    r"|failed to connect|cannot connect|unavailable|nobrokersavailable|broken pipe|unexpected eof",
    re.IGNORECASE,
)
_PROXY_GAVE_UP: Final = frozenset({None, 408, 499, 504})
_BAD_GATEWAY: Final = frozenset({502, 503, 504})
_LATE: Final = 10 * NS_PER_MS
"""A busy server may end its span this long after the client has the answer, or a tenth of a longer call."""
_ROUND: Final = tuple(int(seconds * NS_PER_S) for seconds in (0.5, 1, 2, 3, 5, 10, 15, 20, 30, 60, 120))
"""Usual deadlines."""
_NEAR: Final = 0.03
"""How far after a deadline a call ends that ran into it."""


def kind_of(origin: Origin, facts: Facts) -> FailureKind:
    """What kind of failure began there."""
    if waiting_call(origin, facts.causality) is not None:
        return "timed_out"
    return "unreachable" if _is_unreachable(origin, facts) else "error"


def waiting_call(origin: Origin, causality: Causality) -> Span | None:
    """The call whose caller gave up waiting, if that is why everything failed; the outermost of several.

    What failed below such a call later, or because it was cancelled, is a consequence.
    """
    calls = [span for span in origin.chain if span.kind in {CLIENT, PRODUCER}]
    given_up = [call for call in calls if gave_up(call, causality)]
    if not given_up:
        return _wait_inside(origin.deepest, causality)
    call, deepest = given_up[-1], origin.deepest
    if deepest.kind in {CLIENT, PRODUCER} or is_cancelled(deepest):
        return call
    # An error came first, and was not what the caller waited for, only if the caller still waited then.
    return call if _is_late(deepest, given_up[0], causality) else None


def gave_up(call: Span, causality: Causality) -> bool:
    """Whether a caller gave up waiting, by what it says itself, or because its callee ran on."""
    if not failed(call):
        return False
    status, server, words = rpc_status_of(call), server_half(call, causality), _words(call)
    if server is not None and _is_late(server, call, causality):
        return call.http_status in _PROXY_GAVE_UP and status in {None, *_DEADLINE, *_UNAVAILABLE}
    if call.http_status is not None or (server is not None and failed(server) and not is_cancelled(server)):
        return False
    if status is not None:
        return status in _DEADLINE or "DEADLINE_EXCEEDED" in words
    if _CANNOT_CONNECT.search(words):
        return False
    waited = is_cancelled(call) or _WAITED.search(words) is not None
    return waited or (server is None and _is_mute(call))


def _is_late(span: Span, call: Span, causality: Causality) -> bool:
    """Whether a span ended clearly after a call that it was part of."""
    return causality.end(span) - causality.end(call) > max(_LATE, call.duration // 10)


def _is_mute(call: Span) -> bool:
    """Whether a call says nothing of its error, and ended at a usual deadline."""
    raised = any(event.name == EXCEPTION_EVENT for event in call.events)
    said = call.error_type or call.status_message or raised
    return not said and any(0 <= call.duration - limit <= limit * _NEAR for limit in _ROUND)


def _wait_inside(span: Span, causality: Causality) -> Span | None:
    """The call that was cut off where the code around it raised a timeout; it has no error itself."""
    if span.kind in {CLIENT, PRODUCER} or not _WAITED.search(error_kinds_of(span)):
        return None
    calls = [call for call in _calls_below(span, causality) if call.kind == CLIENT]
    last = max(calls, key=causality.end, default=None)
    if last is None or failed(last) or last.http_status is not None:
        return None
    server = server_half(last, causality)
    cut = _is_late(server, last, causality) if server is not None else last.duration > span.duration // 2
    return last if cut else None


def _calls_below(span: Span, causality: Causality) -> Iterator[Span]:
    for effect in causality.effects(span):
        if not causality.is_delivery(effect):
            yield effect
            if effect.service == span.service and effect.kind != CLIENT:
                yield from _calls_below(effect, causality)


def _is_unreachable(origin: Origin, facts: Facts) -> bool:
    """Whether the callee of the deepest call could not be reached, or ended while it was called."""
    call = origin.deepest
    if call.kind not in {CLIENT, PRODUCER} or origin.server is not None:
        return False
    if call.http_status is not None:  # a proxy answers for a service that is gone
        return call.http_status in _BAD_GATEWAY and usual_callee(call, facts) is not None
    status = rpc_status_of(call)
    if status is not None:
        return status in _UNAVAILABLE
    return _UNREACHABLE.search(_words(call)) is not None or _is_gone(call, facts)


def _is_gone(call: Span, facts: Facts) -> bool:
    """Whether the callee is a service that has sent no span since before the call."""
    callee = callee_of(call, facts)
    seen = facts.last_seen(callee.name) if callee is not None and callee.is_service else None
    return seen is not None and seen < call.start


def _words(span: Span) -> str:
    """What a caller says about its error; of a database, not its messages, which are the server's."""
    said = "" if span.db_system else error_of(span) or ""
    return f"{error_kinds_of(span)} {said}"
