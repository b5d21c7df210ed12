"""How far the clocks of services differ, as far as causes tell: an effect cannot come before its cause.

A call that a server answered happened while the client waited, so a server span that lies outside its
client span shows that the clocks differ, and by about how much. A message is consumed after it is published;
how long after is not known, so a consumer span that lies before its publisher gives only a lower bound. Like
Jaeger's adjuster, this moves a service's part of a tree as a whole; unlike it, it first tries what is known
about the clock of the service, and then no correction at all.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from laban_collector.store.rows import Span
from laban_mapper.spans import CLIENT, NS_PER_MS, SERVER, failed, is_receiving, timed_out

_RESOLUTION: Final = NS_PER_MS
"""Some libraries read a clock that counts whole milliseconds."""
_LATE: Final = 10 * NS_PER_MS
"""A busy server may end its span this long after the client has the answer, or a tenth of a longer call."""


class Tree(Protocol):
    """The causes and effects among some spans."""

    def cause(self, span: Span) -> Span | None:
        """The cause of a span."""
        ...

    def effects(self, span: Span) -> Sequence[Span]:
        """The effects of a span, by start."""
        ...

    def is_delivery(self, span: Span) -> bool:
        """Whether a message led to the span."""
        ...


class Clocks:
    """The corrections of the spans' clocks; the clock of the first root is right by definition.

    Attributes:
        behind: by service, how far its clock is behind the first root's in ns; negative if it is ahead.
        at_least: the services for which that is only a lower bound.
        reference: the service of the first root.
    """

    def __init__(self, roots: Sequence[Span], tree: Tree) -> None:
        self._tree = tree
        self._offsets: dict[int, int] = {}
        self._guesses: set[int] = set()
        self._known: dict[str, int] = {}
        self._right: set[str] = set()
        self._several: set[str] = set()
        self.behind: dict[str, int] = {}
        self.reference = roots[0].service if roots else ""
        self._correct(roots)
        if self._offsets:
            # The second time, what calls tell about a clock also counts for messages and roots, unless hosts
            # of one service have different clocks.
            self._several = self._right & self._known.keys()
            for found in (self._offsets, self._guesses, self.behind):
                found.clear()
            self._correct(roots)
        self.at_least = self.behind.keys() - self._known.keys()

    def offset(self, span: Span) -> int:
        """What to add to the times of a span, in ns."""
        return self._offsets.get(id(span), 0) if self._offsets else 0

    def is_guess(self, span: Span) -> bool:
        """Whether a span was moved only because its service consumed a message before it was published."""
        return id(span) in self._guesses

    def _correct(self, roots: Iterable[Span]) -> None:
        """Walk down from each root; messages last, because only calls tell the difference of two clocks."""
        heads = deque(roots)
        while heads:
            head = heads.popleft()
            self._correct_head(head)
            stack = [head]
            while stack:
                cause = stack.pop()
                for effect in self._tree.effects(cause):
                    if self._tree.is_delivery(effect):
                        heads.append(effect)
                    else:
                        self._correct_call(effect, cause)
                        stack.append(effect)

    def _correct_head(self, head: Span) -> None:
        """Move a root or a delivery, which starts another part of a tree."""
        cause = self._tree.cause(head)
        certain = head.service != self.reference and head.service not in self._several
        known = self._known.get(head.service, 0) if certain else 0
        if cause is None:
            self._move(head, known)
            return
        # A consumer can begin to poll long before the message is published.
        earliest = cause.start + self.offset(cause) - (head.end if is_receiving(head) else head.start)
        fitting = [offset for offset in (known, 0, self.offset(cause)) if offset >= earliest]
        if not fitting:
            self._guesses.add(id(head))
        self._move(head, fitting[0] if fitting else earliest)

    def _move(self, span: Span, offset: int) -> None:
        if offset:
            self._offsets[id(span)] = offset
            if abs(offset) >= abs(self.behind.get(span.service, _RESOLUTION)):
                self.behind[span.service] = offset

    def _correct_call(self, effect: Span, cause: Span) -> None:
        """Move a span that was called, directly or by the code of the same service."""
        above = self.offset(cause)
        if effect.service == cause.service and not (effect.kind == SERVER and cause.kind == CLIENT):
            self._move(effect, above)
            if self.is_guess(cause):
                self._guesses.add(id(effect))
            return
        earliest = cause.start + above - effect.start - _RESOLUTION
        latest = _latest_offset(effect, cause, above)
        for candidate in (self._known.get(effect.service, 0), 0, above):
            if earliest <= candidate and (latest is None or candidate <= latest):
                if candidate and not self.is_guess(cause):
                    self._known.setdefault(effect.service, candidate)
                elif not candidate and latest is not None:
                    self._right.add(effect.service)
                self._move(effect, candidate)
                return
        centred = cause.start + above + max(0, cause.duration - effect.duration) // 2 - effect.start
        if self.is_guess(cause):
            # The caller's clock is not known, so nothing is known about the callee's.
            self._offsets[id(effect)] = centred
            self._guesses.add(id(effect))
        else:
            self._known.setdefault(effect.service, centred)
            self._move(effect, centred)


def _latest_offset(effect: Span, cause: Span, above: int) -> int | None:
    """The latest offset at which a call ended before its caller; None if the caller may not have waited.

    A caller that is shorter than its callee did not wait; nor did a caller without a duration (an unfinished
    span, a redirect).
    """
    gave_up = failed(cause) and (timed_out(cause) or not failed(effect))
    if cause.kind != CLIENT or gave_up or effect.duration > cause.duration or cause.duration == 0:
        return None
    return cause.end + above - effect.end + max(_LATE, cause.duration // 10)
