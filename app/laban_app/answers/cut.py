"""Which traces a story tells of if a value is in very many."""

from collections.abc import Sequence
from typing import Final

from laban_app.answers.closure import STORY
from laban_collector.store.rows import TraceRef

MAX_FOUND: Final = 2_000
"""The most traces with a value that are looked for: the newest."""
_FIRST: Final = 20
_NEWEST: Final = 80
"""The traces of a value in more: reading twice as many takes longer than 200 ms in a store of 10 M spans."""


def first_and_newest(found: Sequence[TraceRef]) -> Sequence[TraceRef]:
    """Return the traces, newest first; of more than a story may have, the first ones and the newest ones.

    The first ones are those in which an order is placed; later ones often only ask how it is.
    """
    if len(found) <= STORY.traces:
        return found
    return [*found[:_NEWEST], *found[-_FIRST:]]
