"""Writes a report in one of its forms."""

from collections.abc import Callable
from typing import Final, Literal, get_args

from laban_mapper.reports.junit import to_junit
from laban_mapper.reports.markdown import to_markdown
from laban_mapper.reports.report import Report
from laban_mapper.reports.sarif import to_sarif

ReportForm = Literal["sarif", "junit", "markdown"]
REPORT_FORMS: Final[tuple[ReportForm, ...]] = get_args(ReportForm)
"""Text is for terminals, and each check has a JSON shape of its own: they are not written here."""

MEDIA_TYPES: Final[dict[ReportForm, str]] = {
    "sarif": "application/sarif+json",
    "junit": "application/xml",
    "markdown": "text/markdown",
}
_WRITERS: Final[dict[ReportForm, Callable[[Report], str]]] = {
    "sarif": to_sarif,
    "junit": to_junit,
    "markdown": to_markdown,
}


def write_report(report: Report, form: ReportForm) -> str:
    """The report in a form; the same report always gives the same text."""
    return _WRITERS[form](report)
