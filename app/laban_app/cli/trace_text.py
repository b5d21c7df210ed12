"""A trace for the terminal: a summary, then the tree of its spans with times and errors."""

from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from laban_app.cli.terminal import count
from laban_mapper.names import shortened
from laban_mapper.resilience_notes import notes_of
from laban_mapper.times import format_duration, utc_time
from laban_mapper.trace import Trace, TraceSpan
from laban_mapper.trace_tree import Branch, tree

READ: Final = 5_000
"""Maximum number of spans to ask for; the tree is made of these."""
_MAX_LINES: Final = 300
_NAME: Final = 60
"""The most characters of a service in a line."""
_NS_PER_MS: Final = 1e6


def show_trace(trace: Trace, console: Console) -> None:
    """Print a trace."""
    branches = tree(trace.spans)
    shown = branches[:_MAX_LINES]
    console.print(Text(_summary(trace), style="bold"))
    console.print()
    console.print(_table(trace, shown, max(4, console.width // 8)))
    hidden = len(branches) - len(shown)
    if hidden or trace.truncated:
        rest = f"{count(hidden, 'more span')} of the first {len(branches):,}" if hidden else "more spans"
        console.print(Text(f"… and {rest}: see --json", style="dim"))
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


def _table(trace: Trace, branches: list[Branch], deepest: int) -> Table:
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
        for note in notes_of(span):
            table.add_row("", Text(f"{indent}  ↻ {note}", style="yellow"), "")
    return table


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
