"""The server of `laban mcp`: the protocol on standard input and output, and nothing else."""

import logging
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import anyio

from laban_app.answers.discovery import open_store
from laban_app.answers.findings_settings import findings_settings
from laban_app.answers.protocol import TraceAnswers
from laban_app.mcp.asking import Asking
from laban_app.mcp.gate import Gate
from laban_app.mcp.registry import build_server
from laban_collector.settings import load_settings
from laban_collector.store.base import Store


class Place(NamedTuple):
    """Where to ask; None as in `open_store`."""

    url: str | None = None
    db: Path | None = None
    token: str | None = None

    @contextmanager
    def __call__(self, *, settled: bool) -> Generator[TraceAnswers, None, None]:
        """Open answers for one question.

        An assistant keeps its servers for hours. An open file would keep a collector from starting, and a
        collector may start, stop and move meanwhile.
        """
        del settled  # a file has no spans that wait, and a collector takes care itself
        store = open_store(self.url, self.db, self.token)
        if not isinstance(store, Store):
            yield store
            return
        from laban_app.answers.local import LocalAnswers  # a collector's answers need no database

        judged_by = findings_settings(load_settings(token=self.token))
        with store:
            yield LocalAnswers(store.reader(), judged_by=judged_by)


def serve_stdio(place: Place) -> None:
    """Answer until standard input ends.

    Raises:
        BadSettings: a setting is invalid.
    """
    load_settings(token=place.token)  # wrong settings are an error now, and not in each answer
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="laban mcp: %(message)s")
    # One question at a time: a file is open only once.
    server = build_server(Asking(place, Gate(at_once=1)))
    anyio.run(server.run_stdio_async)
