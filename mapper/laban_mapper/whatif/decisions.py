"""What callers do in a replay: how long they wait, whether they try again, what a failure means to them."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from laban_mapper.whatif.assumptions import ATTEMPTS, PAUSE, REFUSAL, Assumptions
from laban_mapper.whatif.changes import Changes
from laban_mapper.whatif.event_graph import Edge, Node, Unit
from laban_mapper.whatif.habits import Habits, Timeout
from laban_mapper.whatif.scenarios import Scenario, interval

_STEPS: Final = 2**64


class Decisions:
    """Decides by the changes, else by what traces teach, else by the scenario; and notes what was assumed.

    Args:
        habits: what the traces teach.
        changes: what is changed.
        scenario: what to assume where they do not tell.
        assumptions: where to note what was assumed.
    """

    def __init__(
        self, habits: Habits, changes: Changes, scenario: Scenario, assumptions: Assumptions
    ) -> None:
        self._habits = habits
        self._changes = changes
        self._scenario = scenario
        self._noted = assumptions

    def is_repeated(self, unit: Unit, edge: Edge, number: int) -> bool:
        """Whether another attempt follows the failed one with this number, from 0."""
        allowed = self._changes.retries.get(edge)
        if allowed is not None:
            return number < allowed
        if number + 1 < len(unit.nodes):
            return True
        if unit.in_trouble:
            return False  # the caller made no other attempt in the trace
        attempts = self._habits.attempts(unit.first)
        self._noted.repeats(edge, attempts)
        return number + 1 < (attempts or (ATTEMPTS if self._scenario.repeats else 1))

    def pause(self, unit: Unit, number: int) -> int:
        """The time between an attempt and the next one, ns."""
        if number + 1 < len(unit.nodes):
            return max(unit.nodes[number + 1].start - unit.nodes[number].end, 0)
        pause = self._habits.pause(unit.first)
        return (PAUSE if self._scenario.repeats else 0) if pause is None else pause

    def another(self, unit: Unit, edge: Edge, number: int) -> Node:
        """An attempt that is not in the trace: another recorded call of its kind."""
        if not self._scenario.repeats:
            self._noted.new_attempt(edge, self._habits.pause(unit.first))
        good = self._habits.calls(unit.first)
        return pick(good, unit.first, number) if good else unit.nodes[-1]

    def limit(
        self, node: Node, edge: Edge, took: int, changed: int | None, known: Timeout | None
    ) -> int | None:
        """How long the caller waits; None if no limit ends the call."""
        if changed is not None:
            return changed
        if node.gave_up:
            return node.duration
        if took <= node.duration:
            return None
        if known is not None:
            limit = max(known.limit, node.duration)
            if took > limit:
                self._noted.gives_up(edge, known)
            return limit
        if node.unlimited:
            return None
        longest = max(self._habits.longest(node), node.duration)
        if took <= longest:
            return None
        self._noted.unlimited(edge, longest)
        return longest if self._scenario.gives_up else None

    def is_down(self, node: Node) -> bool:
        """Whether the callee of a call does not answer."""
        down = self._changes.down
        if not down:
            return False
        if node.role == "visit":
            return node.span.service in down
        return node.callee in down if node.callee is not None else not down.isdisjoint(node.outside)

    def refusal(self, node: Node, edge: Edge, known: Timeout | None) -> int:
        """How long a call takes whose callee does not answer, ns."""
        learned = self._habits.refusal(node)
        self._noted.refused(edge, learned, known)
        took = REFUSAL if learned is None else learned
        if known is not None:
            took = known.limit if self._scenario.hangs else min(took, known.limit)
        return took

    def spreads(self, node: Node, edge: Edge) -> bool:
        """Whether a failed call fails its caller, by how often that was so."""
        share = self._habits.spread(node)
        self._noted.spread(edge, share)
        least, most = interval(*share)
        probable = share.part / share.of if share.of else 1.0
        return drawn(node, -1) < {-1: least, 0: probable, 1: most}[self._scenario.spread]


def pick(nodes: Sequence[Node], node: Node, salt: int) -> Node:
    """One of some nodes, always the same for the same trace."""
    return nodes[int(drawn(node, salt) * len(nodes))]


def drawn(node: Node, salt: int) -> float:
    """A number from 0 to 1 that looks random, always the same for the same span."""
    text = f"{node.span.trace_id}/{node.span.span_id}/{salt}"
    digest = blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) / _STEPS
