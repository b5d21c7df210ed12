"""A report as Markdown, for the summary of a CI job or a ticket: names format and mention nothing."""

import re
from collections.abc import Iterator
from typing import Final

from laban_mapper.names import shortened
from laban_mapper.printable import printable
from laban_mapper.reports.report import Report, ReportItem, Severity

_MARKS: Final[dict[Severity, str]] = {"error": "🔴 error", "warning": "🟡 warning", "info": "⚪ info"}
_MOST_ITEMS: Final = 100
"""With the bounds below, the text is shorter than the 1 MiB that a job summary may have."""
_MOST_TRACES: Final = 3
_SENTENCE: Final = 600
_SPECIAL: Final = re.compile(r"[\\`*_{}\[\]<>&|~$#]|(?<=\w)!(?=\d)")
_MENTION: Final = re.compile(r"@(?=\w)")
_LINK: Final = re.compile(r"(://|www\.)", re.IGNORECASE)


def to_markdown(report: Report) -> str:
    """A heading, the verdict, a table of the items, what to do, and the notes."""
    mark = "❌" if report.failed else "✅"
    lines = [f"## {mark} {text(report.title)}", "", f"**{text(report.verdict)}**", ""]
    counted = [item for item in report.items if item.accepted is None]
    accepted = [item for item in report.items if item.accepted is not None]
    if counted:
        lines += [*_table(counted), ""]
        lines += [*_advice(counted)]
    if accepted:
        lines += ["<details><summary>Accepted</summary>", "", *_accepted(accepted), "", "</details>", ""]
    lines += [f"- {text(note)}" for note in report.notes]
    return "\n".join(lines).rstrip("\n") + "\n"


def _table(items: list[ReportItem]) -> Iterator[str]:
    yield "| | what | where | proof |"
    yield "|---|---|---|---|"
    for item in items[:_MOST_ITEMS]:
        proof = "<br>".join(code(trace) for trace in item.traces[:_MOST_TRACES]) or "–"
        what = f"**{code(item.name)}** {code(item.code)}<br>{text(item.sentence)}"
        yield f"| {_MARKS[item.severity]} | {what} | {_where(item)} | {proof} |"
    if len(items) > _MOST_ITEMS:
        yield f"| | … and {len(items) - _MOST_ITEMS:,} more | | |"


def _where(item: ReportItem) -> str:
    where = code(item.place)
    if item.file is not None:
        where += f"<br>{code(item.file if item.line is None else f'{item.file}:{item.line}')}"
    return where


def _advice(items: list[ReportItem]) -> Iterator[str]:
    """What to do, once for each text."""
    advised: dict[str, list[str]] = {}
    for item in items[:_MOST_ITEMS]:
        if item.advice is not None:
            names = advised.setdefault(item.advice, [])
            if item.name not in names:
                names.append(item.name)
    for advice, names in advised.items():
        yield f"- {', '.join(map(code, names))}: {text(advice)}"
    if advised:
        yield ""


def _accepted(items: list[ReportItem]) -> Iterator[str]:
    for item in items[:_MOST_ITEMS]:
        yield f"- {code(item.name)} {code(item.place)}: {text(item.accepted or '')}"
    if len(items) > _MOST_ITEMS:
        yield f"- … and {len(items) - _MOST_ITEMS:,} more"


def text(given: str) -> str:
    """Text that neither formats, nor links, nor mentions anybody."""
    shown = shortened(printable(given), _SENTENCE)
    escaped = _SPECIAL.sub(lambda found: "&#" + str(ord(found[0])) + ";", shown)
    return _LINK.sub(_broken_link, _MENTION.sub("@<!-- -->", escaped))


def _broken_link(found: re.Match[str]) -> str:
    return f"{found[0][0]}<!-- -->{found[0][1:]}"


def code(given: str) -> str:
    """Text as code in a cell of a table; it may contain backticks."""
    shown = shortened(printable(given), 160).replace("|", "¦") or "–"
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    padding = " " if "`" in shown else ""
    return f"{fence}{padding}{shown}{padding}{fence}"
