"""Text of spans made safe to show: it comes from strangers, and may contain commands for a terminal."""

import re
from typing import Final

_BREAKS: Final = re.compile("[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
"""Everything that may begin a new line or a column."""
UNSAFE: Final = (
    "\x00-\x1f\x7f-\x9f"  # control characters
    "\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # direction, zero width
    "\u115f\u1160\u3164\uffa0"  # letters without a shape
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # marks of notations, tags
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"  # halves of characters, and none at all
)
"""A class of a pattern: the characters that are invisible, reverse text, or command a terminal."""
_UNSAFE: Final = re.compile(f"[{UNSAFE}]")
_LOOKS_PRINTABLE: Final = re.compile("[\u115f\u1160\u3164\uffa0\U000e0100-\U000e01ef]")
"""What Python takes for printable, although nobody sees it."""


def printable(text: str) -> str:
    """Return the text in one line: line breaks become spaces, what cannot be seen its escape."""
    if text.isprintable() and not _LOOKS_PRINTABLE.search(text):
        return text
    return _UNSAFE.sub(escaped, _BREAKS.sub(" ", text))


def escaped(found: re.Match[str]) -> str:
    """Return the escape of one character, as in Python: `\\x1b`, `\\u202e`, `\\U000e0041`."""
    code = ord(found[0])
    if code < 256:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"
