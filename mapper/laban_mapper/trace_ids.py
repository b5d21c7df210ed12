"""Reads trace IDs in the forms in which people have them."""

import re
from typing import Final

from laban_mapper.errors import InvalidTraceId

_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
"""Source: W3C Trace Context, section 3.2."""
_ID: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{16}")
_SHOWN: Final = 60


def parse_trace_id(text: str) -> str:
    """Return a trace ID as 32 lower-case hex digits; an ID of 64 bits begins with zeros.

    Accepts 32 or 16 hex digits in upper or lower case, with dashes as in a UUID, with `0x`, and a whole
    `traceparent` header.

    Raises:
        InvalidTraceId: it is none of these, or zero, which no trace has.
    """
    given = text.strip().lower()
    header = _TRACEPARENT.fullmatch(given)
    digits = header[1] if header else given.removeprefix("0x").replace("-", "")
    if not _ID.fullmatch(digits):
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        raise InvalidTraceId(f"'{shown}' is not a trace ID: 32 hex digits, or 16 for an ID of 64 bits.")
    if not digits.strip("0"):
        raise InvalidTraceId("A trace ID is not zero.")
    return digits.zfill(32)
