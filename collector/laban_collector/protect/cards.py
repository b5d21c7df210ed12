"""Payment card numbers in texts and as numbers.

A card number has the range and the length of a card scheme, and Luhn's check digit. One number in sixty has
all of these by chance, so a number without separators is kept where the words near it say that it is an ID, a
time or an amount. Source: ISO/IEC 7812-1, and the ranges that the schemes publish.
"""

import re
from typing import Final

from laban_collector.protect.secret_keys import NumberContext, number_context

_SEPARATOR: Final = r"(?:[\s._+\-\u2010-\u2015\u2212\u00b7\u2022\u200b\u2060\ufeff]{1,3}|%20)"
LONG_NUMBER: Final = re.compile(r"[0-9](?:[^0-9A-Za-z]{0,3}[0-9]){11}")
"""Matches every text that contains a card number."""
_SCHEMES: Final = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    r"|5[1-5][0-9]{14}|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}"  # Mastercard
    r"|3[47][0-9]{13}"  # American Express
    r"|(?:6011|64[4-9][0-9]|65[0-9]{2})[0-9]{12}(?:[0-9]{3})?"  # Discover
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12}(?:[0-9]{3})?"  # JCB
    r"|3(?:0[0-5]|[689][0-9])[0-9]{11}(?:[0-9]{2})?"  # Diners Club
    r"|62[0-9]{14,17}|81[0-7][0-9]{13,16}"  # UnionPay
    r"|(?:50(?:18|20|38)|5893|6304|6390|670[0-9]|675[0-9]|676[0-9]|677[0-9])[0-9]{8,15}"  # Maestro
    r"|220[0-4][0-9]{12,15}"  # Mir
    r"|(?:60[0-9]{2}|508[5-9]|82[0-9]{2})[0-9]{12}"  # RuPay, Hipercard
    r"|(?:5067|509[0-9]|6362|6363|6277|4011|4389|4514|4576)[0-9]{12}"  # Elo
    r"|9792[0-9]{12}|506[01][0-9]{12}(?:[0-9]{3})?"  # Troy, Verve
)
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_PLAIN: Final = re.compile(r"(?<![0-9A-Za-z])(?<![0-9]\.)[1-9][0-9]{11,18}(?![0-9A-Za-z])(?!\.[0-9])")
_AFTER_WORD: Final = re.compile(
    r"(?<![a-z])(?:card|cardnumber|cc|pan|visa|mastercard|amex)([1-9][0-9]{11,18})(?![0-9A-Za-z])",
    re.IGNORECASE,
)
_SHAPES: Final = (
    *((4, 4, 4, 4, 3), (4, 4, 4, 4, 2), (4, 4, 4, 4, 1), (4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 3)),
    *((4, 4, 4, 2), (4, 4, 4, 1), (4, 4, 5)),
)
"""The lengths of the groups in which people write card numbers."""
_GROUPED: Final = [
    *(_SEPARATOR.join(f"[0-9]{{{length}}}" for length in shape) for shape in _SHAPES),
    rf"(?:[0-9]{_SEPARATOR}){{12,18}}[0-9]",
    rf"(?:[0-9]{{2}}{_SEPARATOR}){{6,9}}[0-9]{{1,2}}",
]
_SEPARATED: Final = [
    re.compile(rf"(?<![0-9A-Za-z])(?<![0-9]\.)(?=({groups})(?![0-9A-Za-z]))") for groups in _GROUPED
]
_USUAL_LENGTHS: Final = range(14, 17)
_LONG_SCHEMES: Final = frozenset({"62", "67"})
"""UnionPay and Maestro have longer numbers; of other schemes, chance makes more than people do."""
_WORDS_BEFORE: Final = re.compile(r"[A-Za-z][A-Za-z_.\- ]*(?=[^A-Za-z0-9]*$)")
_REACH: Final = 24
"""Characters before a number in which a word says what it is."""
_TEST_NUMBERS: Final = frozenset(
    {
        *("4111111111111111", "4012888888881881", "4222222222222", "4242424242424242", "4000056655665556"),
        *("5555555555554444", "5105105105105100", "2223003122003222", "5200828282828210", "378282246310005"),
        *("371449635398431", "378734493671000", "6011111111111117", "6011000990139424", "3530111333300000"),
        *("3566002020360505", "30569309025904", "38520000023237", "36227206271667", "6200000000000005"),
        *("6304000000000000", "6759649826438453", "4917610000000000", "5019717010103742"),
    }
)
"""Numbers that the schemes publish for tests. Chance does not make them, so they are cards in any field."""


def has_card_shape(digits: str) -> bool:
    """Whether digits have a card scheme's range and length, and the check digit."""
    return _SCHEMES.fullmatch(digits) is not None and _luhn(digits) % 10 == 0


def is_card(digits: str, context: NumberContext) -> bool:
    """Whether digits without separators are a card number, in a place of this kind."""
    if not has_card_shape(digits):
        return False
    if context is NumberContext.CARD or digits in _TEST_NUMBERS:
        return True
    return context is NumberContext.UNKNOWN and (len(digits) in _USUAL_LENGTHS or digits[:2] in _LONG_SCHEMES)


def redact_cards(text: str, context: NumberContext, mark: str) -> str:
    """Return a text with a mark in place of each card number.

    Args:
        text: the text.
        context: what the key says of a text that is nothing but a number.
        mark: the replacement.
    """
    if LONG_NUMBER.search(text) is None:
        return text
    for pattern in _SEPARATED:
        text = _without_separated(pattern, text, mark)
    text = _AFTER_WORD.sub(
        lambda found: found[0].replace(found[1], mark) if has_card_shape(found[1]) else found[0], text
    )
    return _PLAIN.sub(
        lambda found: mark if is_card(found[0], _context_at(found, context)) else found[0], text
    )


def _without_separated(pattern: re.Pattern[str], text: str, mark: str) -> str:
    """Replace the numbers of one shape; a number may begin within a longer row of groups."""
    pieces, end = [], 0
    for found in pattern.finditer(text):
        if found.start() >= end and has_card_shape(_digits(found[1])):
            pieces += [text[end : found.start()], mark]
            end = found.end(1)
    return "".join([*pieces, text[end:]])


def _context_at(found: re.Match[str], context: NumberContext) -> NumberContext:
    """What the words before a number say of it; with no such words, what the key says."""
    before = _WORDS_BEFORE.search(found.string, max(0, found.start() - _REACH), found.start())
    if before is None:
        return context
    nearest = number_context(before[0].split()[-1])
    known = nearest if nearest is not NumberContext.UNKNOWN else number_context(before[0])
    if known is not NumberContext.UNKNOWN:
        return known
    if found.string[found.start() - 1] == "/":  # a part of a path
        return NumberContext.ID
    return context if context is NumberContext.CARD else known


def _luhn(digits: str) -> int:
    """Return the sum of the digits; every second digit from the right is doubled, minus 9 if it exceeds 9."""
    return sum(map(int, digits[-1::-2])) + sum(_DOUBLED[int(digit)] for digit in digits[-2::-2])


def _digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", text.replace("%20", ""))
