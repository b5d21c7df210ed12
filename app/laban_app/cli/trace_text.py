"""A trace for the terminal: a summary, then the tree of its spans with times and errors."""

from collections import defaultdict
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from laban_app.cli.log_lines import ABSENT, AT_A_STEP, style_of, text_of
from laban_app.cli.terminal import count
from laban_mapper.model import LogEntry, Logs
from laban_mapper.names import shortened
from laban_mapper.resilience_notes import notes_of
from laban_mapper.story.logs import worst
from laban_mapper.times import format_duration, utc_time
from laban_mapper.trace import Trace, TraceSpan
from laban_mapper.trace_tree import Branch, tree

READ: Final = 5_000
"""Maximum number of spans to ask for; the tree is made of these."""
_MAX_LINES: Final = 300
_NAME: Final = 60
"""The most characters of a service in a line."""
_NS_PER_MS: Final = 1e6


def show_trace(trace: Trace, console: Console, logs: Logs | None = None) -> None:
    """Print a trace.

    Args:
        trace: the trace.
        console: the console to print to.
        logs: its log records, if they were asked for.
    """
    branches = tree(trace.spans)
    shown = branches[:_MAX_LINES]
    console.print(Text(_summary(trace), style="bold"))
    console.print()
    console.print(_table(trace, shown, max(4, console.width // 8), logs))
    hidden = len(branches) - len(shown)
    if hidden or trace.truncated:
        rest = f"{count(hidden, 'more span')} of the first {len(branches):,}" if hidden else "more spans"
        console.print(Text(f"… and {rest}: see --json", style="dim"))
    if logs is not None and not logs.logs:
        console.print(Text(ABSENT, style="dim"))
    console.print()
    console.print(Text(f"trace {trace.trace_id} · all attributes: --json", style="dim"))


def _summary(trace: Trace) -> str:
    started = utc_time(trace.start_ns)
    spans = f"the first {trace.span_count:,} spans" if trace.truncated else count(trace.span_count, "span")
    parts = [
        spans,
        count(len(trace.services), "service"),
        f"{count(trace.error_count, 'error')}" if trace.error_count else "no errors",
        format_duration(trace.duration_ns / _NS_PER_MS),
        f"{started:%Y-%m-%d %H:%M:%S}.{started.microsecond // 1000:03d} UTC",
    ]
    return " · ".join(parts)


def _table(trace: Trace, branches: list[Branch], deepest: int, logs: Logs | None) -> Table:
    logged: defaultdict[str | None, list[LogEntry]] = defaultdict(list)
    for entry in logs.logs if logs else ():
        logged[entry.span_id].append(entry)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("when", justify="right", no_wrap=True)
    table.add_column("what", overflow="fold")
    table.add_column("took", justify="right", no_wrap=True)
    for depth, span in branches:
        indent = "  " * min(depth, deepest)
        failed = span.status == "error"
        what = Text.assemble(
            indent,
            (f"⋯{depth} " if depth > deepest else "", "dim"),
            (shortened(span.resource.service, _NAME), "bold red" if failed else "bold cyan"),
            "  ",
            shortened(span.name),
            (f"  {span.kind}" if span.kind not in ("internal", "unspecified") else "", "dim"),
        )
        when = f"+{format_duration((span.start_ns - trace.start_ns) / _NS_PER_MS)}"
        table.add_row(when, what, Text(format_duration(span.duration_ns / _NS_PER_MS), style="dim"))
        if failed:
            table.add_row("", Text(f"{indent}  ✗ {_error(span)}", style="red"), "")
        for note in notes_of(span, span.duration_ns / _NS_PER_MS if failed else None):
            table.add_row("", Text(f"{indent}  ↻ {note}", style="yellow"), "")
        _add_logs(table, trace, logged.pop(span.span_id, []), f"{indent}  ")
    _add_logs(table, trace, logged.pop(None, []), "")
    if left := sum(map(len, logged.values())):
        table.add_row("", Text(f"… and {count(left, 'log record')} of spans that are not shown", "dim"), "")
    return table


def _add_logs(table: Table, trace: Trace, entries: list[LogEntry], indent: str) -> None:
    shown = worst(entries, AT_A_STEP)
    for entry in shown:
        when = format_duration(max(entry.time_ns - trace.start_ns, 0) / _NS_PER_MS)
        what = Text.assemble((f"{indent}▪ ", "dim"), (text_of(entry), style_of(entry)))
        table.add_row(Text(f"+{when}", style="dim"), what, "")
    if len(shown) < len(entries):
        more = count(len(entries) - len(shown), "more log record")
        table.add_row("", Text(f"{indent}… and {more}", style="dim"), "")


def _error(span: TraceSpan) -> str:
    """What went wrong: the status message, else the exception, else the type."""
    exceptions = [event.attributes for event in span.events if event.name == "exception"]
    exception = exceptions[-1] if exceptions else {}
    told = (
        span.status_message,
        exception.get("exception.message"),
        exception.get("exception.type"),
        span.attributes.get("error.type"),
    )
    return shortened(next((str(text) for text in told if text), "error"), 200)
