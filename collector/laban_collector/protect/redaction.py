"""Redaction of secrets, found by attribute keys or by the patterns of values, such as payment card numbers.

Numbers and booleans are never secrets, whatever their key: `llm.token_count` is a number.
Source for cards: ISO/IEC 7812-1 (Luhn's check digit) and the number ranges that the card schemes publish. A
card number
must match both: one number in ten passes the check alone, and order numbers must survive.
"""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Final

from laban_collector.batch.attributes import Value

REDACTED: Final = "[redacted]"
"""The replacement for a secret."""

_SECRETS: Final = frozenset(
    {"authorization", "cookie", "cookies", "passphrase", "pwd", "secrets", "credentials"}
)
_ENDINGS: Final = ("password", "passwd", "secret", "token", "apikey", "credential")
_PAIRS: Final = frozenset({("api", "key"), ("access", "key"), ("private", "key")})
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

_PARAMETER: Final = re.compile(r"(?<![^?&;])([\w.\-]+)=([^&#;\s]+)")
_SCHEME: Final = re.compile(r"\b(bearer|basic)\s+[\w.~+/\-]{16,}=*", re.IGNORECASE)
_USER: Final = re.compile(r"://[^/\s@]*:[^/\s@]*@")
_SUSPECT_CARD: Final = (
    r"(?:^|[^0-9A-Za-z.]|\\[bfnrt]|\\u[0-9a-f]{4})(?:[3-6]|2[2-7])(?:[ -]?[0-9]){11,18}(?:$|[^0-9A-Za-z])"
)
"""A pattern (RE2, ignoring case) of a possible card number in a text, or in JSON after an escape."""
_CARD: Final = re.compile(r"(?<![0-9A-Za-z.])[2-6](?:[ -]?[0-9]){12,18}(?![0-9A-Za-z])")
_CARD_SCHEMES: Final = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    r"|5[1-5][0-9]{14}|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}"  # Mastercard
    r"|3[47][0-9]{13}"  # American Express
    r"|6(?:011|4[4-9][0-9]|5[0-9]{2})[0-9]{12}"  # Discover
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12}"  # JCB
    r"|3(?:0[0-5]|[68][0-9])[0-9]{11}"  # Diners Club
)
_SUSPECT_KEYS: Final = (
    r"authorization|cookie|passphrase|pwd|passw|secret|credential|token|(?:api|access|private)[^\"]?key"
)
_SUSPECT_TEXTS: Final = rf"bearer[\s\\]|basic[\s\\]|://[^/\s@\"]*:[^/\s@\"]*@|{_SUSPECT_CARD}"


class Redactor:
    """Finds and replaces secrets.

    Args:
        keys: patterns of additional secret keys, such as `customer.email` or `*.iban`.
        kept: patterns of keys that are not secret although they match the rules.
    """

    def __init__(self, keys: Sequence[str] = (), kept: Sequence[str] = ()) -> None:
        self._keys = tuple(keys)
        self._kept = tuple(kept)
        self.is_secret = lru_cache(4096)(self._is_secret)

    @cached_property
    def suspect_pattern(self) -> str:
        """A pattern (RE2, ignoring case) that matches every text and every JSON object with a secret."""
        further = [re.escape(max(re.split(r"[*?\[\]]", key), key=len)) for key in self._keys]
        return "|".join([_SUSPECT_KEYS, _SUSPECT_TEXTS, *further])

    def redact(self, key: str, value: Value) -> Value:
        """Return the value of an attribute without secrets."""
        if self.is_secret(key) and isinstance(value, (str, list, dict)):
            return REDACTED
        return self._redact_value(value)

    def _redact_value(self, value: Value) -> Value:
        """Return a value without secrets that match a pattern or have a secret key in a nested map."""
        match value:
            case str():
                return self.redact_text(value)
            case list():
                return [self._redact_value(item) for item in value]
            case dict():
                return {key: self.redact(key, item) for key, item in value.items()}
            case _:
                return value

    def redact_text(self, text: str) -> str:
        """Return a text without card numbers, bearer tokens, secret parameters and passwords in URLs."""
        if "=" in text:
            text = _PARAMETER.sub(self._parameter, text)
        if "://" in text:
            text = _USER.sub(f"://{REDACTED}@", text)
        text = _SCHEME.sub(rf"\1 {REDACTED}", text)
        return _CARD.sub(lambda found: REDACTED if _is_card(found[0]) else found[0], text)

    def _parameter(self, found: re.Match[str]) -> str:
        name = found[1]
        return f"{name}={REDACTED}" if self.is_secret(name) else found[0]

    def _is_secret(self, key: str) -> bool:
        """Whether values with this key are secret."""
        if any(fnmatchcase(key, pattern) for pattern in self._kept):
            return False
        if any(fnmatchcase(key, pattern) for pattern in self._keys):
            return True
        words = [word.lower() for word in _WORD.findall(key)]
        return any(word in _SECRETS or word.endswith(_ENDINGS) for word in words) or not _PAIRS.isdisjoint(
            pairwise(words)
        )


def _is_card(text: str) -> bool:
    digits = re.sub(r"[ -]", "", text)
    return _CARD_SCHEMES.fullmatch(digits) is not None and _luhn(digits) % 10 == 0


def _luhn(digits: str) -> int:
    """Return the sum of the digits; every second digit from the right is doubled, minus 9 if it exceeds 9."""
    return sum(
        digit if position % 2 == 0 else digit * 2 - (9 if digit > 4 else 0)
        for position, digit in enumerate(map(int, reversed(digits)))
    )
