"""What a replay had to assume, in words."""

from collections.abc import Iterable
from typing import Final

from laban_mapper.names import listed, shortened
from laban_mapper.whatif.changes import arrow, told
from laban_mapper.whatif.event_graph import Edge
from laban_mapper.whatif.habits import Share, Timeout
from laban_mapper.whatif.scenarios import Doubt

FEW: Final = 20
"""Examples below which a learned value is called rough."""
_MOST_CALLS: Final = 10
"""Calls that one sentence names."""
PUBLICATIONS: Final = (1_000_000, 5_000_000, 20_000_000)
"""ns that publishing a message takes at least, probably and at most, if no trace has a publication."""
ATTEMPTS: Final = 3
"""Attempts that the range has, if no trace shows how often a failed call is made again: a usual default."""
PAUSE: Final = 100_000_000
"""ns between these attempts."""
REFUSAL: Final = 1_000_000
"""ns in which a call is refused, if no trace has a refused one."""


class Assumptions:
    """Collects what replays assumed, each thing once, in the order in which it came up.

    Attributes:
        doubts: what may be otherwise.
        facts: a sentence about each thing.
        unknown: calls of which no trace shows a failure.
        once: calls of which no trace shows a second attempt.
        messages: by the caller and how it publishes, the callees whose calls became messages.
    """

    def __init__(self) -> None:
        self.doubts: set[Doubt] = set()
        self.facts: dict[tuple[str, object], str] = {}
        self.unknown: dict[Edge, bool] = {}
        self.once: dict[Edge, bool] = {}
        self.messages: dict[tuple[str, str], dict[str, bool]] = {}

    @property
    def sentences(self) -> list[str]:
        """The assumptions in words."""
        found = [
            f"{caller} publishes a message instead of each call of {listed(list(callees))}, and needs no "
            f"answer before its reply. A message {how}"
            for (caller, how), callees in self.messages.items()
        ]
        found += self.facts.values()
        if self.unknown:
            found.append(
                f"No trace shows what a caller does when {_calls(self.unknown)} fails: the caller is "
                "assumed to fail, too. The range also has that it goes on without the answer."
            )
        if self.once:
            found.append(
                f"No trace shows a second attempt of {_calls(self.once)}: a failed one is assumed to be the "
                f"last. The range also has up to {ATTEMPTS} attempts (--retries sets it)."
            )
        return found

    def merge(self, other: "Assumptions") -> None:
        """Add the sentences and doubts of another replay."""
        self.doubts |= other.doubts
        for key, text in other.facts.items():
            self.facts.setdefault(key, text)
        self.unknown |= other.unknown
        self.once |= other.once
        for key, callees in other.messages.items():
            self.messages.setdefault(key, {}).update(callees)

    def spread(self, edge: Edge, share: Share) -> None:
        """A call failed that did not fail in the trace."""
        self.doubts.add("spread")
        if not share.of:
            self.unknown.setdefault(edge, True)
            return
        rough = ", which is few" if share.of < FEW else ""
        self.facts.setdefault(
            ("spread", edge),
            f"{shortened(edge[0])} failed in {share.part} of {_times(share.of, 'case')} in which its call of "
            f"{shortened(edge[1])} had failed{rough}.",
        )

    def gives_up(self, edge: Edge, limit: Timeout) -> None:
        """A known timeout ended a call."""
        how = "as its spans say" if limit.recorded else "as it did in traces"
        text = f"{shortened(edge[0])} waits at most {told(limit.limit)} for {shortened(edge[1])}, {how}."
        self.facts.setdefault(("limit", edge), text)

    def unlimited(self, edge: Edge, longest: int) -> None:
        """A call takes longer than ever seen, and its timeout is not known."""
        self.doubts.add("timeout")
        text = (
            f"How long {shortened(edge[0])} waits for {shortened(edge[1])} is not known: it is assumed to "
            f"wait. The range also has that it gives up after {told(longest)}, the longest call seen "
            "(--timeout sets it)."
        )
        self.facts.setdefault(("limit", edge), text)

    def refused(self, edge: Edge, learned: int | None, limit: Timeout | None) -> None:
        """A service that is down was called."""
        caller, callee = map(shortened, edge)
        if limit is None:
            hangs = (
                f"If {callee} does not even refuse, {caller} may wait for longer: its timeout is not known."
            )
        else:
            self.doubts.add("hang")
            hangs = f"The range also has that {caller} waits until its timeout of {told(limit.limit)}."
        how = f"in {told(learned)}, as in traces" if learned is not None else "at once"
        self.facts.setdefault(
            ("down", edge), f"A call {arrow(edge)} is refused {how}, as if nothing listened. {hangs}"
        )

    def repeats(self, edge: Edge, attempts: int | None) -> None:
        """A call failed that did not fail in the trace: whether it is made again."""
        if attempts is None:
            self.doubts.add("repeats")
            self.once.setdefault(edge, True)
        elif attempts > 1:
            text = f"{shortened(edge[0])} calls {shortened(edge[1])} up to {attempts} times, as in traces."
            self.facts.setdefault(("repeats", edge), text)

    def turned(self, edge: Edge, publication: int | None, wait: int | None) -> None:
        """A call became a message."""
        if publication is None:
            self.doubts.add("publication")
            least, probably, most = map(told, PUBLICATIONS)
            how = f"takes {probably} ({least} to {most}): no trace has a publication"
        else:
            how = f"takes {told(publication)}, as in traces"
        queue = (
            "There is no queue in the traces, so it is read at once."
            if wait is None
            else f"It waits {told(wait)} in the queue, as in traces."
        )
        callees = self.messages.setdefault((edge[0], f"{how}. {queue}"), {})
        callees[edge[1]] = True

    def guarded(self, edge: Edge) -> None:
        """A call failed that a circuit breaker guards."""
        self.doubts.add("breaker")
        self.facts.setdefault(
            ("breaker", edge),
            f"A circuit breaker guards {arrow(edge)}. The answer is for while it is closed; the range "
            "also has that it is open, so that the call fails at once.",
        )

    def rescued(self, service: str, examples: int) -> None:
        """A request went on where it had failed in the trace."""
        self.facts.setdefault(
            ("rescued", service),
            f"Where a call of {shortened(service)} no longer fails, {shortened(service)} goes on as in "
            f"one of {_times(examples, 'trace')} in which it did not fail.",
        )

    def stuck(self, service: str) -> None:
        """A request could go on, but no trace shows how."""
        self.facts.setdefault(
            ("stuck", service),
            f"No trace shows how {shortened(service)} goes on where it failed: it is counted as failed.",
        )

    def waits(self, service: str) -> None:
        """A message waits for a service that is down."""
        self.facts.setdefault(
            ("waits", service),
            f"Messages for {shortened(service)} wait in their queue until it is back: they do not fail.",
        )

    def slower_queue(self, service: str) -> None:
        """A consumer takes longer."""
        self.facts.setdefault(
            ("queue", service),
            f"{shortened(service)} still keeps up with its messages: a queue that grows is not part of the "
            "replay.",
        )

    def new_attempt(self, edge: Edge, pause: int | None) -> None:
        """An attempt was made that is not in the trace."""
        how = "at once" if pause is None else f"after {told(pause)}, as in traces"
        self.facts.setdefault(
            ("attempt", edge),
            f"A further attempt of {arrow(edge)} comes {how}, and ends like another recorded call.",
        )


def _calls(edges: Iterable[Edge]) -> str:
    found = [arrow(edge) for edge in edges]
    more = [f"{len(found) - _MOST_CALLS} more"] if len(found) > _MOST_CALLS else []
    told_of = found[:_MOST_CALLS] + more
    return told_of[0] if len(told_of) == 1 else f"{', '.join(told_of[:-1])} or {told_of[-1]}"


def _times(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
