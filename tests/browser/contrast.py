"""Finds texts of a page that are too faint: WCAG 2.2, level AA."""

from contextlib import suppress
from pathlib import Path
from typing import cast

from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as TookTooLong

_SCRIPT = Path(__file__).with_name("contrast.js")


def faint_texts(page: Page) -> list[str]:
    """Return the texts whose contrast with what is behind them is too low, with the ratio.

    After a change of the theme, some texts have their new colour later than the page.
    """
    script = _SCRIPT.read_text(encoding="utf-8")
    with suppress(TookTooLong):
        page.wait_for_function(f"() => ({script})().length === 0", polling=200, timeout=5_000)
    return cast("list[str]", page.evaluate(script))
