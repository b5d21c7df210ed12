"""What recorded traces teach: timeouts, retries, failures that spread, and what waits for what."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from statistics import median
from typing import Final, NamedTuple, TypeVar

from laban_mapper.profiles.steps import step_id
from laban_mapper.spans import NS_PER_MS
from laban_mapper.whatif.changes import Places
from laban_mapper.whatif.event_graph import Edge, Node, Unit, join_attempts, walk

_LATE: Final = 10 * NS_PER_MS
"""A span may end this long after the span above it although that waited for it, or a tenth of that span."""
_MOST_SIBLINGS: Final = 200
"""Units of one node that are compared with each other."""

K = TypeVar("K", bound=Hashable)


class Share(NamedTuple):
    """How often something was so."""

    part: int
    of: int


class Timeout(NamedTuple):
    """How long a caller waits, ns.

    Attributes:
        recorded: whether its spans say so; otherwise, this is after how long it gave up.
    """

    limit: int
    recorded: bool


class Habits:
    """Learns from the graphs of many traces.

    What is asked about a call is learned from the same call in the same place; if there is no example of
    that, from all calls of the edge.

    Attributes:
        places: what exists.
    """

    def __init__(self, graphs: Iterable[Node]) -> None:
        self._limits: dict[object, list[int]] = defaultdict(list)
        self._given_up: dict[object, list[int]] = defaultdict(list)
        self._spread: dict[object, list[bool]] = defaultdict(list)
        self._attempts: dict[object, list[int]] = defaultdict(list)
        self._pauses: dict[object, list[int]] = defaultdict(list)
        self._refusals: dict[object, list[int]] = defaultdict(list)
        self._longest: dict[int, int] = {}
        self._publications: dict[object, list[int]] = defaultdict(list)
        self._waits: dict[object, list[int]] = defaultdict(list)
        self._good: dict[int, list[Node]] = defaultdict(list)
        self._calls: dict[int, list[Node]] = defaultdict(list)
        self._together: set[tuple[int, int]] = set()
        self._unwaited: set[int] = set()
        self._mixed: set[int] = set()
        nodes = [node for graph in graphs for node in walk(graph)]
        self._find_callees([node for node in nodes if node.role == "call"])
        for node in nodes:
            join_attempts(node)
        for node in nodes:
            self._learn(node)
        self.places = _places(nodes)

    def timeout(self, node: Node) -> Timeout | None:
        """How long the caller of a call waits; None if no trace tells."""
        if node.timeout is not None:
            return Timeout(node.timeout, recorded=True)
        limits = _of(self._limits, node)
        if limits:
            return Timeout(Counter(limits).most_common(1)[0][0], recorded=True)
        given_up = _of(self._given_up, node)
        if not given_up:
            return None
        limit = int(median(given_up))
        # Other calls of the edge may have another timeout: this one once took longer.
        return Timeout(limit, recorded=False) if self.longest(node) <= limit + _LATE else None

    def spread(self, node: Node) -> Share:
        """How often the failure of this call was the failure of its caller."""
        found = _of(self._spread, node)
        return Share(sum(found), len(found))

    def attempts(self, node: Node) -> int | None:
        """How many attempts the caller makes if each one fails; None if no such call failed."""
        found = _of(self._attempts, node)
        return max(found) if found else None

    def pause(self, node: Node) -> int | None:
        """The time between two attempts; None if no trace has a second one."""
        found = _of(self._pauses, node)
        return int(median(found)) if found else None

    def refusal(self, node: Node) -> int | None:
        """How long a call takes whose callee refuses it; None if none was refused."""
        found = _of(self._refusals, node)
        return int(median(found)) if found else None

    def longest(self, node: Node) -> int:
        """The longest that this call took without failing."""
        return self._longest.get(node.key, 0)

    def publication(self, service: str) -> int | None:
        """How long a service, or else any service, takes to publish a message; None if nobody publishes."""
        found = self._publications.get(service) or self._publications.get(None)
        return int(median(found)) if found else None

    def wait(self) -> int | None:
        """How long a message usually waits in a queue; None if no trace has one."""
        found = self._waits.get(None)
        return int(median(found)) if found else None

    def good(self, node: Node) -> Sequence[Node]:
        """Nodes of the same place in all traces, that did not fail."""
        return self._good.get(node.key, ())

    def calls(self, node: Node) -> Sequence[Node]:
        """First attempts of the same call in all traces, however they ended."""
        return self._calls.get(node.key, ())

    def run_together(self, one: Unit, other: Unit) -> bool:
        """Whether two units of a node ran at the same time in some trace: neither waits for the other."""
        return _pair(one, other) in self._together

    def is_mixed(self, node: Node) -> bool:
        """Whether some units below such a node ran at the same time."""
        return node.key in self._mixed

    def waits_for(self, unit: Unit) -> bool:
        """Whether what is above a unit always waited for its end."""
        return unit.first.key not in self._unwaited

    def _find_callees(self, calls: Sequence[Node]) -> None:
        """Name the callee of calls without an answer, if all others to the same address have the same.

        The key of a call gets the name of its callee: calls over HTTP often have the same names otherwise.
        """
        known: dict[object, set[str]] = defaultdict(set)
        for node in calls:
            if node.callee is not None:
                known[_address(node)].add(node.callee)
        for node in calls:
            if node.callee is None and len(callees := known[_address(node)]) == 1:
                node.callee = next(iter(callees))
            if node.edge is not None:
                node.key = step_id(node.key, None, node.edge[1], "", "callee", None)

    def _learn(self, node: Node) -> None:
        for unit in node.units:
            self._learn_end(node, unit)
            if unit.first.edge is not None and unit.first.role in {"call", "visit"}:
                self._learn_call(unit)
        self._learn_order(node)
        if node.role == "visit" and not node.failed:
            self._good[node.key].append(node)
        if node.role == "publish" and not node.failed:
            for place in (node.span.service, None):
                self._publications[place].append(node.duration)
            for delivered in node.deliveries:
                if delivered.delay:
                    self._waits[None].append(max(delivered.delay - node.duration, 0))

    def _learn_end(self, node: Node, unit: Unit) -> None:
        """A node that ended well before a unit below it did not wait for that."""
        late = max(_LATE, node.duration // 10)
        if unit.end > node.end + late and not node.failed and node.role != "call":
            self._unwaited.add(unit.first.key)

    def _learn_order(self, node: Node) -> None:
        units = node.units
        if len(units) > _MOST_SIBLINGS:
            return
        for number, one in enumerate(units):
            for other in units[number + 1 :]:
                if other.start >= one.end:
                    break  # they are sorted by start
                if one.first.key != other.first.key:
                    self._together.add(_pair(one, other))
                    self._mixed.add(node.key)

    def _learn_call(self, unit: Unit) -> None:
        places = _places_of(unit.first)
        self._calls[unit.first.key].append(unit.first)
        for number, node in enumerate(unit.nodes):
            if not node.failed:
                self._longest[node.key] = max(self._longest.get(node.key, 0), node.duration)
            for place in places:
                if node.timeout is not None:
                    self._limits[place].append(node.timeout)
                if node.gave_up:
                    self._given_up[place].append(node.duration)
                elif (
                    node.failed and node.role == "call" and node.answering is None and node.callee is not None
                ):
                    self._refusals[place].append(node.duration)
                if number:
                    self._pauses[place].append(max(node.start - unit.nodes[number - 1].end, 0))
        visit = unit.first.visit
        for place in places:
            if unit.in_trouble:
                self._attempts[place].append(len(unit.nodes))
                if visit is not None:
                    self._spread[place].append(visit.failed)
            elif len(unit.nodes) > 1:
                self._attempts[place].append(len(unit.nodes))


def _address(node: Node) -> object:
    """What a call goes to, as its span says."""
    span = node.span
    return (node.key, span.peer_address, span.peer_port, span.peer_service, span.rpc_service)


def _places_of(node: Node) -> tuple[object, ...]:
    return (node.key, node.edge)


def _of(found: dict[object, list[K]], node: Node) -> list[K]:
    return found.get(node.key) or found.get(node.edge) or []


def _pair(one: Unit, other: Unit) -> tuple[int, int]:
    first, second = one.first.key, other.first.key
    return (first, second) if first < second else (second, first)


def _places(nodes: Iterable[Node]) -> Places:
    services: set[str] = set()
    outside: set[str] = set()
    edges: Counter[Edge] = Counter()
    messages: set[Edge] = set()
    for node in nodes:
        services.add(node.span.service)
        if node.edge is not None:
            edges[node.edge] += 1
            if node.role == "call" and node.callee is None:
                outside.update(node.outside)
        if node.delay is not None and node.parent is not None:
            messages.add((node.parent.span.service, node.span.service))
    return Places(frozenset(services), frozenset(outside), dict(edges), frozenset(messages))
