"""The components' own HTML, CSS and JavaScript, read from the package."""

from pathlib import Path


def asset(name: str) -> str:
    """The text of a file beside this one."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
