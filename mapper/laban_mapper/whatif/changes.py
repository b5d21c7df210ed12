"""The changes that can be asked about, and how they are written."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final, NamedTuple

from laban_mapper.errors import InvalidChange, UnknownPlace
from laban_mapper.names import shortened
from laban_mapper.whatif.event_graph import Edge

_ARROW: Final = re.compile(r"\s*(?:→|->|=>)\s*")
_DURATION: Final = re.compile(r"\+?\s*([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*(us|µs|ms|s|m)?")
_UNITS: Final = {"us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000}
_LONGEST: Final = 24 * 3600 * 1_000_000_000
MOST_RETRIES: Final = 20
_MOST_NAMED: Final = 12
MOST_CHANGES: Final = 50


class ChangeTexts(NamedTuple):
    """The changes as written, such as `pricing=500ms` or `order→inventory`.

    Attributes:
        down: services that do not answer.
        slow: services, or edges, and how much longer they take.
        turned: edges that become messages.
        timeouts: edges, and how long their caller waits.
        retries: edges, and how often their caller tries again.
    """

    down: Sequence[str] = ()
    slow: Sequence[str] = ()
    turned: Sequence[str] = ()
    timeouts: Sequence[str] = ()
    retries: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """What is changed in a replay. Times are in ns.

    Attributes:
        down: services, databases or hosts that do not answer.
        slow: how much longer each request or message takes in a service, or each query of a database.
        slow_edges: how much longer each call takes on its way.
        turned: calls that become messages.
        timeouts: how long the caller waits.
        retries: how often the caller tries again after a failure.
    """

    down: frozenset[str] = frozenset()
    slow: Mapping[str, int] = field(default_factory=dict[str, int])
    slow_edges: Mapping[Edge, int] = field(default_factory=dict[Edge, int])
    turned: frozenset[Edge] = frozenset()
    timeouts: Mapping[Edge, int] = field(default_factory=dict[Edge, int])
    retries: Mapping[Edge, int] = field(default_factory=dict[Edge, int])


class Places(NamedTuple):
    """What exists in the recorded traces.

    Attributes:
        services: services that send spans.
        outside: databases and hosts that send none.
        edges: calls, with the number of their traces.
        messages: services that are joined by messages, publisher first.
    """

    services: frozenset[str]
    outside: frozenset[str]
    edges: Mapping[Edge, int]
    messages: frozenset[Edge] = frozenset()


def parse_changes(texts: ChangeTexts, places: Places) -> Changes:
    """Read changes.

    Raises:
        InvalidChange: a text is not understood, or nothing is changed.
        UnknownPlace: a service or an edge does not exist in the recorded traces.
    """
    if not any(texts):
        raise InvalidChange("Nothing is changed. Say what: --down, --slow, --async, --timeout or --retries.")
    if sum(map(len, texts)) > MOST_CHANGES:
        raise InvalidChange(f"Too many changes at once: at most {MOST_CHANGES}.")
    slow: dict[str, int] = {}
    slow_edges: dict[Edge, int] = {}
    for text in texts.slow:
        name, value = _assignment(text, "--slow pricing=500ms")
        if _ARROW.search(name) and name not in places.services | places.outside:
            slow_edges[_edge(name, places)] = _duration(value, text)
        else:
            slow[_service(name, places)] = _duration(value, text)
    return Changes(
        frozenset(_service(text.strip(), places) for text in texts.down),
        slow,
        slow_edges,
        frozenset(_edge(text, places) for text in texts.turned),
        {
            _edge(name, places): _duration(value, name, least=1)
            for name, value in (_assignment(text, "--timeout order→pricing=300ms") for text in texts.timeouts)
        },
        {
            _edge(name, places): _count(value)
            for name, value in (_assignment(text, "--retries order→pricing=2") for text in texts.retries)
        },
    )


def described(changes: Changes) -> list[str]:
    """The changes in words, one each."""
    return [
        *(f"{shortened(name)} does not answer" for name in sorted(changes.down)),
        *(
            f"each request of {shortened(name)} takes {told(ns)} longer"
            for name, ns in sorted(changes.slow.items())
        ),
        *(
            f"each call {arrow(edge)} takes {told(ns)} longer"
            for edge, ns in sorted(changes.slow_edges.items())
        ),
        *(f"{arrow(edge)} becomes a message" for edge in sorted(changes.turned)),
        *(
            f"{shortened(edge[0])} waits {told(ns)} for {shortened(edge[1])}"
            for edge, ns in sorted(changes.timeouts.items())
        ),
        *(_retrying(edge, count) for edge, count in sorted(changes.retries.items())),
    ]


def arrow(edge: Edge) -> str:
    """An edge in words."""
    return f"{shortened(edge[0])} → {shortened(edge[1])}"


def told(ns: float) -> str:
    """A duration in words."""
    ms = ns / 1e6
    if ms >= 1000:
        return f"{ms / 1000:.3g} s"
    return f"{ms:.0f} ms" if ms >= 10 else f"{ms:.2g} ms"


def _retrying(edge: Edge, count: int) -> str:
    often = "once" if count == 1 else f"{count} times"
    if not count:
        return f"{shortened(edge[0])} does not call {shortened(edge[1])} again after a failure"
    return f"{shortened(edge[0])} calls {shortened(edge[1])} up to {often} again after a failure"


def _assignment(text: str, example: str) -> tuple[str, str]:
    name, separator, value = text.rpartition("=")
    if not (separator and name.strip() and value.strip()):
        raise InvalidChange(f"'{shortened(text)}' has no value: write it as in {example}.")
    return name.strip(), value.strip()


def _duration(value: str, text: str, least: int = 0) -> int:
    found = _DURATION.fullmatch(value)
    if found is None:
        raise InvalidChange(f"'{shortened(value)}' of {shortened(text)} is no time: write 300ms or 1.5s.")
    ns = int(float(found[1]) * _UNITS[found[2] or "ms"])
    if not least <= ns <= _LONGEST:
        raise InvalidChange(f"'{shortened(value)}' of {shortened(text)} is out of range: at most a day.")
    return ns


def _count(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 9 and int(value) <= MOST_RETRIES):
        raise InvalidChange(f"'{shortened(value)}' is no number of retries: 0 to {MOST_RETRIES}.")
    return int(value)


def _service(name: str, places: Places) -> str:
    known = places.services | places.outside
    if name in known:
        return name
    hint = _hint(name, known)
    raise UnknownPlace(f"No recorded trace has a service '{shortened(name)}'. {hint}")


def _edge(text: str, places: Places) -> Edge:
    # A name may contain an arrow, too.
    parts = [(text[: found.start()].strip(), text[found.end() :].strip()) for found in _ARROW.finditer(text)]
    edge = next((edge for edge in parts if edge in places.edges), parts[0] if parts else ("", ""))
    if not all(edge):
        raise InvalidChange(f"'{shortened(text)}' is no edge: write CALLER→CALLEE, or CALLER->CALLEE.")
    if edge in places.edges:
        return edge
    if edge in places.messages:
        raise UnknownPlace(f"{arrow(edge)} is joined by messages already: there is no call to change.")
    for name in edge:
        _service(name, places)
    calls = [arrow(known) for known in sorted(places.edges, key=lambda one: (-places.edges[one], one))]
    same = [text for text in calls if edge[0] in text or edge[1] in text] or calls
    raise UnknownPlace(
        f"No recorded trace has a call {arrow(edge)}. Calls: {_few(same)}."
        if calls
        else f"No recorded trace has a call {arrow(edge)}, nor any other call."
    )


def _hint(name: str, known: Collection[str]) -> str:
    if not known:
        return "There is no trace in this time range: widen it (--since 7d)."
    near = get_close_matches(name, known, n=3, cutoff=0.6)
    return (
        f"Did you mean {_few(near)}? The traces have {_few(sorted(known))}."
        if near
        else f"The traces have {_few(sorted(known))}."
    )


def _few(names: Iterable[str]) -> str:
    listed = [shortened(name, 40) for name in names]
    more = len(listed) - _MOST_NAMED
    return ", ".join(listed[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
