"""Chooses which of the traces that arrived are counted: a few of each kind, the rare kinds first."""

from collections import Counter, OrderedDict
from collections.abc import Sequence
from typing import Final, NamedTuple

PLENTY: Final = 300
"""Examples of a kind in an hour, after which only a share of its traces is counted."""
FEWEST: Final = 1_500
"""Spans of counted traces in a step, if so many arrived."""
SHARE: Final = 250
"""One of so many spans is counted if that is more."""
SAVED: Final = 10_000
"""Spans that may be counted beyond that if there was less to count before: a file that is imported into a
collector brings many at once."""
IMPORTED: Final = 20_000
"""Spans of counted traces in a step of an import, which has the time: about two seconds."""
LARGEST: Final = 5_000
"""Spans of a trace that is counted; a larger one would cost too much."""
_SHARE: Final = 20
"""One of so many traces of a kind with plenty of examples."""
_INTERVAL: Final = 30 * 10**9
"""ns between two steps while spans arrive."""
_HOURS: Final = 200
"""Hours whose examples are remembered; a file that is imported may cover more."""
_KINDS: Final = 2_000
"""Kinds of an hour that are told apart; all others are one kind."""

Kind = tuple[str | None, str, str]
"""Namespace, service, and name of the entry span."""


class Candidate(NamedTuple):
    """A trace that may be counted.

    Attributes:
        trace_hi: the high half of its id.
        trace_lo: the low half.
        spans: spans of it that have arrived.
        start: of its entry, ns.
        namespace: of the entry's service.
        service: of the entry.
        name: of the entry span.
        many: the number of traces of this kind that arrived with it.
    """

    trace_hi: int
    trace_lo: int
    spans: int
    start: int
    namespace: str | None
    service: str
    name: str
    many: int

    @property
    def trace_id(self) -> str:
        """The id in hex."""
        return f"{self.trace_hi:016x}{self.trace_lo:016x}"

    @property
    def kind(self) -> Kind:
        """What kind of trace it is."""
        return self.namespace, self.service, self.name


class Budget:
    """How many spans may be counted in a step; what is not used is saved.

    Args:
        now: ns since the epoch.
    """

    def __init__(self, now: int) -> None:
        self._saved = 0
        self._allowed = 0
        self._last = now

    def of(self, spans: int, now: int) -> int:
        """Return how many spans may be counted.

        Args:
            spans: that arrived.
            now: ns since the epoch.
        """
        idle = max(now - self._last - _INTERVAL, 0) * FEWEST // _INTERVAL
        self._last = now
        self._saved = min(self._saved + idle, SAVED)
        self._allowed = max(FEWEST, spans // SHARE)
        return self._allowed + self._saved

    def spend(self, spans: int) -> None:
        """Record how many were counted."""
        self._saved = min(max(self._saved + self._allowed - spans, 0), SAVED)


class Sampler:
    """Chooses traces, and remembers how many of each kind were chosen in an hour."""

    def __init__(self) -> None:
        self._chosen: OrderedDict[int, Counter[Kind]] = OrderedDict()

    def choose(self, candidates: Sequence[Candidate], most: int) -> list[Candidate]:
        """Choose traces with about `most` spans together; at least one.

        Kinds with few examples come first, one trace of each after the other.
        """
        wanted: list[tuple[int, int, Candidate]] = []
        taken: Counter[tuple[int, Kind]] = Counter()
        for number, one in enumerate(candidates):
            if one.spans > LARGEST:
                continue
            of_hour = self._of_hour(one.start)
            kind = self._known(of_hour, one.kind)
            key = (_hour(one.start), kind)
            examples = of_hour[kind] + taken[key]
            if examples < PLENTY or taken[key] * _SHARE < one.many:
                taken[key] += 1
                wanted.append((examples, number, one))
        wanted.sort()
        chosen: list[tuple[int, Candidate]] = []
        spans = 0
        for _, number, one in wanted:
            if chosen and spans + one.spans > most:
                break  # to look for a smaller one would make small traces look more usual than they are
            chosen.append((number, one))
            spans += one.spans
        for _, one in chosen:
            of_hour = self._of_hour(one.start)
            of_hour[self._known(of_hour, one.kind)] += 1
        return [one for _, one in sorted(chosen, key=lambda pair: pair[0])]

    def _of_hour(self, start: int) -> Counter[Kind]:
        hour = _hour(start)
        if hour not in self._chosen:
            self._chosen[hour] = Counter()
            if len(self._chosen) > _HOURS:
                self._chosen.popitem(last=False)
        return self._chosen[hour]

    @staticmethod
    def _known(of_hour: Counter[Kind], kind: Kind) -> Kind:
        return kind if kind in of_hour or len(of_hour) < _KINDS else (None, "", "")


def _hour(start: int) -> int:
    return start // (3600 * 10**9)
