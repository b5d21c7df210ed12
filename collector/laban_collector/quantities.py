"""Ages and sizes as people write them."""

import re
from typing import Final

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_BYTES: Final = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 1 << 10,
    "mib": 1 << 20,
    "gib": 1 << 30,
    "tib": 1 << 40,
}
_QUANTITY: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([a-zA-Z]*)", re.ASCII)


def parse_age(text: object) -> float:
    """`7d`, `12h`, `30m`, `90s` or `2w` in seconds.

    Raises:
        ValueError: it is none of these, or zero.
    """
    amount, unit = _split(text)
    if unit not in _SECONDS or amount <= 0:
        raise ValueError(f"{text!r} is not an age, such as 7d, 12h or 30m")
    return amount * _SECONDS[unit]


def parse_size(text: object) -> int:
    """`20GB`, `512MiB` or a number of bytes in bytes.

    Raises:
        ValueError: it is none of these, or zero.
    """
    amount, unit = _split(text)
    if unit not in _BYTES or amount <= 0:
        raise ValueError(f"{text!r} is not a size, such as 20GB or 512MiB")
    return round(amount * _BYTES[unit])


def _split(text: object) -> tuple[float, str]:
    match = _QUANTITY.fullmatch(str(text).strip())
    return (float(match[1]), match[2].lower()) if match else (0.0, "?")
