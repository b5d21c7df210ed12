"""Texts in PromQL and in the templates of Prometheus' rules."""

import re
from typing import Final

_SPECIAL: Final = re.compile(r'[\\"\n]')
_ESCAPES: Final = {"\\": r"\\", '"': r"\"", "\n": r"\n"}


def quoted(text: str) -> str:
    """A string in PromQL."""
    return '"' + _SPECIAL.sub(lambda found: _ESCAPES[found[0]], text) + '"'


def literal(text: str) -> str:
    """A text in a template that is not a template itself."""
    return text.replace("{{", '{{ "{{" }}') if "{{" in text else text
