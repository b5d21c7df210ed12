"""Texts that strangers may put into spans, to command a terminal or to break out of a format."""

import re
from typing import Final

HOSTILE: Final = (
    *(
        "\x00",
        "\x1b[2J",
        "\x1b]0;title\x07",
        "\x1b]8;;http://stranger\x1b\\link",
        "\x9b31m",
        "\x07bell",
        "\x7f",
        "\x85",
    ),
    *(
        "a\r\nforged",
        "a\nforged",
        "\u2028x",
        "\u202egnp.exe",
        "\u2066x\u2069",
        "\u200b",
        "\u200fx",
        "\u2060",
        "\ufeffx",
    ),
    *("\U000e0041\U000e0042", "\u3164", "\xad", "\ufdd0", "\uffff", "&#0;", "&#27;", "&#x1b;", "&amp;lt;"),
    *(
        "</svg><script>alert(1)</script>",
        "<b>",
        "<!--",
        "]]>",
        "<![CDATA[",
        "\\N\\G\\l",
        '"];x -> "',
        "\\",
        '"',
        "'",
    ),
    *(
        "#quot;#59;",
        "%%{init: {}}%%",
        "`md`",
        "[red]x[/red]",
        "[/]",
        ":bug:",
        "**b**",
        "![x](http://stranger)",
        "$x$",
    ),
    *("{{x}}", "click n0 href", "x" * 300, "\u0301" * 20, "|", "a|b", "--> n0"),
)
UNSAFE: Final = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\U000e0000-\U000e007f]"
)
"""What no output for people may contain. Line breaks are layout; no line begins with `forged`."""
