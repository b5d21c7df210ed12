"""Secrets within a text after a secret name, without a separator: flags, SQL, XML, forms and sentences."""

import re
from collections.abc import Callable
from typing import Final

from laban_collector.protect.secret_keys import Secrecy
from laban_collector.protect.secret_texts import PLACEHOLDER, REFERENCE, SecrecyOf, is_telling, with_mark

_Rule = Callable[[re.Match[str], str, Secrecy], bool]

_FLAG: Final = re.compile(
    r"""(?<!\S)(?:--?(?P<name>[A-Za-z][\w.-]*+)\s+)(?P<value>"(?:\\.|[^"\\])*+"?|'[^']*'?|(?!-)\S+)"""
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


def redact_sentences(text: str, secrecy: SecrecyOf, mark: str) -> str:
    """Redact what follows a secret name without a separator: flags, SQL, XML, forms and sentences."""
    rules = [(_FLAG, _is_flag), (_BEFORE_QUOTE, _is_quoted), (_SAID, _is_said), (_ALIAS, _is_content)]
    rules += [(_ELEMENT, _is_content)] if "<" in text else []
    rules += [(_FORM_FIELD, _is_content), (_INPUT, _is_content)] if "name=" in text else []
    for pattern, is_secret in rules:

        def replaced(found: re.Match[str], is_secret: _Rule = is_secret) -> str:
            known = secrecy(found["name"])
            hidden = known is not Secrecy.NONE and is_secret(found, found["value"], known)
            return with_mark(found, "value", mark) if hidden else found[0]

        text = pattern.sub(replaced, text)
    text = _SESSION.sub(rf"\g<1>{mark}", text)
    return _SIGNATURE.sub(rf"\g<1>{mark}", text)


def _is_flag(_: re.Match[str], value: str, known: Secrecy) -> bool:
    value = value.strip("\"'")
    if value.isdigit():
        return known is Secrecy.ALL
    return PLACEHOLDER.fullmatch(value) is None


def _is_quoted(_: re.Match[str], value: str, known: Secrecy) -> bool:
    least = 1 if known is Secrecy.ALL else 8
    return len(value) >= least and not is_telling(value, ":")


def _is_content(_: re.Match[str], value: str, __: Secrecy) -> bool:
    return bool(value.strip()) and not is_telling(value, "=")


def _is_said(found: re.Match[str], value: str, known: Secrecy) -> bool:
    """Whether a sentence tells a secret: `the password is x1`, `password x1y2z3`, not `token expired`."""
    value = value.rstrip(".,;:!)")
    if is_telling(value, ":"):
        return False
    if value.isdigit():
        return known is Secrecy.ALL and len(value) > 3
    if value.isalpha() or REFERENCE.fullmatch(value):
        return False
    has_both = any(map(str.isalpha, value)) and not value.isalpha() and any(map(str.isdigit, value))
    return found["verb"] is not None or (has_both and len(value) > 5)
