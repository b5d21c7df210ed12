"""Where traced programs play: what they send goes through the real decoders into a real database."""

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
_PLAY_S = 60
_STOP_S = 30


class Stage:
    """Starts programs, and answers from all that they have sent."""

    def __init__(self, sink: Sink, database: Database, stack: ExitStack) -> None:
        self._sink = sink
        self._database = database
        self._stack = stack
        self._playing: dict[str, subprocess.Popen[str]] = {}
        self._said: dict[str, str] = {}

    def start(
        self, service: str, program: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start one of the programs traced."""
        self.start_command(
            service, [sys.executable, str(PROGRAMS / f"{program}.py"), *arguments], environment
        )

    def start_command(
        self, service: str, command: list[str], environment: Mapping[str, str] | None = None
    ) -> None:
        """Start any command traced."""
        whole = traced(self._sink.endpoint, service, *command)
        self._playing[service] = self._stack.enter_context(running(whole, environment))

    def ready(self, service: str) -> str:
        """Wait until this program is ready; what it says then."""
        if service not in self._said:
            self._said[service] = line_of(self._playing[service], "ready")
        return self._said[service]

    def all_ready(self) -> None:
        """Wait until all programs are ready."""
        for service in self._playing:
            self.ready(service)

    def says(self, service: str, word: str) -> None:
        """Wait until this program says this."""
        line_of(self._playing[service], word)

    def finish(self, count: int, *, at_once: bool = False) -> list[Received]:
        """Wait for so many spans, and stop all programs, which deliver what they still have: all spans.

        Args:
            count: how many spans to expect.
            at_once: whether all is done by now: what has not come yet is delivered by who is stopped.
        """
        try:
            if not at_once:
                self._sink.wait_for(count, _PLAY_S)
        finally:
            for process in self._playing.values():
                process.send_signal(signal.SIGTERM)
            for process in self._playing.values():
                print(process.communicate(timeout=_STOP_S)[0])  # for pytest to show if this fails
        self._store()
        return self._sink.spans

    def edges(self) -> dict[tuple[str, str], Edge]:
        """The edges of `laban map`."""
        drawn = LocalAnswers(DuckDBReader(self._database)).service_map()
        return {(edge.source, edge.target): edge for edge in drawn.edges}

    def order(self, order_id: str) -> Story:
        """The answer of `laban order`."""
        return LocalAnswers(DuckDBReader(self._database)).story("order", order_id)

    def _store(self) -> None:
        decoded = OtlpDecoder(KeyFinder()).decode(self._sink.bodies)
        assert_same(otlp_protobuf.decode(self._sink.bodies, KeyFinder()), decoded)
        DuckDBWriter(self._database).write(decoded.batch)


@contextmanager
def staged(folder: Path) -> Generator[Stage]:
    """A stage whose database is in this folder."""
    with ExitStack() as stack:
        sink = stack.enter_context(sinking())
        database = stack.enter_context(Database.open(folder / "spans.duckdb"))
        yield Stage(sink, database, stack)


def hops(edges: Mapping[tuple[str, str], Edge]) -> set[tuple[str, str, str]]:
    """From where to where by which protocol; that each was gone once, and which evidence, is checked here."""
    for edge in edges.values():
        assert (edge.calls, edge.errors) == (1, 0), edge
        assert not edge.source.startswith("topic:") or edge.evidence.parent == 1, edge
    return {(source, edge.protocol, target) for (source, target), edge in edges.items()}


def shown(story: Story) -> str:
    """What `laban order` prints."""
    console = Console(file=StringIO(), width=120, color_system=None)
    with console.capture() as captured:
        show_story(story, console)
    return captured.get()
