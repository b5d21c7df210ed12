"""The parameters of Jaeger's query API: IDs, times, durations, tags."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

from laban_collector.store.searches import Tag
from laban_mapper.printable import printable
from laban_mapper.spans import NS_PER_MS, NS_PER_S
from laban_mapper.times import nanoseconds, storable

MOST_TAGS: Final = 32
KINDS: Final = ("", "internal", "server", "client", "producer", "consumer")
"""The names of the kinds of spans, in the order of OTLP's SpanKind."""
_NS_PER_US: Final = 1000
_HEX: Final = re.compile(r"[0-9a-fA-F]{1,32}")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{11,24}={0,2}")
_PART: Final = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_UNITS: Final = {
    "ns": 1,
    "us": _NS_PER_US,
    "µs": _NS_PER_US,
    "μs": _NS_PER_US,
    "ms": NS_PER_MS,
    "s": NS_PER_S,
    "m": 60 * NS_PER_S,
    "h": 3600 * NS_PER_S,
}
_RFC_3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+ -]\d\d:\d\d)", re.ASCII
)
_SHOWN: Final = 100

T = TypeVar("T")


class BadParameter(Exception):
    """A parameter of a request cannot be understood; the text names it."""


class NoTraces(Exception):
    """A search found nothing, where Jaeger answers that with an error."""


@dataclass(frozen=True, slots=True)
class Question:
    """A search for traces.

    Attributes:
        service: of a span; None: any.
        operation: the name of a span; None: any.
        tags: all of them.
        shortest: the least duration of a span, ns.
        longest: its greatest duration, ns; None: any.
        since: when the span starts at the earliest, ns; None: not given.
        until: likewise, at the latest.
        limit: maximum number of traces.
    """

    service: str | None
    operation: str | None
    tags: tuple[Tag, ...]
    shortest: int
    longest: int | None
    since: int | None
    until: int | None
    limit: int


class Parameters:
    """The parameters of one request, by name.

    Args:
        given: the values of each name, in the order sent.
        path: those that are part of the path.
    """

    def __init__(self, given: Mapping[str, Sequence[str]], path: Mapping[str, str]) -> None:
        self._given = given
        self._path = path

    def path(self, name: str) -> str:
        """Return a part of the path."""
        return self._path[name]

    def all(self, name: str) -> Sequence[str]:
        """Return all values of a name."""
        return [value for value in self._given.get(name, ()) if value]

    def text(self, *names: str) -> str | None:
        """Return the first value of the first of these names that has one."""
        return next((value for name in names for value in self._given.get(name, ()) if value), None)

    def read(self, parse: Callable[[str], T], *names: str) -> T | None:
        """Return the parsed value of the first of these names that has one.

        Raises:
            BadParameter: it cannot be parsed.
        """
        for name in names:
            text = self.text(name)
            if text is not None:
                try:
                    return parse(text)
                except ValueError as error:
                    shown = printable(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
                    reason = printable(str(error))
                    raise BadParameter(f"unable to parse param '{name}': {reason}, not '{shown}'") from error
        return None


def trace_id(text: str) -> str:
    """Return a trace ID as 32 lower-case hex digits.

    Accepts what Jaeger accepts: 1 to 32 hex digits in upper or lower case, with zeros cut from the left, and
    base64 of 16 or 8 bytes.

    Raises:
        BadParameter: it is none of these, or zero.
    """
    digits = text.lower() if _HEX.fullmatch(text) else _from_base64(text)
    if digits is None or not digits.strip("0"):
        shown = printable(text[:_SHOWN])
        raise BadParameter(f"unable to parse param 'traceID': it has 1 to 32 hex digits, not '{shown}'")
    return digits.zfill(32)


def microseconds(text: str) -> int:
    """Return microseconds since the epoch as ns."""
    return storable(_whole(text) * _NS_PER_US)


def milliseconds(text: str) -> int:
    """Return milliseconds, a time or a length, as ns."""
    return storable(_whole(text) * NS_PER_MS)


def rfc_3339(text: str) -> int:
    """Return a time such as `2026-11-29T00:00:00.123456789Z` as ns since the epoch.

    A `+` that was not percent-encoded has become a space.
    """
    match = _RFC_3339.fullmatch(text)
    if match is None:
        raise ValueError("it is a time like 2026-11-29T00:00:00Z")
    seconds, fraction, zone = match.groups()
    time = datetime.fromisoformat(seconds.upper() + zone.upper().replace(" ", "+"))
    return storable(nanoseconds(time.astimezone(UTC)) + int((fraction or "").ljust(9, "0")))


def duration(text: str) -> int:
    """Return a duration in Go's form, such as `1.5s`, `100ms` or `1h2m`, in ns."""
    parts = list(_PART.finditer(text))
    if text == "0":
        return 0
    if "".join(part[0] for part in parts) != text or not parts:
        raise ValueError("it is a duration like 1.5s, 100ms or 2h")
    return storable(round(sum(float(part[1]) * _UNITS[part[2]] for part in parts)))


def count(text: str) -> int:
    """Return a number of at least 1."""
    number = _whole(text)
    if number < 1:
        raise ValueError("it is a number of at least 1")
    return number


def kind_number(text: str) -> int:
    """Return the number of a kind of span."""
    if text.lower() not in KINDS[1:]:
        raise ValueError("it is internal, server, client, producer or consumer")
    return KINDS.index(text.lower())


def is_true(text: str) -> bool:
    """Return a truth value in one of Go's forms."""
    if text not in ("1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"):
        raise ValueError("it is true or false")
    return text in ("1", "t", "T", "TRUE", "true", "True")


def tags(text: str) -> tuple[Tag, ...]:
    """Return the tags of a JSON object such as `{"http.status_code":"500"}`; values are usually texts."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict) or any(isinstance(value, dict | list | None) for value in given.values()):
        raise ValueError("it is a JSON object of tags and values")
    if len(given) > MOST_TAGS:
        raise ValueError(f"it has at most {MOST_TAGS} tags")
    return tuple(Tag(key, value) for key, value in given.items())


def tag(text: str) -> Tag:
    """Return a tag in the form `key:value`."""
    key, colon, value = text.partition(":")
    if not colon:
        raise ValueError("it is key:value")
    return Tag(key, value)


def _whole(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,19}", text):
        raise ValueError("it is a whole number")
    return int(text)


def _from_base64(text: str) -> str | None:
    if not _BASE64.fullmatch(text):
        return None
    try:
        read = base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_")
    except binascii.Error:
        return None
    return read.hex() if len(read) in (8, 16) else None
