"""Text of spans made safe to show: it comes from strangers, and may contain commands for a terminal."""

import re
from typing import Final

_BREAKS: Final = re.compile("[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
"""Everything that may begin a new line or a column."""
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, the marks that reverse the direction of other text, and halves of characters."""


def printable(text: str) -> str:
    """Return the text in one line: line breaks become spaces, other control characters their escapes."""
    if text.isprintable():
        return text
    return _UNSAFE.sub(escaped, _BREAKS.sub(" ", text))


def escaped(found: re.Match[str]) -> str:
    """Return the escape of one character, as in Python: `\\x1b`, `\\u202e`."""
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
