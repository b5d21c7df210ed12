import unicodedata

import pytest

from laban_mapper.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET /orders/{id} – naïve 注文 👍", "GET /orders/{id} – naïve 注文 👍"),
        ("\x1b[31mred\x1b[0m\x07", r"\x1b[31mred\x1b[0m\x07"),
        ("a\r\nforged", "a forged"),
        ("a\t\n\v\f\x1c\x85\u2028\u2029b", "a b"),
        ("\x00\x08\x7f\x9b2J", r"\x00\x08\x7f\x9b2J"),
        ("safe\u202egnp.exe\u2066\u2069", r"safe\u202egnp.exe\u2066\u2069"),
        ("half \ud83d", r"half \ud83d"),
        ("no\u00a0break", "no\u00a0break"),
        ("\u200bzero\ufeff\xad\u200f", r"\u200bzero\ufeff\xad\u200f"),
        ("tag\U000e0041\u3164", r"tag\U000e0041\u3164"),
        ("\uffff", r"\uffff"),
    ],
)
def test_control_characters_are_shown_and_not_obeyed(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_every_invisible_format_character_is_shown() -> None:
    formats = {chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs"}}
    visible = set("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
    hieroglyphs = {chr(code) for code in range(0x13430, 0x13440)}  # joiners that have a shape
    kept = {found for found in formats if printable(f"a{found}b") == f"a{found}b"}
    assert kept <= visible | hieroglyphs
