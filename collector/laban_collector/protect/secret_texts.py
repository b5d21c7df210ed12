"""Secrets within a text: after a secret name, in a URL, in a command line, in SQL, or by their own form.

Every pattern reads a text once: names and values are matched possessively, so that a long text without secrets
costs no more than its length.
"""

import re
from collections.abc import Callable
from typing import Final

from laban_collector.protect.secret_keys import Secrecy

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
_FLAG: Final = re.compile(
    r"""(?<!\S)(--?(?P<name>[A-Za-z][\w.-]*+)\s+)(?P<value>"(?:\\.|[^"\\])*+"?|'[^']*'?|(?!-)\S+)"""
)
_BEFORE_QUOTE: Final = re.compile(
    r"""(?<![\w.])(?P<name>\w++)(?P<gap>\s*\(\s*|\s+)(?P<quote>["'])(?P<value>(?:\\.|(?!(?P=quote))[^\\])*+)(?:(?P=quote)|$)"""
)
_SAID: Final = re.compile(
    r"(?<![\w.-])(?P<name>[\w.-]*?(?:password|passwd|pwd|passcode|passphrase|secret|token|otp|pin|cvv|cvc|jwt))\s+"
    r"(?P<verb>(?:is|was|to|are)(?:\s+|:\s*))?[\"']?(?P<value>[^\s\"'<>=]++)(?![=:])",
    re.IGNORECASE,
)
_ELEMENT: Final = re.compile(r"<(?P<name>[\w:.-]++)(?:\s[^<>]*)?>(?P<value>[^<]*+)<")
_FORM_FIELD: Final = re.compile(
    r"name=\\?\"(?P<name>[^\"\\]{1,200}+)\\?\"[^\r\n]{0,200}(?:\r?\n){2}(?P<value>[^\r\n]*+)"
)
_INPUT: Final = re.compile(
    r"""name=["'](?P<name>[^"']++)["']\s+(?:[^<>]{0,200}?\s)?(?:value|content)=(?P<quote>["'])(?P<value>[^"']++)"""
)
_ALIAS: Final = re.compile(
    r"(?<!')'(?P<value>(?:[^'\\]|''|\\.)++)'\s+AS\s+[\"`\[]?(?P<name>\w++)", re.IGNORECASE
)
_SIGNATURE: Final = re.compile(
    r"([?&,]\s?(?:x-(?:amz|goog)-)?(?:signature|sig|awsaccesskeyid)=)[^&#\s,]+", re.IGNORECASE
)
_SESSION: Final = re.compile(
    r"(?<![\w-])((?:[\w.-]*[._-])?(?:sid|session|sess)(?:\s*=\s*))(?!\d{1,5}\b)([^\s;,&\"']{6,})",
    re.IGNORECASE,
)
_KEPT_VALUE: Final = re.compile(
    r"\?|\$\d+|:\w+|@\w+|%s|%\(\w+\)s|\$?\{.*|\*+|x+|\(\s*(?:(?:\?|\$\d+|:\w+|%s|\*+)[\s,]*)*\)?|\[\]?|\{\}?"
    r"|\[?redacted\]?|\[?filtered\]?|null|none|nil|undefined|nan|true|false|yes|no|not|n/a|-",
    re.IGNORECASE,
)
_STATES: Final = frozenset(
    {
        *(
            "expired",
            "invalid",
            "missing",
            "required",
            "unknown",
            "denied",
            "failed",
            "revoked",
            "malformed",
            "ok",
        ),
        *(
            "unsupported",
            "empty",
            "wrong",
            "incorrect",
            "absent",
            "rejected",
            "accepted",
            "success",
            "successful",
        ),
        *(
            "unexpected",
            "not",
            "too",
            "must",
            "cannot",
            "could",
            "should",
            "no",
            "is",
            "was",
            "has",
            "the",
            "a",
        ),
        *(
            "an",
            "basic",
            "digest",
            "bearer",
            "oauth",
            "oauth2",
            "anonymous",
            "enabled",
            "disabled",
            "refreshed",
        ),
        *(
            "verified",
            "authenticated",
            "unauthenticated",
            "unauthorized",
            "passed",
            "skipped",
            "pending",
            "error",
        ),
        *(
            "string",
            "str",
            "text",
            "varchar",
            "bytes",
            "int",
            "integer",
            "secretstr",
            "object",
            "optional",
            "used",
        ),
        *(
            "set",
            "unset",
            "changed",
            "reset",
            "sent",
            "found",
            "loading",
            "loaded",
            "ready",
            "timeout",
            "in",
            "for",
        ),
    }
)
"""Words after a secret name that tell of it."""
_REFERENCE: Final = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_BRACKET: Final = re.compile("%5[BD]", re.IGNORECASE)
_COMPOUND: Final = frozenset({"key", "keys", "code", "codes", "id", "phrase", "word", "pin", "number"})
_BEFORE: Final = re.compile(r"[A-Za-z]+(?=[ ]$)")


