"""Formats figures as Markdown tables and writes them between two markers of a document."""

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

_DOCUMENTS: Final = Path(__file__).resolve().parents[2] / "docs"
PERFORMANCE: Final = _DOCUMENTS / "performance.md"
INSTRUMENTATION_COST: Final = _DOCUMENTS / "instrumentation-cost.md"
SHOP_TRUTH: Final = _DOCUMENTS / "shop-truth.md"
FINDINGS: Final = _DOCUMENTS / "findings.md"
WHAT_IF: Final = _DOCUMENTS / "what-if.md"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; the first column is text, the others are numbers."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        texts = [cells[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells[1:], widths[1:], strict=True))]
        return f"| {' | '.join(texts)} |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([line(head), line(rule), *map(line, rows)])


def machine() -> str:
    """Return one sentence that describes the machine and the library versions."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "pyarrow", "ptars", "protobuf"))
    python = platform.python_version()
    return f"{os.cpu_count()} processors ({platform.machine()}), Python {python}, {libraries}."


def traced_with() -> str:
    """Return one sentence with the machine and the versions of the tracing and traced libraries."""
    libraries = ("opentelemetry-sdk", "kafka-python", "aiokafka", "confluent-kafka", "fastapi")
    versions = ", ".join(f"{name} {version(name)}" for name in libraries)
    return (
        f"{os.cpu_count()} processors ({platform.machine()}), Python {platform.python_version()}, {versions}."
    )


def publish(section: str, text: str, document: Path = PERFORMANCE) -> None:
    """Replace one generated section of a document."""
    begin, end = f"<!-- {section}: generated -->", f"<!-- {section}: end -->"
    before, _, rest = document.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    document.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def section(name: str, document: Path) -> str:
    """Return one generated section of a document."""
    begin, end = f"<!-- {name}: generated -->", f"<!-- {name}: end -->"
    return document.read_text(encoding="utf-8").partition(begin)[2].partition(end)[0]
