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
    ],
)
def test_control_characters_are_shown_and_not_obeyed(text: str, shown: str) -> None:
    assert printable(text) == shown
