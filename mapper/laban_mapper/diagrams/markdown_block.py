"""A Mermaid block between two markers of a Markdown document; the rest stays byte for byte."""

import re
from typing import Final, NamedTuple

from laban_mapper.errors import BadMarkers

BEGIN: Final = "<!-- laban diagram -->"
END: Final = "<!-- laban diagram end -->"
_LINE: Final = re.compile(rb"[^\n]*\n|[^\n]+")


class Place(NamedTuple):
    """Where the block of a document is, in bytes: between the lines of the markers.

    Attributes:
        start: its first byte.
        end: the first byte after it.
        newline: how the lines of the document end.
    """

    start: int
    end: int
    newline: bytes


def with_block(document: bytes, mermaid: str, name: str) -> bytes:
    """The document with this diagram between its markers.

    Args:
        document: UTF-8, or anything that contains the markers as ASCII.
        mermaid: the diagram.
        name: of the document, for an error.

    Raises:
        BadMarkers: a marker is missing, occurs twice, or they are in the wrong order.
    """
    place = find_block(document, name)
    lines = ["```mermaid", *mermaid.rstrip("\n").split("\n"), "```", ""]
    block = place.newline.join(line.encode() for line in lines)
    return document[: place.start] + block + document[place.end :]


def find_block(document: bytes, name: str) -> Place:
    """Where the block of a document is; raises BadMarkers."""
    begins: list[tuple[int, re.Match[bytes]]] = []
    ends: list[tuple[int, re.Match[bytes]]] = []
    for number, line in enumerate(_LINE.finditer(document), 1):
        text = line[0].strip()
        if text == BEGIN.encode():
            begins.append((number, line))
        elif text == END.encode():
            ends.append((number, line))
    for marker, found in ((BEGIN, begins), (END, ends)):
        if not found:
            raise BadMarkers(
                f"{name} has no line {marker}. The diagram belongs between two lines, {BEGIN} and {END}: "
                "add them where it should stand."
            )
        if len(found) > 1:
            numbers = " and ".join(str(number) for number, _ in found[:3])
            raise BadMarkers(f"{name} has the line {marker} more than once: lines {numbers}. Keep one.")
    [(first, begin)], [(last, end)] = begins, ends
    if last < first:
        raise BadMarkers(f"{name} has {END} (line {last}) before {BEGIN} (line {first}). Exchange them.")
    newline = b"\r\n" if begin[0].endswith(b"\r\n") else b"\n"
    return Place(begin.end(), end.start(), newline)
