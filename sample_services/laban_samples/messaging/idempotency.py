"""What makes a consumer handle each event once, though Kafka may deliver it again."""

from collections import OrderedDict
from typing import Final

REMEMBERED: Final = 10_000


class SeenEvents:
    """The ids of the newest events that were handled.

    Kept in memory, to keep the sample small: a restart forgets them. A real shop keeps them in the database,
    in the transaction of the handler's own change.

    Args:
        limit: so many are remembered, the oldest are forgotten first.
    """

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._limit = limit
        self._ids: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, event_id: str) -> bool:
        return event_id in self._ids

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, event_id: str) -> None:
        """Remember an event that was handled to the end."""
        self._ids[event_id] = None
        self._ids.move_to_end(event_id)
        while len(self._ids) > self._limit:
            self._ids.popitem(last=False)
