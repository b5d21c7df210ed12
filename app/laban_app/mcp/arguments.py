"""The arguments that tools share."""

import re
from typing import Annotated, Final

from pydantic import Field

from laban_app.mcp.asking import InvalidArgument

_LONGEST: Final = 1_000

Value = Annotated[
    str,
    Field(
        min_length=1,
        max_length=_LONGEST,
        description="The value, such as an order ID. With key=trace: a trace ID of 32 hex digits.",
    ),
]
Key = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        description="The business key or its first part: order, customer.id … `trace` for a trace ID.",
    ),
]
Since = Annotated[
    str | None,
    Field(
        max_length=64,
        description="Start: 15m, 2h, 7d (ago) or ISO 8601, UTC. Default: an hour before the end.",
    ),
]
SinceEver = Annotated[
    str | None,
    Field(max_length=64, description="Start: 15m, 2h, 7d (ago) or ISO 8601, UTC. Default: any time."),
]
Until = Annotated[
    str | None,
    Field(max_length=64, description="End, likewise. Default: now, or the newest span of an old recording."),
]
Cursor = Annotated[
    str | None,
    Field(
        max_length=64,
        description="For the next page: the cursor of the page before, with the same other arguments.",
    ),
]

_CURSOR: Final = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,12}))?")


def start_of(cursor: str | None) -> int:
    """The index at which a page begins; raises InvalidArgument."""
    return parse_cursor(cursor)[0]


def parse_cursor(cursor: str | None) -> tuple[int, int | None]:
    """The index at which a page begins, and what the list was at the first page.

    Raises:
        InvalidArgument: the text is no cursor.
    """
    if cursor is None:
        return 0, None
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise InvalidArgument("`cursor` is not from an earlier answer. Leave it out for the first page.")
    return int(found[1]), None if found[2] is None else int(found[2])
