"""The secrets that this process has used: no log line, error or answer contains one.

The parts of laban never format a secret. What others say may contain one: a broker that quotes the password
that it refuses, a proxy that returns the header of a request, a library that logs its options.
"""

import threading
from typing import Final
from urllib.parse import quote

_SHORTEST: Final = 4
"""Characters. Shorter ones occur by chance, and hiding them would make texts unreadable."""
_MOST: Final = 256
"""Remembered values; a token that is renewed each minute makes many."""
_HIDDEN: Final = "[hidden]"

_known: dict[str, None] = {}
_one_at_a_time = threading.Lock()


def remember(secret: str) -> str:
    """Remember a secret, to hide it in texts from now on; returns it."""
    if len(secret) >= _SHORTEST:
        with _one_at_a_time:
            for form in (secret, quote(secret, safe="")):
                _known.pop(form, None)
                _known[form] = None
            while len(_known) > _MOST:
                del _known[next(iter(_known))]
    return secret


def without_secrets(text: str) -> str:
    """Return a text in which the secrets that are known are hidden."""
    with _one_at_a_time:
        known = sorted(_known, key=len, reverse=True)  # one may contain another
    for secret in known:
        if secret in text:
            text = text.replace(secret, _HIDDEN)
    return text
