"""How a collector is doing, for the terminal."""

from collections.abc import Iterator

from rich.text import Text

from laban_mapper.model import CollectorStatus
from laban_mapper.times import in_words

Row = tuple[str, Text]

_UNITS = ("B", "kB", "MB", "GB", "TB")


def collector_rows(status: CollectorStatus) -> Iterator[Row]:
    """Names and values, the worst news first."""
    if status.failure is not None:
        yield "database", Text(f"DOES NOT ANSWER: {status.failure}", style="bold red")
    if not status.ledger_agrees:
        yield "ledger", Text(status.ledger, style="bold red")
    for name in status.set_aside:
        yield "set aside", Text(name, style="red")
    yield "received", Text(f"{status.received:,} spans since the start")
    yield "stored", Text(f"{status.stored:,} spans, {status.duplicates:,} were there already")
    yield "refused", _refused(status)
    yield "in flight", Text(f"{_size(status.in_flight)}; {status.unloaded:,} spans in the journal")
    yield "commits", _commits(status)
    yield (
        "file",
        Text(f"{_size(status.file)}, {_size(status.file - status.used)} of it free; log {_size(status.wal)}"),
    )
    if status.forgotten:
        yield "forgotten", Text(f"{status.forgotten:,} spans, by the retention")
    if status.ledger_agrees:
        yield "ledger", Text(status.ledger)


def _refused(status: CollectorStatus) -> Text:
    parts = [f"{count:,} requests {reason}" for reason, count in sorted(status.refused.items())]
    if status.rejected:
        parts.append(f"{status.rejected:,} spans in requests otherwise accepted")
    return Text(", ".join(parts), style="yellow") if parts else Text("nothing")


def _commits(status: CollectorStatus) -> Text:
    if status.commit_mean is None:
        return Text("none yet")
    return Text(f"{status.commits:,}, {in_words(status.commit_mean * 1000)} each")


def _size(number: float) -> str:
    for unit in _UNITS:
        if number < 1000 or unit == _UNITS[-1]:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    raise AssertionError  # the last unit takes all
