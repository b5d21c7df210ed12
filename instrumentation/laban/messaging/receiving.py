"""Messages that are awaited, one at a time, by the task that handles them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from laban.messaging.message_delivery import MessageHanding


def taken(
    wrapped: Callable[..., Awaitable[Any]],
    handing: MessageHanding | None,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Awaitable[Any]:
    """The next message, inside its process span; as the client gives it where nothing is handed out."""
    if handing is None:
        return wrapped(*args, **kwargs)
    handing.end()
    return _take(partial(wrapped, *args, **kwargs), handing, asyncio.current_task())


async def _take(take: Callable[[], Awaitable[Any]], handing: MessageHanding, caller: object) -> Any:
    message = await take()
    # Who calls is who handles; who awaits may be a task that `wait_for` has put in between.
    handing.start(message, owner=caller, current=asyncio.current_task() is caller)
    return message
