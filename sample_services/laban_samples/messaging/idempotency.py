"""Idempotency: a consumer handles each event once, although Kafka can deliver it again."""

from collections import OrderedDict
from typing import Final

MAX_SEEN: Final = 10_000


class SeenEvents:
    """The IDs of the most recently handled events.

    The sample keeps them in memory, so a restart loses them. A real shop stores them in its database, in the
    same transaction as the handler's changes.

    Args:
        limit: the maximum number of IDs; the oldest are removed first.
    """

    def __init__(self, limit: int = MAX_SEEN) -> None:
        self._limit = limit
        self._ids: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, event_id: str) -> bool:
        return event_id in self._ids

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, event_id: str) -> None:
        """Add an event that was handled completely."""
        self._ids[event_id] = None
        self._ids.move_to_end(event_id)
        while len(self._ids) > self._limit:
            self._ids.popitem(last=False)
