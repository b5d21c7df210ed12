"""Runs traced programs, and stores their spans through the real decoders in a real database."""

import signal
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from io import StringIO
from pathlib import Path

from rich.console import Console

from laban_app.answers.local import LocalAnswers
from laban_app.cli.story_text import show_story
from laban_collector.decode import otlp_protobuf
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp import OtlpDecoder
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_mapper.model import Edge, Story

from ...collector.batches import assert_same
from ..otlp_sink import Received, Sink, sinking
from ..processes import line_of, running, traced

PROGRAMS = Path(__file__).parents[1] / "programs" / "messaging"
_TIMEOUT_S = 60
_STOP_S = 30


class TracedPrograms:
    """Starts programs, and answers queries about the spans that they have sent."""

    def __init__(self, sink: Sink, database: Database, stack: ExitStack) -> None:
        self._sink = sink
        self._database = database
        self._stack = stack
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._ready_lines: dict[str, str] = {}

    def start(
        self, service: str, program: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start one of the test programs, traced."""
        self.start_command(
            service, [sys.executable, str(PROGRAMS / f"{program}.py"), *arguments], environment
        )

    def start_command(
        self, service: str, command: list[str], environment: Mapping[str, str] | None = None
    ) -> None:
        """Start a command, traced."""
        whole = traced(self._sink.endpoint, service, *command)
        self._running[service] = self._stack.enter_context(running(whole, environment))

    def ready(self, service: str) -> str:
        """Wait until this program is ready; returns the rest of its line `ready …`."""
        if service not in self._ready_lines:
            self._ready_lines[service] = line_of(self._running[service], "ready")
        return self._ready_lines[service]

    def all_ready(self) -> None:
        """Wait until all programs are ready."""
        for service in self._running:
            self.ready(service)

    def wait_for_line(self, service: str, start: str) -> None:
        """Wait until this program prints a line that starts with this text."""
        line_of(self._running[service], start)

    def finish(self, count: int, *, wait: bool = True) -> list[Received]:
        """Wait for spans, then stop all programs, which send their remaining spans. Returns all spans.

        Args:
            count: the number of spans to wait for.
            wait: False if the programs have done all work, and send their remaining spans when they stop.
        """
        try:
            if wait:
                self._sink.wait_for(count, _TIMEOUT_S)
        finally:
            for process in self._running.values():
                process.send_signal(signal.SIGTERM)
            for process in self._running.values():
                print(process.communicate(timeout=_STOP_S)[0])  # for pytest to show if this fails
        self._store()
        return self._sink.spans

    def edges(self) -> dict[tuple[str, str], Edge]:
        """The edges that `laban map` shows."""
        shown = LocalAnswers(DuckDBReader(self._database)).service_map()
        return {(edge.source, edge.target): edge for edge in shown.edges}

    def order(self, order_id: str) -> Story:
        """The story that `laban order` shows."""
        return LocalAnswers(DuckDBReader(self._database)).story("order", order_id)

    def _store(self) -> None:
        decoded = OtlpDecoder(KeyFinder()).decode(self._sink.bodies)
        assert_same(otlp_protobuf.decode(self._sink.bodies, KeyFinder()), decoded)
        DuckDBWriter(self._database).write(decoded.batch)


@contextmanager
def traced_programs(folder: Path) -> Generator[TracedPrograms]:
    """Traced programs whose database is in this folder."""
    with ExitStack() as stack:
        sink = stack.enter_context(sinking())
        database = stack.enter_context(Database.open(folder / "spans.duckdb"))
        yield TracedPrograms(sink, database, stack)


def edge_triples(edges: Mapping[tuple[str, str], Edge]) -> set[tuple[str, str, str]]:
    """Source, protocol and target of each edge; checks that each was used once, and its evidence."""
    for edge in edges.values():
        assert (edge.calls, edge.errors) == (1, 0), edge
        assert not edge.source.startswith("topic:") or edge.evidence.parent == 1, edge
    return {(source, edge.protocol, target) for (source, target), edge in edges.items()}


def story_text(story: Story) -> str:
    """The text that `laban order` prints."""
    console = Console(file=StringIO(), width=120, color_system=None)
    with console.capture() as captured:
        show_story(story, console)
    return captured.get()
