"""Reads the HTML, CSS and JavaScript of the components from the package."""

from pathlib import Path


def asset(name: str) -> str:
    """Return the text of a file in this folder."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
