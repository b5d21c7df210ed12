"""How many tokens a text takes in an assistant, estimated high: every assistant has its own tokenizer."""

import math
import re
from typing import Final

from laban_mapper.names import shortened

_PIECE: Final = re.compile(r"[A-Za-z]+|[0-9]+|  +|[^ ]")
"""Words, numbers, indentation and other characters. A single space belongs to the word after it."""
CHARACTERS: Final = 4
"""The most characters of a token."""
_DIGITS: Final = 2


def tokens(text: str) -> int:
    """The estimate.

    A word counts one token for each 4 letters begun, a number one for each 2 digits begun, a character of
    ASCII one, and any other character as many as its bytes in UTF-8: tokenizers that work on bytes need no
    more. English takes about two thirds of this.
    """
    return max(sum(_of_piece(piece) for piece in _PIECE.findall(text)), math.ceil(len(text) / CHARACTERS))


def fitted(text: str, most: int) -> str:
    """The text, without its middle if it would take more than `most` tokens."""
    width = len(text)
    while width > 1 and tokens(text) > most:
        width = max(1, min(width - 1, width * most // tokens(text)))
        text = shortened(text, width)
    return text


def _of_piece(piece: str) -> int:
    first = piece[0]
    if first.isascii():
        if first.isalpha():
            return -(-len(piece) // CHARACTERS)
        return -(-len(piece) // _DIGITS) if first.isdigit() else 1
    return len(first.encode("utf-8", "surrogatepass"))
