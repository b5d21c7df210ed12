"""Console output with JSON in it: complete JSON documents, found among other lines.

A program that prints its spans prints other lines, too. Python's ConsoleSpanExporter prints an object of many
lines per span: it begins with the line `{` and ends with the line `}`, which indented JSON has nowhere else.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

OPENING: Final = b"{"
CLOSING: Final = b"}"
_BEGINNINGS: Final = (b"{", b"[")
_CONSOLE_SPAN: Final = re.compile(
    rb'^\{\r?\n[ \t]+"name": .*\n[ \t]+"context": (?:null|\{\r?\n[ \t]+"trace_id": )', re.MULTILINE
)
_BINARY: Final = re.compile(rb"[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f]")
"""Control characters that text does not contain; ESC begins a colour. Any protobuf message has some."""


def is_console_output(head: bytes) -> bool:
    """Whether the beginning of a file is text that contains JSON in the form of the console exporter."""
    return _CONSOLE_SPAN.search(head) is not None


def is_text(head: bytes) -> bool:
    """Whether the beginning of a file is text in an encoding that extends ASCII."""
    return _BINARY.search(head) is None


class DocumentFinder:
    """Finds the documents in lines; the lines of one document are joined.

    Args:
        limit: bytes of a document. A longer one was cut off before its end, and is given up.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: list[bytes] = []
        self._size = 0
        self._other = 0

    def may_find(self, lines: list[bytes]) -> bool:
        """Whether a document of several lines is open, or may begin in these lines."""
        return bool(self._open) or OPENING in lines or OPENING + b"\r" in lines

    def find(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the documents that end in these lines; a damaged one is yielded as it is."""
        for sent in lines:
            line = sent.rstrip(b"\r")
            if line.startswith(_BEGINNINGS):  # nothing inside of an indented object does
                yield from self.end()
                if line == OPENING:
                    self._open = [line]
                else:
                    yield line
            elif self._open:
                self._open.append(line)
                self._size += len(line)
                if line == CLOSING or self._size > self._limit:
                    yield from self.end()
            elif line and not line.isspace():
                self._other += 1

    def end(self) -> Iterator[bytes]:
        """Yield the open document, if there is one."""
        if self._open:
            yield b"\n".join(self._open)
        self._open, self._size = [], 0

    def take_other(self) -> int:
        """Return the number of lines outside of documents since the last call."""
        other, self._other = self._other, 0
        return other
