"""Severities as options name them."""

from typing import Final, get_args

import typer

from laban_mapper.model import Severity

SEVERITIES: Final = ", ".join(get_args(Severity))


def severity_of(text: str, option: str) -> Severity:
    """The severity that an option names; raises BadParameter if there is none."""
    for known in get_args(Severity):
        if text == known:
            severity: Severity = known
            return severity
    raise typer.BadParameter(f"'{text}' is none of {SEVERITIES}", param_hint=option)
