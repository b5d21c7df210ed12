"""Secrets among attributes: found by their keys, or by how their values look.

Numbers and booleans stay whatever their key is: `llm.token_count` is a number, and no secret.
"""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Final

from laban_collector.decode.attributes import Value
from laban_collector.protect.cards import CARD, without_cards

REDACTED: Final = "[redacted]"
"""What stands where a secret stood."""

_SECRETS: Final = frozenset(
    {"authorization", "cookie", "cookies", "passphrase", "pwd", "secrets", "credentials"}
)
_ENDINGS: Final = ("password", "passwd", "secret", "token", "apikey", "credential")
_PAIRS: Final = frozenset({("api", "key"), ("access", "key"), ("private", "key")})
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

_PARAMETER: Final = re.compile(r"(?<![^?&;])([\w.\-]+)=([^&#;\s]+)")
_SCHEME: Final = re.compile(r"\b(bearer|basic)\s+[\w.~+/\-]{16,}=*", re.IGNORECASE)
_USER: Final = re.compile(r"://[^/\s@]*:[^/\s@]*@")
_SUSPECT_KEYS: Final = (
    r"authorization|cookie|passphrase|pwd|passw|secret|credential|token|(?:api|access|private)[^\"]?key"
)
_SUSPECT_TEXTS: Final = rf"bearer[\s\\]|basic[\s\\]|://[^/\s@\"]*:[^/\s@\"]*@|{CARD}"


class Redactor:
    """Finds and replaces secrets.

    Args:
        keys: patterns of further keys whose values are never stored: `customer.email`, `*.iban`.
        kept: patterns of keys that are no secret although they look so.
    """

    def __init__(self, keys: Sequence[str] = (), kept: Sequence[str] = ()) -> None:
        self._keys = tuple(keys)
        self._kept = tuple(kept)
        self.is_secret = lru_cache(4096)(self._is_secret)

    @cached_property
    def suspect(self) -> str:
        """A pattern (RE2, any case) that is in every text, and every JSON object, that holds a secret."""
        further = [re.escape(max(re.split(r"[*?\[\]]", key), key=len)) for key in self._keys]
        return "|".join([_SUSPECT_KEYS, _SUSPECT_TEXTS, *further])

    def redact(self, key: str, value: Value) -> Value:
        """The value of an attribute as it may be stored."""
        if self.is_secret(key) and isinstance(value, (str, list, dict)):
            return REDACTED
        return self.any_value(value)

    def any_value(self, value: Value) -> Value:
        """A value without the secrets that can be told by their looks, and by the keys of maps in it."""
        match value:
            case str():
                return self.text(value)
            case list():
                return [self.any_value(item) for item in value]
            case dict():
                return {key: self.redact(key, item) for key, item in value.items()}
            case _:
                return value

    def text(self, text: str) -> str:
        """A text without card numbers, bearer tokens, secret parameters and passwords of URLs."""
        if "=" in text:
            text = _PARAMETER.sub(self._parameter, text)
        if "://" in text:
            text = _USER.sub(f"://{REDACTED}@", text)
        text = _SCHEME.sub(rf"\1 {REDACTED}", text)
        return without_cards(text, REDACTED)

    def _parameter(self, found: re.Match[str]) -> str:
        name = found[1]
        return f"{name}={REDACTED}" if self.is_secret(name) else found[0]

    def _is_secret(self, key: str) -> bool:
        """Whether the value of an attribute with this key is a secret."""
        if any(fnmatchcase(key, pattern) for pattern in self._kept):
            return False
        if any(fnmatchcase(key, pattern) for pattern in self._keys):
            return True
        words = [word.lower() for word in _WORD.findall(key)]
        return any(word in _SECRETS or word.endswith(_ENDINGS) for word in words) or not _PAIRS.isdisjoint(
            pairwise(words)
        )
