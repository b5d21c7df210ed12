"""Identifiers for formats that do not take every name: readable, stable, and different for each thing."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final, NamedTuple

_WIDTH: Final = 40
_DIGITS: Final = 10


class Alphabet(NamedTuple):
    """What a format accepts.

    Attributes:
        plain: names that can be told from each other by their identifiers alone.
        other: what an identifier cannot contain.
        separator: takes the place of that.
        lower: whether upper case is the same as lower case, or looks odd.
    """

    plain: re.Pattern[str]
    other: re.Pattern[str]
    separator: str
    lower: bool = True


WORDS: Final = Alphabet(re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*"), re.compile(r"[^a-z0-9]+"), "_")
"""For languages with identifiers: Mermaid, PlantUML, Structurizr, DOT."""
NAMES: Final = Alphabet(re.compile(r"[a-z0-9]+(?:[-._][a-z0-9]+)*"), re.compile(r"[^a-z0-9]+"), "-")
"""For names of entities in Backstage."""
KEYS: Final = Alphabet(
    re.compile(r"[A-Za-z0-9]+(?:[-._][A-Za-z0-9]+)*"), re.compile(r"[^A-Za-z0-9]+"), "-", lower=False
)
"""For keys of AsyncAPI."""


def identifiers(names: Mapping[str, str], alphabet: Alphabet = WORDS) -> dict[str, str]:
    """An identifier for each key.

    A plain name such as `order-service` stays as it is, or becomes `order_service`. Any other name loses what
    an identifier cannot have, and gets two separators and a hash of its key: `order__3f2a9c01d4`. It
    depends on nothing but its own key and name, so it stays when other names come and go.

    Args:
        names: by key, the name that the identifier should show.
        alphabet: what the format accepts.
    """
    found = {key: _identifier(key, name, alphabet, _DIGITS) for key, name in names.items()}
    times = Counter(found.values())
    return {
        key: one if times[one] == 1 else _identifier(key, names[key], alphabet, None)
        for key, one in found.items()
    }


def node_identifiers(ids: Iterable[str], alphabet: Alphabet = WORDS) -> dict[str, str]:
    """Identifiers for IDs of nodes, such as `service_order` for `service:order`."""
    return identifiers({one: one.replace(":", "-", 1) for one in ids}, alphabet)


def _identifier(key: str, name: str, alphabet: Alphabet, digits: int | None) -> str:
    separator = alphabet.separator
    if digits is not None and len(name) <= _WIDTH and alphabet.plain.fullmatch(name):
        return name.replace("-", separator)
    text = name.lower() if alphabet.lower else name
    readable = alphabet.other.sub(separator, text)[:_WIDTH].strip(separator) or "x"
    digest = sha256(key.encode(errors="surrogatepass")).hexdigest()[:digits]
    return f"{readable}{separator * 2}{digest}"
