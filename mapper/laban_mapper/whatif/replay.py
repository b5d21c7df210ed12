"""Replays one recorded trace with changes: own times stay, and what waited for something waits again."""

from dataclasses import dataclass, field
from typing import NamedTuple

from laban_mapper.whatif.assumptions import PUBLICATIONS, Assumptions
from laban_mapper.whatif.changes import Changes
from laban_mapper.whatif.decisions import Decisions, pick
from laban_mapper.whatif.event_graph import Edge, Node, Unit
from laban_mapper.whatif.habits import Habits, Timeout
from laban_mapper.whatif.layout import Layout, layout_of
from laban_mapper.whatif.scenarios import LIKELY, Scenario


class Played(NamedTuple):
    """What became of a node or a unit.

    Attributes:
        end: when it ended, ns.
        failed: whether it failed.
        aborting: whether its failure ends the visit in which it happened.
        spent: how long its failed attempts took before the last one, ns.
        rescued: whether it failed in the trace because of a call that does not fail now.
        new: whether a call failed for another reason than in the trace: nobody answers, or not in time.
    """

    end: int
    failed: bool = False
    aborting: bool = False
    spent: int = 0
    rescued: bool = False
    new: bool = False


class _Inside(NamedTuple):
    """What became of a node, and of each of its units; None for one that did not begin."""

    played: Played
    units: list[Played | None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request.

    Attributes:
        failed: whether its reply is a failure.
        duration: until the reply, ns; None if nobody is there to reply.
        unfinished: whether something that a message led to failed, or waits for a service that is down; None
            if no message led to anything.
        ends: by the key of each visit, when it ended after the begin of the request, ns.
    """

    failed: bool
    duration: int | None
    unfinished: bool | None = None
    ends: dict[int, int] = field(default_factory=dict[int, int])


class Replay:
    """Replays traces.

    Args:
        habits: what the traces teach.
        changes: what is changed.
        scenario: what to assume where they do not tell.
        assumptions: where to note what was assumed.
    """

    def __init__(
        self,
        habits: Habits,
        changes: Changes | None = None,
        scenario: Scenario = LIKELY,
        assumptions: Assumptions | None = None,
    ) -> None:
        self._habits = habits
        self._changes = changes or Changes()
        self._scenario = scenario
        self._noted = assumptions or Assumptions()
        self._decide = Decisions(habits, self._changes, scenario, self._noted)
        self._later: list[tuple[Node, int]] = []
        self._ends: list[tuple[int, int]] = []

    def outcome(self, root: Node) -> Outcome:
        """Replay the trace that begins with a root."""
        self._later, self._ends = [], []
        if root.role != "call" and root.span.service in self._changes.down:
            return Outcome(failed=True, duration=None)
        reply = self._unit(Unit([root]), 0)
        unfinished: dict[int, bool] = {}
        done = 0
        while done < len(self._later):
            node, start = self._later[done]
            done += 1
            unfinished[node.key] = self._deliver(node, start)
        ends: dict[int, int] = {}
        for key, end in self._ends:
            ends[key] = max(end, ends.get(key, end))
        return Outcome(reply.failed, reply.end, any(unfinished.values()) if unfinished else None, ends)

    def _deliver(self, node: Node, start: int) -> bool:
        """Let a message lead to something; return whether that fails or has to wait."""
        service = node.span.service
        if service in self._changes.down:
            self._noted.waits(service)
            return True
        if service in self._changes.slow:
            self._noted.slower_queue(service)
        played = self._visit(node, start) if node.role == "visit" else self._unit(Unit([node]), start)
        return played.failed

    def _unit(self, unit: Unit, start: int) -> Played:
        node = unit.first
        if node.edge is not None:
            return self._call(unit, node.edge, start)
        if node.role == "visit":
            return self._visit(node, start)
        played = self._inside(node, start, start).played
        self._schedule(node, start)
        return played

    def _schedule(self, node: Node, start: int) -> None:
        for delivered in node.deliveries:
            self._later.append((delivered, start + (delivered.delay or 0)))

    # Services

    def _visit(self, node: Node, start: int) -> Played:
        """Let a service do its work; its additional time comes first."""
        before = len(self._later), len(self._ends)
        extra = self._changes.slow.get(node.span.service, 0)
        played = self._inside(node, start, start + extra).played
        if played.rescued:
            good = self._habits.good(node)
            if good:
                self._noted.rescued(node.span.service, len(good))
                del self._later[before[0] :], self._ends[before[1] :]
                return self._visit(pick(good, node, 0), start + played.spent)
            self._noted.stuck(node.span.service)
        self._schedule(node, start)
        self._ends.append((node.key, played.end))
        return Played(played.end, played.failed or played.rescued)

    def _inside(self, node: Node, start: int, begin: int) -> _Inside:
        """Place the units of a node one after the other.

        Args:
            node: the node.
            start: its new start.
            begin: when its own work begins, if something comes before.
        """
        layout = layout_of(node, self._habits)
        starts: list[int] = []
        results: list[Played | None] = []
        aborted: int | None = None
        for number, unit in enumerate(node.units):
            at = max(begin, starts[-1]) if starts else begin
            lost = False
            for before in layout.after[number]:
                result = results[before]
                lost = lost or result is None or result.aborting
                at = at if result is None else max(at, result.end)
            at += layout.gaps[number]
            starts.append(at)
            if lost or (aborted is not None and at >= aborted):
                results.append(None)
                continue
            played = self._unit(unit, at)
            results.append(played)
            if played.aborting:
                aborted = played.end if aborted is None else min(aborted, played.end)
        if aborted is not None:
            return _Inside(
                Played(max([aborted, *_ends(layout, results)]), failed=True, aborting=True), results
            )
        reached = max([begin, *starts[-1:], *_ends(layout, results)])
        end = max(reached + layout.tail, start)
        cause = None if layout.cause is None else results[layout.cause]
        if cause is not None and not cause.failed:
            return _Inside(Played(end, spent=cause.spent, rescued=True), results)
        return _Inside(Played(end, node.failed), results)

    # Calls

    def _call(self, unit: Unit, edge: Edge, start: int) -> Played:
        """Make a call, again and again if its caller does so."""
        if edge in self._changes.turned:
            return self._turn(unit, edge, start)
        before = len(self._later), len(self._ends)
        at, number = start, 0
        while True:
            node = (
                unit.nodes[number] if number < len(unit.nodes) else self._decide.another(unit, edge, number)
            )
            played = self._attempt(node, edge, at)
            if played.aborting:
                return played
            in_vain = unit.failed and not unit.in_trouble and not played.new
            if not played.failed or in_vain or not self._decide.is_repeated(unit, edge, number):
                break
            at = played.end + self._decide.pause(unit, number)
            number += 1
        if not played.failed:
            return Played(played.end, spent=at - start)
        # Where the call failed in the trace, too, the trace shows what its caller does then.
        if unit.in_trouble or (unit.failed and not played.new):
            return Played(played.end, failed=True)
        if unit.first.guarded:
            self._noted.guarded(edge)
            if self._scenario.breaks:
                del self._later[before[0] :], self._ends[before[1] :]
                played = Played(start, failed=True, new=True)
        return Played(played.end, failed=True, aborting=self._decide.spreads(unit.first, edge), new=True)

    def _attempt(self, node: Node, edge: Edge, at: int) -> Played:
        changed = self._changes.timeouts.get(edge)
        known = Timeout(changed, recorded=True) if changed is not None else self._habits.timeout(node)
        if self._decide.is_down(node):
            return Played(at + self._decide.refusal(node, edge, known), failed=True, new=True)
        extra = self._changes.slow_edges.get(edge, 0)
        if node.role == "visit":
            natural = self._visit(node, at + extra)
        else:
            if node.callee is None:
                extra += max((self._changes.slow.get(name, 0) for name in node.outside), default=0)
            natural = self._answered(node, at, extra)
        limit = self._decide.limit(node, edge, natural.end - at, changed, known)
        if limit is not None and natural.end - at > limit:
            return Played(at + limit, failed=True, new=not node.gave_up)
        if node.gave_up and node.unanswered:  # nobody knows how long it would have taken
            return Played(at + (node.duration if changed is None else changed), failed=True)
        return natural

    def _answered(self, node: Node, at: int, extra: int) -> Played:
        """A call, until its answer comes, however long that takes."""
        inside = self._inside(node, at, at + extra)
        found = [
            one for one, unit in zip(inside.units, node.units, strict=True) if unit.first is node.answering
        ]
        answer = found[0] if found else None
        if inside.played.aborting or answer is None or node.unanswered:
            return inside.played
        if node.gave_up:
            return answer
        was_failed = node.answering is not None and node.answering.failed
        if (
            answer.failed == was_failed != node.failed
        ):  # a refusal is no failure of who refuses, and a failure may be expected
            return Played(inside.played.end, node.failed)
        return Played(inside.played.end, answer.failed, new=answer.failed and not was_failed)

    def _turn(self, unit: Unit, edge: Edge, start: int) -> Played:
        """Publish a message instead of a call; what the callee does comes later."""
        publication, wait = self._habits.publication(edge[0]), self._habits.wait()
        self._noted.turned(edge, publication, wait)
        end = start + (PUBLICATIONS[self._scenario.publication + 1] if publication is None else publication)
        node = unit.nodes[-1]
        target = node if node.role == "visit" else node.answering
        if target is not None:
            self._later.append((target, end + (wait or 0)))
        return Played(end)


def _ends(layout: Layout, results: list[Played | None]) -> list[int]:
    """The new ends of the units that a node waits for."""
    return [one.end for at in layout.waited if (one := results[at]) is not None]
