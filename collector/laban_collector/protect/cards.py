"""Numbers of payment cards.

Source: ISO/IEC 7812-1 (Luhn's check digit) and the ranges that the card schemes publish. Both are asked for:
one number in ten passes the check alone, and order numbers must survive.
"""

import re
from typing import Final

CARD: Final = (
    r"(?:^|[^0-9A-Za-z.]|\\[bfnrt]|\\u[0-9a-f]{4})(?:[3-6]|2[2-7])(?:[ -]?[0-9]){11,18}(?:$|[^0-9A-Za-z])"
)
"""A pattern (RE2, any case) of what may hold a card number: a text, or JSON with escapes before it."""

_DIGITS: Final = re.compile(r"(?<![0-9A-Za-z.])[2-6](?:[ -]?[0-9]){12,18}(?![0-9A-Za-z])")
_SCHEMES: Final = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    r"|5[1-5][0-9]{14}|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}"  # Mastercard
    r"|3[47][0-9]{13}"  # American Express
    r"|6(?:011|4[4-9][0-9]|5[0-9]{2})[0-9]{12}"  # Discover
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12}"  # JCB
    r"|3(?:0[0-5]|[68][0-9])[0-9]{11}"  # Diners Club
)


def without_cards(text: str, mark: str) -> str:
    """The text with `mark` for every card number in it, written with spaces or hyphens or without."""
    return _DIGITS.sub(lambda found: mark if _is_card(re.sub(r"[ -]", "", found[0])) else found[0], text)


def _is_card(digits: str) -> bool:
    return _SCHEMES.fullmatch(digits) is not None and _luhn(digits) % 10 == 0


def _luhn(digits: str) -> int:
    """The sum of the digits, every second one from the right doubled, and 9 taken from what exceeds it."""
    return sum(
        digit if position % 2 == 0 else digit * 2 - (9 if digit > 4 else 0)
        for position, digit in enumerate(map(int, reversed(digits)))
    )
