"""The `laban import` command."""

import contextlib
import json as json_module
import sys
import time
from collections.abc import Generator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from laban_app.answers.discovery import file_or_collector, remote
from laban_app.answers.import_report import as_json, warnings_of
from laban_app.answers.profiling import profile_traces
from laban_app.answers.remote import RemoteAnswers
from laban_app.answers.remote_writer import RemoteWriter
from laban_app.cli import terminal
from laban_app.wiring import STORE
from laban_collector.errors import StoreLocked, UnreadableFile
from laban_collector.importing.importer import Importer, Report, decoding_processes
from laban_collector.protect.protected_writer import ProtectedWriter
from laban_collector.protect.protection import Protection
from laban_collector.settings import Settings, load_settings
from laban_collector.store.base import SpanWriter
from laban_collector.store.private_files import keep_new_files_private
from laban_mapper.printable import printable

_STDIN: Final = "-"
_NOTHING_READ: Final = 1
_FILES_IN_TEXT: Final = 3
"""The files that are named with a reason; JSON has more."""
_FIELDS_IN_TEXT: Final = 5
"""The most frequent unknown fields; all that are named are in JSON."""


def import_files(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Files to import; - reads stdin.")],
    db: Annotated[
        Path | None,
        typer.Option(
            "--db",
            metavar="FILE",
            help="Database file; if a collector has it open, the collector stores the spans. "
            "[default: laban.duckdb]",
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="Send the spans to the collector at this URL instead."),
    ] = None,
    token: terminal.Token = None,
    json: terminal.Json = False,
) -> None:
    """Import spans from files of other tools.

    Formats: OTLP (JSON, JSON lines, protobuf; also of Jaeger's and Tempo's APIs and of the OpenTelemetry
    Collector's file exporter), Jaeger JSON, Zipkin v2 JSON, AWS X-Ray segments, Datadog JSON and the console
    output of the Python SDK, each also with gzip or zstd. The format is detected from the content. Spans that
    cannot be read are skipped and counted. A span that is already stored is not stored again. Exits 1 if
    there is no span to import.
    """
    _check(files)
    keep_new_files_private()
    settings = load_settings(db=db, token=token)
    with _target(url, settings) as target:
        report = _import(files, target)
    if json:
        terminal.print_json_text(json_module.dumps(as_json(report, time.time_ns()), indent=2))
    else:
        _show(report, target.name, terminal.stdout(), time.time_ns())
    if report.spans == 0:
        raise typer.Exit(_NOTHING_READ)


def _check(files: Sequence[str]) -> None:
    """Find missing files before anything is imported; raises UnreadableFile."""
    for name in files:
        if name != _STDIN and not Path(name).is_file():
            what = "is a directory" if Path(name).is_dir() else "no such file"
            raise UnreadableFile(f"{name}: {what}. Nothing was imported.")


class _Target(NamedTuple):
    """The database or collector that stores the spans.

    Attributes:
        name: its name in messages.
        writer: stores the spans.
        rules: its business key rules.
    """

    name: str
    writer: SpanWriter
    rules: str


@contextlib.contextmanager
def _target(url: str | None, settings: Settings) -> Generator[_Target, None, None]:
    """The collector at the URL; without a URL the file, or the collector that has it open."""
    if url is not None:
        with remote(url, settings) as collector:
            yield _collector(collector)
        return
    try:
        store = file_or_collector(lambda: STORE.open(settings.db), settings.db, settings)
    except StoreLocked as error:
        raise StoreLocked(
            f"{error.args[0]} To import, stop that process first, or name another file (--db)."
        ) from error
    if isinstance(store, RemoteAnswers):
        with store:
            yield _collector(store)
        return
    with store:
        protection = Protection.from_settings(settings)
        writer = ProtectedWriter(store.writer(), protection, k8s_namespaces=settings.k8s_namespaces)
        yield _Target(str(settings.db), writer, settings.keys)
        store.complete_profiles(profile_traces)


def _collector(collector: RemoteAnswers) -> _Target:
    rules = collector.import_rules().keys
    return _Target(f"the collector at {collector.url}", RemoteWriter(collector), rules)


def _import(files: Sequence[str], target: _Target) -> Report:
    sizes = [0 if name == _STDIN else Path(name).stat().st_size for name in files]
    with decoding_processes(sum(sizes)) as executor, _progress() as progress:
        importer = Importer(target.writer, target.rules, executor)
        for name, size in zip(files, sizes, strict=True):
            _add(importer, name, progress, progress.add_task(name, total=size or None))
    return importer.report


def _add(importer: Importer, name: str, progress: Progress, task: TaskID) -> None:
    """Import one file and show the progress."""
    with _open(name) as file:
        seekable = file.seekable()
        importer.add(file, lambda: progress.update(task, completed=file.tell() if seekable else 0), name)


def _open(name: str) -> BufferedReader:
    try:
        if name == _STDIN:
            return open(sys.stdin.fileno(), "rb", closefd=False)
        return Path(name).open("rb")
    except OSError as error:
        raise UnreadableFile(f"{name} cannot be opened: {error.strerror}.") from error


def _progress() -> Progress:
    """One progress bar per file on a terminal; nothing in a pipe."""
    screen = terminal.stderr()
    bar = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*bar, console=screen, disable=not screen.is_terminal)


def _show(report: Report, where: str, screen: Console, now: int) -> None:
    spans, files = terminal.count(report.spans, "span"), terminal.count(report.files, "file")
    duplicates = f", {terminal.count(report.duplicates, 'duplicate')}" if report.duplicates else ""
    stored = f"{report.stored:,} stored in {where}{duplicates}" if report.spans else "nothing was imported"
    screen.print(Text(printable(f"{spans} in {files}: {stored}")))
    skipped = [
        f"{count:,} {reason}{_where(reason, report)}" for reason, count in report.refused.most_common()
    ]
    for line in skipped + warnings_of(report, now):
        screen.print(Text(f"  {printable(line)}", style="yellow"))
    notes = [f"{count:,} {note}" for note, count in report.notes.most_common()]
    for line in notes + _unknown_fields(report):
        screen.print(Text(f"  {printable(line)}"))


def _where(reason: str, report: Report) -> str:
    """The first of several files in which something was skipped."""
    files = report.refused_in.get(reason, []) if report.files > 1 else []
    more = ", …" if len(files) > _FILES_IN_TEXT else ""
    return f" ({', '.join(files[:_FILES_IN_TEXT])}{more})" if files else ""


def _unknown_fields(report: Report) -> list[str]:
    """One line on the fields that no format has, with the most frequent ones."""
    if not report.unknown:
        return []
    named = report.unknown.most_common(_FIELDS_IN_TEXT)
    more = len(report.unknown) - len(named)
    listed = [f"{field} ({count:,})" for field, count in named] + ([f"{more} more"] if more else [])
    return [f"unknown fields are not stored: {', '.join(listed)}"]