def redact_assignments(text: str, secrecy: SecrecyOf, mark: str) -> str:
    """Redact the values after secret names: `password=x`, `"token": "x"`, `user[password]=x`."""
    text = _HEADER.sub(
        lambda found: found[0] if _is_kept(found[3], ":") else f"{found[1]}{found[2]}{mark}", text
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


def redact_sentences(text: str, secrecy: SecrecyOf, mark: str) -> str:
    """Redact what follows a secret name without a separator: flags, SQL, XML, forms and sentences."""

    def after_flag(found: re.Match[str]) -> str:
        value = found["value"].strip("\"'")
        is_kept = secrecy(found["name"]) is Secrecy.NONE or _KEPT_VALUE.fullmatch(value) or value.isdigit()
        return (
            found[0]
            if is_kept and not (value.isdigit() and secrecy(found["name"]) is Secrecy.ALL)
            else found[1] + mark
        )

    def quoted(found: re.Match[str]) -> str:
        least = 1 if secrecy(found["name"]) is Secrecy.ALL else 8
        if (
            secrecy(found["name"]) is Secrecy.NONE
            or len(found["value"]) < least
            or _is_kept(found["value"], ":")
        ):
            return found[0]
        return f"{found['name']}{found['gap']}{found['quote']}{mark}{found['quote']}"

    def said(found: re.Match[str]) -> str:
        value, known = found["value"].rstrip(".,;:!)"), secrecy(found["name"])
        if known is Secrecy.NONE or _is_kept(value, ":") or not _is_told(found, value, known):
            return found[0]
        return _replaced(found, "value", mark + found["value"][len(value) :])

    def between(found: re.Match[str]) -> str:
        is_kept = (
            secrecy(found["name"]) is Secrecy.NONE
            or not found["value"].strip()
            or _is_kept(found["value"], "=")
        )
        return found[0] if is_kept else _replaced(found, "value", mark)

    text = _FLAG.sub(after_flag, text)
    text = _BEFORE_QUOTE.sub(quoted, text)
    text = _SAID.sub(said, text)
    if "<" in text:
        text = _ELEMENT.sub(between, text)
    if "name=" in text:
        text = _INPUT.sub(between, _FORM_FIELD.sub(between, text))
    text = _ALIAS.sub(between, text)
    text = _SESSION.sub(rf"\g<1>{mark}", text)
    return _SIGNATURE.sub(rf"\g<1>{mark}", text)


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
        return _KEPT_VALUE.fullmatch(content.strip()) is not None or not content.strip()
    value, name = plain.rstrip(",.)]}"), named["name"].lower()
    if not value or _is_kept(value, named["separator"]):
        return True
    if value.isdigit() and known is Secrecy.TEXTS:
        return len(value) < (4 if name.endswith("pass") else 6) or name.endswith("s")
    if _REFERENCE.fullmatch(value) and secrecy(value) is not Secrecy.NONE and value.count(".") < 3:
        return True
    return ":" in named["separator"] and _is_prose(value, found.string[found.end("plain") :])


def _is_kept(value: str, separator: str) -> bool:
    first = value.strip().lower().rstrip(".,;:!)")
    words = first.split(maxsplit=1)
    if _KEPT_VALUE.fullmatch(first) or first == "[redacted]":
        return True
    is_state = bool(words) and words[0].strip(",.;:") in _STATES
    return (
        is_state
        and (len(words) == 1 or words[0] not in {"basic", "digest", "bearer"})
        and ("=" not in separator or len(words) == 1)
    )


def _is_told(found: re.Match[str], value: str, known: Secrecy) -> bool:
    """Whether a sentence tells a secret: `the password is x1`, or `password x1y2z3`, but not `token expired`."""
    if value.isdigit():
        return known is Secrecy.ALL and len(value) > 3
    if value.isalpha() or _REFERENCE.fullmatch(value):
        return False
    has_both = any(map(str.isalpha, value)) and not value.isalpha() and any(map(str.isdigit, value))
    return found["verb"] is not None or (has_both and len(value) > 5)


def _is_prose(value: str, rest: str) -> bool:
    """Whether a value without digits is the first word of a sentence: `token: unexpected end of input`."""
    return value.isalpha() and value.islower() and re.match(r" [a-z]+(?![=:\w])", rest) is not None


def _marked(found: re.Match[str], mark: str) -> str:
    """The value with a mark for its content; its quotes and its scheme stay."""
    if found["quote"] is not None:
        return _replaced(found, "quoted", mark)
    if found["escaped"] is not None:
        return _replaced(found, "inner", mark)
    plain = found["plain"]
    if plain is None:
        return mark
    return f"{found['scheme'] or ''}{mark}{plain[len(plain.rstrip(',.)]}')) :]}"


def _replaced(found: re.Match[str], group: str, mark: str) -> str:
    """A match with a mark for a group within it."""
    text, start = found[0], found.start()
    return text[: found.start(group) - start] + mark + text[found.end(group) - start :]
