"""Says which series a change of edges belongs to: names both ends as the map does."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from laban_collector.store.duckdb.edges.naming import Callee, Seen, names_of
from laban_collector.store.duckdb.totals.changes import DELIVERED, HANDLED, SERVED, Change, EdgePart
from laban_collector.store.edge_totals import OTHER, ConnectionType, SeriesKey, TimesName

_MOST_NAMES: Final = 20_000
"""Ends of edges, and flows of messages, that are remembered: those that were seen last."""
_REMEMBERED: Final = 3600.0
"""Seconds for which an end is remembered."""
_MOST_SHARES: Final = 50_000
"""Answers that are remembered."""
_LONGEST: Final = 200
"""Characters of a name."""
_USER: Final = "user"
"""As Tempo calls a caller outside."""
_WORDS: Final = {"entry:clients": _USER, "unseen:callers": "unseen"}
_VIRTUAL: Final = {"entry", "unseen", "external", "other"}


class Share(NamedTuple):
    """What a change adds to one series.

    Attributes:
        calls: whether it adds its calls.
        errors: whether it adds its errors.
        times: the histogram to which it adds its latencies; None: to none.
    """

    series: SeriesKey
    calls: bool
    errors: bool
    times: TimesName | None


class SeriesNames:
    """Names the ends of changes by what was seen in the last hour; the rules are those of edges.sql."""

    def __init__(self) -> None:
        self._callees: OrderedDict[Callee, tuple[Seen, float]] = OrderedDict()
        self._flows: OrderedDict[str, set[str]] = OrderedDict()
        self._names: dict[Callee, str] | None = None
        self._shares: dict[EdgePart, tuple[Share, ...]] = {}
        """Answers of `shares`, as long as nothing is learned that may change them."""

    def learn(self, changes: Iterable[Change], now: float) -> None:
        """Remember the ends of changes, and the parts of their flows.

        Args:
            changes: of a counting step.
            now: seconds of a clock.
        """
        for about, amounts, proven in changes:
            if amounts.calls <= 0 and amounts.timed <= 0:
                continue
            self._learn(Callee(about.source), Seen(True), now)
            callers = [about.source] if about.target.startswith("database:") else []
            self._learn(Callee(about.target, about.address, about.rpc_service), Seen(proven, callers), now)
            if about.flow is not None:
                self._learn_flow(about.flow, _split(about.part)[1])
        self._forget(now)

    def _learn(self, callee: Callee, seen: Seen, now: float) -> None:
        known, _ = self._callees.get(callee, (None, now))
        if known is not None:
            callers = (
                known.callers if set(seen.callers) <= set(known.callers) else [*known.callers, *seen.callers]
            )
            seen = Seen(seen.proven or known.proven, callers)
        if seen != known:
            self._change_names()
        self._callees[callee] = seen, now
        self._callees.move_to_end(callee)

    def _learn_flow(self, flow: str, part: str) -> None:
        parts = self._flows.setdefault(flow, set())
        if part not in parts:
            parts.add(part)
            self._shares.clear()
        self._flows.move_to_end(flow)

    def _change_names(self) -> None:
        self._names = None
        self._shares.clear()

    def _forget(self, now: float) -> None:
        while self._callees:
            _, at = next(iter(self._callees.values()))
            if len(self._callees) <= _MOST_NAMES and now - at < _REMEMBERED:
                break
            self._callees.popitem(last=False)
            self._change_names()
        while len(self._flows) > _MOST_NAMES:
            self._flows.popitem(last=False)
        if len(self._shares) > _MOST_SHARES:
            self._shares.clear()

    def shares(self, about: EdgePart) -> tuple[Share, ...]:
        """Return what a change adds to which series."""
        known = self._shares.get(about)
        if known is None:
            known = self._shares[about] = tuple(self._computed(about))
        return known

    def _computed(self, about: EdgePart) -> Iterator[Share]:
        source = self._name(Callee(about.source))
        target = self._name(Callee(about.target, about.address, about.rpc_service))
        if about.is_async:
            yield from self._of_messages(about, source, target)
            return
        series = _graph(source, target)
        if about.part == SERVED:
            yield Share(series, calls=False, errors=False, times="served")
            return
        called = _kind(source) == "service"
        yield Share(series, calls=True, errors=True, times="called" if called else None)
        if series.connection == "database":  # as Tempo: the time of a database is what its caller sees
            yield Share(series, calls=False, errors=False, times="served")

    def _of_messages(self, about: EdgePart, source: str, target: str) -> Iterator[Share]:
        purpose, part = _split(about.part)
        ends = _kind(source), _kind(target)
        counts, tells = self._counted(about.flow, part)
        if purpose == HANDLED:
            if tells:
                yield Share(_messages(source, target), calls=False, errors=False, times="served")
        elif purpose == DELIVERED or (ends[0] not in {"topic", "group"} and ends[1] == "service"):
            yield Share(
                _messages(source, target), calls=counts, errors=tells, times="queued" if tells else None
            )
        elif ends[0] == "topic":
            group = _label(target) if ends[1] == "group" else ""
            yield Share(SeriesKey("consumed", _label(source), group), counts, tells, None)
        elif ends[0] != "group":
            topic = _label(target) if ends[1] in {"topic", OTHER} else ""
            yield Share(SeriesKey("published", _label(source), topic), counts, tells, None)

    def _counted(self, flow: str | None, part: str) -> tuple[bool, bool]:
        """Return whether the calls of a part of a flow count, and whether its errors and latencies do."""
        parts = self._flows.get(flow or "", {part})
        match part:
            case "receive":
                alone = "process" not in parts
                return alone, alone
            case "create":
                by_batch, sends = "client send" in parts, "send" in parts
                return by_batch or not sends, not by_batch and not sends
            case "client send":
                return "create" not in parts and "send" not in parts, True
            case _:
                return True, True

    def _name(self, callee: Callee) -> str:
        if self._names is None:
            self._names = names_of({callee: seen for callee, (seen, _) in self._callees.items()})
        return self._names.get(callee, callee.node)


def _split(part: str | None) -> tuple[str, str]:
    """Return the purpose of a row of messages, and its part of the flow."""
    purpose, _, rest = (part or "").partition(" ")
    return (purpose, rest) if purpose in {DELIVERED, HANDLED} else ("", part or "")


def _graph(source: str, target: str) -> SeriesKey:
    return SeriesKey("graph", _label(source), _label(target), _connection(source, target))


def _messages(source: str, target: str) -> SeriesKey:
    return SeriesKey("graph", _label(source), _label(target), "messaging_system")


def _connection(source: str, target: str) -> ConnectionType:
    if _kind(target) == "database" or target == "other:databases":
        return "database"
    return "virtual_node" if {_kind(source), _kind(target)} & _VIRTUAL else ""


def _kind(node: str) -> str:
    return node.partition(":")[0]


def _label(node: str) -> str:
    """Return the name of a node without its kind; a service keeps its namespace."""
    kind, _, name = node.partition(":")
    if kind == "other":
        return OTHER
    if kind == "external" and name.startswith("unknown/"):
        return "unknown"
    return _WORDS.get(node, name)[:_LONGEST]
