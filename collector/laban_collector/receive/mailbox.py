"""From other threads into an event loop: what is put in while the loop is busy is delivered in one go."""

import asyncio
from collections import deque
from collections.abc import Callable

Call = Callable[[], object]


class Mailbox:
    """Calls that threads want made in a loop, in their order.

    To wake a loop costs more than most calls, and a commit answers many requests.

    Args:
        loop: where they are made. What comes when it is closed is for nobody.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._calls: deque[Call] = deque()
        self._woken = False

    def put(self, call: Call) -> None:
        """Have a call made; may be used in any thread."""
        self._calls.append(call)
        if not self._woken:
            self._wake()

    def _wake(self) -> None:
        if not self.loop.is_closed():
            self._woken = True
            self.loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        # Before the first call: what is put in from now on wakes the loop again, so that nothing is left.
        self._woken = False
        try:
            while self._calls:
                self._calls.popleft()()
        finally:
            if self._calls:  # a call failed, which the loop logs; the others are made none the less
                self._wake()
