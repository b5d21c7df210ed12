"""The words of a key tell whether its values are secret, and whether its numbers are IDs or payment cards.

A key is read as people read it: `db.userPassword`, `USER_PASSWORD`, `user[passwords][0]` and `userpassword`
have the same words. The last word says what the value is: a `token_count` is a count, an `auth_type` a type.
"""

import re
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import pairwise
from typing import Final

from laban_collector.protect import secret_words as vocabulary

_SEGMENT: Final = re.compile(r"[^\W\d_]+")
_CAMEL: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\WA-Za-z]+")


class Secrecy(Enum):
    """Which values of a key are secret."""

    NONE = auto()
    TEXTS = auto()
    """Texts, lists and maps; numbers with such a key are counts (`tokens`)."""
    ALL = auto()
    """Numbers as well: nobody counts a `pin`."""


class NumberContext(Enum):
    """What a long number is likely to be, from the words near it."""

    UNKNOWN = auto()
    ID = auto()
    CARD = auto()


_SECRETS: Final = vocabulary.SECRETS_WITH_NUMBERS | vocabulary.SECRET_TEXTS
_QUALIFIED: Final = re.compile(
    r"(?:password|passwd)s?(?:hash(?:ed)?|salt|old|new|confirm(?:ation)?|repeat|again|plain|text|digest|value)"
)


class SecretKeys:
    """Tells which keys have secret values.

    Args:
        keys: patterns of additional secret keys, such as `customer.email` or `*.iban`.
        kept: patterns of keys that are not secret although they match the rules.
    """

    def __init__(self, keys: Sequence[str] = (), kept: Sequence[str] = ()) -> None:
        self._keys = tuple(keys)
        self._kept = tuple(kept)
        self.secrecy = lru_cache(1 << 14)(self._secrecy)

    def is_secret(self, key: str) -> bool:
        """Whether texts with this key are secret."""
        return self.secrecy(key) is not Secrecy.NONE

    def _secrecy(self, key: str) -> Secrecy:
        if any(fnmatchcase(key, pattern) for pattern in self._kept):
            return Secrecy.NONE
        if any(fnmatchcase(key, pattern) for pattern in self._keys):
            return Secrecy.TEXTS
        return _secrecy_of_words(key)


@lru_cache(1 << 14)
def number_context(words: str) -> NumberContext:
    """What the long numbers of a key, or after these words, are likely to be."""
    singular = [_singular(word) for word in split_words(words)]
    if not singular:
        return NumberContext.UNKNOWN
    if singular[-1] in vocabulary.IDS - vocabulary.FREE and singular[-2:-1] not in (
        ["card"],
        ["pan"],
        ["cc"],
    ):
        return NumberContext.ID
    if not vocabulary.CARDS.isdisjoint(singular):
        return NumberContext.CARD
    is_unknown = singular[-1] in vocabulary.FREE or vocabulary.IDS.isdisjoint(singular)
    return NumberContext.UNKNOWN if is_unknown else NumberContext.ID


def split_words(key: str) -> list[str]:
    """The words of a key, in lower case: `db.userPassword` has three."""
    return [word.lower() for segment in _SEGMENT.findall(key) for word in _CAMEL.findall(segment)]


def _secrecy_of_words(key: str) -> Secrecy:
    words = split_words(key)
    if not words or _singular(words[-1]) in vocabulary.HEADS:
        return Secrecy.NONE
    found = max(_matches(words), key=lambda one: one.value, default=Secrecy.NONE)
    if found is Secrecy.NONE:
        mixed = [segment for segment in _SEGMENT.findall(key) if len(_CAMEL.findall(segment)) > 1]
        found = max(map(_of_segment, mixed), key=lambda one: one.value, default=Secrecy.NONE)
    return found


def _matches(words: Sequence[str]) -> Iterator[Secrecy]:
    """What each word, and each pair of words, says of the key."""
    for at, word in enumerate(words):
        before = words[at - 1] if at else ""
        yield _of_word(word, before)
        is_head = at == len(words) - 1 or _singular(words[at + 1]) in vocabulary.CONTENTS
        if is_head and _is_weak_secret(word, before):
            yield Secrecy.ALL if word in vocabulary.WEAK_WITH_NUMBERS else Secrecy.TEXTS
    for first, second in pairwise(words):
        pair = (first, _singular(second))
        if pair in vocabulary.PHRASES_WITH_NUMBERS:
            yield Secrecy.ALL if pair[1] == second else Secrecy.TEXTS
        elif pair in vocabulary.PHRASES_ONLY:
            yield Secrecy.TEXTS


def _of_word(word: str, before: str) -> Secrecy:
    singular = _singular(word)
    if singular.endswith("token") and (
        before in vocabulary.NO_TOKEN or singular[: -len("token")] in vocabulary.NO_TOKEN
    ):
        return Secrecy.NONE
    if singular in _SECRETS or singular.endswith(vocabulary.ENDINGS) or _QUALIFIED.fullmatch(singular):
        with_numbers = singular in vocabulary.SECRETS_WITH_NUMBERS or singular.endswith(
            vocabulary.ENDINGS_WITH_NUMBERS
        )
        return Secrecy.ALL if with_numbers and singular == word else Secrecy.TEXTS
    is_pass = word.endswith("pass") and word[: -len("pass")] in vocabulary.PASSES
    return Secrecy.TEXTS if is_pass else Secrecy.NONE


def _is_weak_secret(word: str, before: str) -> bool:
    if _singular(word) not in vocabulary.WEAK:
        return False
    exceptions = {"pass": vocabulary.NO_PASS, "auth": vocabulary.NO_AUTH, "pin": vocabulary.NO_PIN}.get(
        word, frozenset[str]()
    )
    return before not in exceptions


def _of_segment(segment: str) -> Secrecy:
    """What letters without a separator say, whatever their case: `PassWord`."""
    word = _singular(segment.lower())
    if word in _SECRETS or word.endswith(vocabulary.WHOLE_ENDINGS):
        return Secrecy.ALL if word.endswith(vocabulary.ENDINGS_WITH_NUMBERS) else Secrecy.TEXTS
    return Secrecy.NONE


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 2 and word.endswith("s") and not word.endswith("ss") else word
