"""Finds texts of a page that are too faint: WCAG 2.2, level AA."""

from pathlib import Path
from typing import cast

from playwright.sync_api import Page

_SCRIPT = Path(__file__).with_name("contrast.js")


def faint_texts(page: Page) -> list[str]:
    """Return the texts whose contrast with what is behind them is too low, with the ratio."""
    return cast("list[str]", page.evaluate(_SCRIPT.read_text(encoding="utf-8")))
