"""Secrets within a text after a secret name and a separator: in forms, headers, JSON, SQL and settings.

Every pattern reads a text once: names and values are matched possessively, so that a long text without
secrets costs no more than its length.
"""

import re
from collections.abc import Callable
from typing import Final

from laban_collector.protect.secret_keys import Secrecy
from laban_collector.protect.secret_words import STATES

SecrecyOf = Callable[[str], Secrecy]

_CLOSE: Final = r"(?:\\*[\"'`\]]|%22|%27|&quot;|&\#34;|&\#39;)"
"""What may stand between a name and its separator."""
_QUOTED: Final = r"""
    (?P<quote>["'`])(?P<quoted>(?:\\.|(?P=quote){2}|(?!(?P=quote))[^\\])*+)(?:(?P=quote)|\\?$)
  | (?P<escaped>\\+["']|%22|%27|&quot;|&\#34;|&\#39;)(?P<inner>.*?)(?:(?P=escaped)|$)
"""
_NAMED: Final = re.compile(
    rf"""
    (?<![\w.$\]-])(?P<name>[\w.$-]++(?:\[[^\]\s]{{0,64}}\]|%5B(?:(?!%5D)[^\s&=]){{0,64}}%5D)*+)
    (?P<separator>{_CLOSE}?\s*(?:=>|:=|==|!=|<>|=|:|%3D|%3A|\\u003[da])\s*
      | {_CLOSE}?\s+(?:NOT\s+)?(?:I?LIKE|IN(?=\s*\())\s*)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_VALUE: Final = re.compile(
    rf"""
    (?:(?P<call>\w+\(\s*)|[uUbrNE](?=["']))?(?:{_QUOTED})
    | \[[^\[\]]*\]? | \{{[^{{}}]*\}}? | \([^()]*\)?
    | (?P<scheme>(?:bearer|basic|digest|negotiate|ntlm|token|apikey|aws4-hmac-sha256)(?:\s+|%20|\+))?
      (?P<plain>(?:\\\s|(?!,\s?[\w.\-"']+\s?[=:]|\\+["']|%26|%22|&quot;)[^\s&;"'`<>])++)
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_HEADER: Final = re.compile(
    r"(?<![\w-])((?:set-|proxy-|x-)?(?:cookie2?|authorization))((?:\\*[\"'])?\s*:\s*(?:\\*[\"'])?)([^\r\n\"'\\]+)",
    re.IGNORECASE,
)
PLACEHOLDER: Final = re.compile(
    r"\?|\$\d+|:\w+|@\w+|%s|%\(\w+\)s|\$?\{.*|\*+|x+|\(\s*(?:(?:\?|\$\d+|:\w+|%s|\*)[\s,]*)*\)?|\[\]?|\{\}?"
    r"|\[?redacted\]?|\[?filtered\]?|null|none|nil|undefined|nan|true|false|yes|no|not|n/a|-",
    re.IGNORECASE,
)
REFERENCE: Final = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_BRACKET: Final = re.compile("%5[BD]", re.IGNORECASE)
_COMPOUND: Final = frozenset({"key", "keys", "code", "codes", "id", "phrase", "word", "pin", "number"})
_BEFORE: Final = re.compile(r"[A-Za-z]+(?=[ ]$)")


def redact_assignments(text: str, secrecy: SecrecyOf, mark: str) -> str:
    """Redact the values after secret names: `password=x`, `"token": "x"`, `user[password]=x`."""
    text = _HEADER.sub(
        lambda found: found[0] if is_telling(found[3], ":") else f"{found[1]}{found[2]}{mark}", text
    )
    pieces, end, at = list[str](), 0, 0
    while (named := _NAMED.search(text, at)) is not None:
        at = named.end()  # a value without a secret name may contain one: `body={"token": "x"}`
        known = _secrecy_at(named, secrecy)
        value = None if known is Secrecy.NONE else _VALUE.match(text, at)
        if value is not None and not _is_kept_value(named, value, known, secrecy):
            pieces += [text[end:at], _marked(value, mark)]
            end = at = value.end()
    return "".join([*pieces, text[end:]])


def _secrecy_at(found: re.Match[str], secrecy: SecrecyOf) -> Secrecy:
    name = _BRACKET.sub(".", found["name"])
    if found.string[found.start() - 1 : found.start()] == "%":
        name = name[2:]  # the end of an escape: `%3Ftoken`
    known = secrecy(name)
    if known is not Secrecy.NONE or name.lower() not in _COMPOUND:
        return known
    before = _BEFORE.search(found.string, max(0, found.start() - 24), found.start())
    return Secrecy.NONE if before is None else secrecy(f"{before[0]}.{name}")


def _is_kept_value(named: re.Match[str], found: re.Match[str], known: Secrecy, secrecy: SecrecyOf) -> bool:
    """Whether the value after a secret name is none: a placeholder, a count, or a word of a sentence."""
    plain = found["plain"]
    if plain is None:
        content = found["quoted"] if found["quote"] else found["inner"] if found["escaped"] else found[0]
        return PLACEHOLDER.fullmatch(content.strip()) is not None or not content.strip()
    value, name = plain.rstrip(",.)]}"), named["name"].lower()
    if not value or is_telling(value, named["separator"]):
        return True
    if value.isdigit() and known is Secrecy.TEXTS:
        return len(value) < (4 if name.endswith("pass") else 6) or name.endswith("s")
    if REFERENCE.fullmatch(value) and secrecy(value) is not Secrecy.NONE and value.count(".") < 3:
        return True
    is_sentence = ":" in named["separator"] and known is Secrecy.TEXTS
    return is_sentence and _is_prose(value, found.string[found.end("plain") :])


def is_telling(value: str, separator: str) -> bool:
    """Whether what follows a secret name is no secret: a placeholder, or words that tell of it."""
    shown = value.strip().lower().rstrip(".,;:!)")
    if PLACEHOLDER.fullmatch(shown):
        return True
    first, _, rest = shown.partition(" ")
    if first.strip(",.;:") not in STATES:
        return False
    return not rest or ("=" not in separator and first not in {"basic", "digest", "bearer"})


def _is_prose(value: str, rest: str) -> bool:
    """Whether a value without digits is the first word of a sentence: `token: unexpected end of input`."""
    return value.isalpha() and value.islower() and re.match(r" [a-z]+(?![=:\w])", rest) is not None


def _marked(found: re.Match[str], mark: str) -> str:
    """The value with a mark for its content; its quotes and its scheme stay."""
    if found["quote"] is not None:
        return with_mark(found, "quoted", mark)
    if found["escaped"] is not None:
        return with_mark(found, "inner", mark)
    plain = found["plain"]
    if plain is None:
        return mark
    return f"{found['scheme'] or ''}{mark}{plain[len(plain.rstrip(',.)]}')) :]}"


def with_mark(found: re.Match[str], group: str, mark: str) -> str:
    """A match with a mark for a group within it."""
    text, start = found[0], found.start()
    return text[: found.start(group) - start] + mark + text[found.end(group) - start :]
