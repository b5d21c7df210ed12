"""Redaction of secrets, found by attribute keys, by names within texts, by their place, or by their form."""

import json
import re
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Final

from laban.vocabulary import PROMOTED, keys_filling
from laban_collector.batch.attributes import Value
from laban_collector.protect.cards import is_card, redact_cards
from laban_collector.protect.secret_keys import NumberContext, Secrecy, SecretKeys, number_context
from laban_collector.protect.secret_places import redact_commands, redact_tokens, redact_urls
from laban_collector.protect.secret_sentences import redact_sentences
from laban_collector.protect.secret_texts import redact_assignments
from laban_collector.protect.suspects import Index, contains_name, suspect_pattern, suspect_rows

REDACTED: Final = "[redacted]"
"""The replacement for a secret."""

_PLACE: Final = re.compile(r"[\s=:%<(]")
"""Something between a name and its value."""
_FLAG: Final = re.compile(r"--?([A-Za-z][\w.-]*)")
_NAMES: Final = ("name", "key", "header", "field")
_INTEGERS: Final = frozenset(key for one in PROMOTED if one.type == "integer" for key in keys_filling(one))
"""Keys of offsets, partitions, counts and status codes, whose numbers are no cards."""
_VALUES: Final = ("value", "values", "val")


class Redactor:
    """Finds and replaces secrets.

    Args:
        keys: patterns of additional secret keys, such as `customer.email` or `*.iban`.
        kept: patterns of keys that are not secret although they match the rules.
    """

    def __init__(self, keys: Sequence[str] = (), kept: Sequence[str] = ()) -> None:
        self._further = [max(re.split(r"[*?\[\]]", key), key=len).lower() for key in keys]
        self._keys = SecretKeys(keys, kept)
        self.is_secret = self._keys.is_secret

    @cached_property
    def suspect_pattern(self) -> str:
        """A pattern (RE2, ignoring case) that matches every text and every JSON object with a secret."""
        return suspect_pattern(self._further)

    def suspect_rows(self, texts: bytes, ends: Index) -> Index:
        """The numbers of the texts, at least of those that the pattern matches."""
        return suspect_rows(texts, ends, self._further)

    def redact(self, key: str, value: Value) -> Value:
        """Return the value of an attribute without secrets."""
        secrecy = self._keys.secrecy(key)
        if secrecy is not Secrecy.NONE and isinstance(value, (str, list, dict)):
            return REDACTED
        if secrecy is Secrecy.ALL and _is_number(value):
            return REDACTED
        if key in _INTEGERS and str(value).isdigit():
            return value
        return self._redact_value(value, number_context(key))

    def redact_text(self, text: str, context: NumberContext = NumberContext.UNKNOWN) -> str:
        """Return a text without secrets.

        Args:
            text: an attribute, a name, a message or a key.
            context: what long numbers in it are likely to be.
        """
        structured = (
            self._redact_json(text) if text[:1] in "{[ \n" and text.strip()[:1] in {"{", "["} else None
        )
        if structured is not None:
            return structured
        text = redact_urls(text, REDACTED)
        text = redact_tokens(text, REDACTED)
        if _PLACE.search(text) is not None and contains_name(text, self._further):
            text = redact_commands(text, self._keys.secrecy, REDACTED)
            text = redact_assignments(text, self._keys.secrecy, REDACTED)
            text = redact_sentences(text, self._keys.secrecy, REDACTED)
        return redact_cards(text, context, REDACTED)

    def _redact_json(self, text: str) -> str | None:
        """Return a text that is JSON, redacted as a value; None if it is no JSON."""
        try:
            value = json.loads(text)
            kept = self._redact_value(value, NumberContext.UNKNOWN)
        except (ValueError, RecursionError):
            return None
        if kept == value:
            return text
        return json.dumps(kept, ensure_ascii=False, separators=(", ", ": ") if '": ' in text else (",", ":"))

    def _redact_value(self, value: Value, context: NumberContext) -> Value:
        """Return a value without secrets that match a pattern or have a secret key in a nested map."""
        match value:
            case str():
                return self.redact_text(value, context)
            case bool() | None:
                return value
            case int() | float():
                is_secret = (
                    value == value // 1 and is_card(str(int(value)), context) if _is_long(value) else False
                )
                return REDACTED if is_secret else value
            case list():
                return self._redact_list(value, context)
            case dict():
                return self._redact_map(value)

    def _redact_list(self, items: list[Value], context: NumberContext) -> Value:
        kept = [self._redact_value(item, context) for item in items]
        for at, (first, second) in enumerate(pairwise(items)):
            if (
                isinstance(first, str)
                and isinstance(second, str)
                and self._is_named_by(first, second, len(items))
            ):
                kept[at + 1] = REDACTED
        texts = [item for item in items if isinstance(item, str)]
        if len(texts) == len(items) and any(text.startswith("-") for text in texts):
            return self._redact_arguments(texts, kept)
        return kept

    def _redact_arguments(self, arguments: list[str], kept: list[Value]) -> list[Value]:
        """Redact what a command line would not show: `["mysql", "-p", "x"]`."""
        line = redact_commands(
            " ".join(word if " " not in word else "_" for word in arguments), self._keys.secrecy, REDACTED
        )
        shown = line.split(" ")
        if len(shown) != len(arguments):
            return kept
        return [word if REDACTED in word else item for word, item in zip(shown, kept, strict=True)]

    def _is_named_by(self, first: str, second: str, length: int) -> bool:
        """Whether an element is the value of the one before it: a flag's, or a pair of name and value."""
        flag = _FLAG.fullmatch(first)
        if flag is not None:
            return not second.startswith("-") and self.is_secret(flag[1])
        return length == 2 and " " not in first and self.is_secret(first)

    def _redact_map(self, members: dict[str, Value]) -> Value:
        kept = {self.redact_text(key): self.redact(key, item) for key, item in members.items()}
        name = next((members[key] for key in _NAMES if isinstance(members.get(key), str)), None)
        if isinstance(name, str) and self.is_secret(name):
            kept |= {key: REDACTED for key in _VALUES if isinstance(members.get(key), (str, list, dict))}
        return kept


def _is_number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_long(value: float) -> bool:
    return 10**11 <= value < 10**19
