"""A quick search for texts that may contain a secret; the exact rules read only these.

The search is for words and shapes: a text without any of them contains no secret. There are two ways. A
pattern of RE2 searches many texts fast, but compiling it and building its automaton takes half a millisecond
for each batch. Searching for one literal after the other takes 50 ns a byte, and nothing before.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]

_WORDS: Final = (
    *(
        "pass",
        "pwd",
        "psw",
        "pword",
        "secret",
        "token",
        "cred",
        "cookie",
        "auth",
        "jwt",
        "otp",
        "csc",
        "ssn",
        "sess",
    ),
    *(
        "bearer",
        "basic",
        "mnemonic",
        "key",
        "fied by",
        "sig",
        "negotiate",
        "ntlm",
        "code",
        "phrase",
        "answer",
    ),
)
_NAMES: Final = 'cv[vcn]|[cx]srf|sid[ =]|pins?[^a-z]|pins?$|pw[^a-z]|pw$|[ "]-[upaw]'
"""Every name of a secret, and every command with a password, contains one of these."""
_FORMS: Final = (
    r":[^ ]+@|-----begin|eyj|akia|asia|gh[pousr]_|_pat_|glpat|xox|[srp]k_|aiza|ya29|npm_|pypi-|sg\.|sk-|hvs\."
)
_GAP: Final = r"(?:[ ._+\t\n\r-]|%20|\\[nrt]|[^ -~])+"
_CARD: Final = rf"(?:^|[^0-9])[2-9][0-9]{{12}}|[0-9]{{4}}{_GAP}[0-9]{{4}}|(?:[0-9][0-9]?{_GAP}){{5}}"
# Digits are counted from where they begin: otherwise the automaton has a state for each set of beginnings.

_LITERALS: Final = {
    b"": [
        word.encode()
        for word in (*_WORDS, "cvv", "cvc", "cvn", "srf", "pin", "pw", "@", "eyj", "akia", "asia", "xox")
    ],
    b"a": [b"aiza", b"ya29"],
    b"sid": [b"sid=", b"sid "],
    b"-": [
        b" -u",
        b" -p",
        b" -a",
        b" -w",
        b'"-u',
        b'"-p',
        b'"-a',
        b'"-w',
        b"-----begin",
        b"glpat-",
        b"pypi-",
        b"sk-",
    ],
    b"_": [b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"_pat_", b"sk_", b"rk_", b"pk_", b"npm_"],
    b".": [b"sg.", b"hvs."],
    b"%": [b"%20"],
    b"\\": [b"\\n", b"\\r", b"\\t"],
}
"""Each match of the pattern contains one of these, or digits as in a card. The keys are what they share."""
_DIGIT, _ONE = b"01"
_SHAPE: Final = bytes(
    _DIGIT
    if chr(code).isdigit() and code < 128
    else ord(" ")
    if code > 127 or chr(code) in " ._+-\t\n\v\f\r\x1c\x1d\x1e\x1f"
    else ord("x")
    for code in range(256)
)
"""Makes every digit a `0`, and every separator of digits a space."""
_LONG: Final = b"0" * 13
_GAPS: Final = [b" " * length for length in range(1, 10)]  # a character has up to three bytes
_GROUPS: Final = (
    *(b"0000" + gap + b"0000" for gap in _GAPS),
    *(gap.join([digits] * 4) for gap in _GAPS[:3] for digits in (b"0", b"00")),
)
_CONTAINS_NAME: Final = re.compile(_NAMES)


def suspect_pattern(further: Sequence[str]) -> str:
    """A pattern (RE2, ignoring case) of every text and every JSON object with a secret.

    Args:
        further: parts of the names of further secrets.
    """
    return "|".join([*_WORDS, _NAMES, _FORMS, _CARD, *map(re.escape, further)])


def suspect_rows(texts: bytes, ends: Index, further: Sequence[str]) -> Index:
    """The numbers of the texts, at least of those that the pattern matches.

    Args:
        texts: the texts in UTF-8, one after the other; what is found across their borders does no harm.
        ends: where each text ends.
        further: parts of the names of further secrets.
    """
    lower, shape = texts.lower(), texts.translate(_SHAPE)
    literals = [literal for common, some in _LITERALS.items() if common in lower for literal in some]
    literals += [word.encode() for word in further]
    places = [at for literal in literals for at in _all(literal, lower)]
    if b"0 " in shape:
        places += [at for groups in _GROUPS for at in _all(groups, shape)]
    starts = {0, *ends.tolist()}
    places += [
        at for at in _all(_LONG, shape) if texts[at] > _ONE and (at in starts or shape[at - 1] != _DIGIT)
    ]
    return np.unique(np.searchsorted(ends, np.array(places, np.int64), side="right"))


def contains_name(text: str, further: Sequence[str]) -> bool:
    """Whether a text may contain the name of a secret, or a command with one."""
    lower = text.lower()
    return (
        any(word in lower for word in _WORDS)
        or any(word in lower for word in further)
        or _CONTAINS_NAME.search(lower) is not None
    )


def _all(literal: bytes, texts: bytes) -> Iterator[int]:
    at = texts.find(literal)
    while at >= 0:
        yield at
        at = texts.find(literal, at + 1)
