"""Spans from the official exporters of other languages are stored without changes."""

import json
import shutil
import subprocess
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from laban_collector.store.duckdb.connection.database import Database

from ..collector.running import running_collector

HERE: Final = Path(__file__).parent
START: Final = 1_795_000_000_123_456_789
MS: Final = 1_000_000
ATTRIBUTES: Final = {
    "text": 'tëxt "quoted" ☃',
    "integer": 9007199254740991,
    "negative": -7,
    "double": 1.5,
    "boolean": True,
    "texts": ["a", ""],
    "integers": [1, -2],
    "doubles": [0.5, 2.25],
    "booleans": [True, False],
}
SPANS: Final = """
    SELECT s.name, s.kind, s.status, s.status_message, epoch_ns(s.start), s.duration,
           p.name, s.attributes, c.name, c.version
    FROM spans s
    JOIN resources r USING (resource_id)
    JOIN scopes c USING (scope_id)
    LEFT JOIN spans p ON (p.trace_hi, p.trace_lo, p.span_id) = (s.trace_hi, s.trace_lo, s.parent_id)
    WHERE r.service = $language AND json_extract_string(r.attributes, 'way') = $way
    ORDER BY s.start
"""
EVENTS: Final = """
    SELECT s.name, epoch_ns(e.time), e.name, e.attributes
    FROM span_events e JOIN spans s USING (trace_hi, trace_lo, span_id) JOIN resources r USING (resource_id)
    WHERE r.service = $language AND json_extract_string(r.attributes, 'way') = $way
"""
LINKS: Final = """
    SELECT s.name, l.linked_trace_hi, l.linked_trace_lo, l.linked_span_id, l.attributes
    FROM span_links l JOIN spans s USING (trace_hi, trace_lo, span_id) JOIN resources r USING (resource_id)
    WHERE r.service = $language AND json_extract_string(r.attributes, 'way') = $way
"""


class Sender(NamedTuple):
    """A program that sends spans.

    Attributes:
        command: the command line; the addresses of gRPC and HTTP follow.
        built: a path that exists once the program is built.
        build: the shell command that builds it, from the root of the repository.
        ways: the combinations of protocol and compression that it uses.
    """

    command: Sequence[str]
    built: Path
    build: str
    ways: Sequence[str]


WAYS: Final = ("grpc gzip", "grpc plain", "http gzip", "http plain")
SENDERS: Final = {
    "go": Sender(
        (str(HERE / "go/.built/sender"),),
        HERE / "go/.built/sender",
        "(cd tests/exporters/go && go build -o .built/sender .)",
        WAYS,
    ),
    "java": Sender(
        (
            "java",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            str(HERE / "java/.jars/*"),
            str(HERE / "java/Sender.java"),
        ),
        HERE / "java/.jars",
        "mvn -f tests/exporters/java/pom.xml dependency:copy-dependencies",
        WAYS,
    ),
    "node": Sender(
        ("node", str(HERE / "node/sender.js")),
        HERE / "node/node_modules",
        "npm --prefix tests/exporters/node install --no-package-lock",
        (*WAYS, "json gzip", "json plain"),
    ),
}


@pytest.fixture
def database(tmp_path: Path) -> Generator[Database, None, None]:
    with Database.open(tmp_path / "laban.duckdb") as opened:
        yield opened


@pytest.mark.parametrize("language", SENDERS)
def test_spans_of_an_official_exporter_are_stored_unchanged(database: Database, language: str) -> None:
    sender = SENDERS[language]
    if shutil.which(sender.command[0]) is None or not sender.built.exists():
        pytest.skip(f"the exporters of {language} are not built: {sender.build}")
    with running_collector(database) as addresses:
        done = subprocess.run(
            [*sender.command, addresses.grpc, addresses.http],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    for way in sender.ways:
        assert_came_back(database, language, way)


def assert_came_back(database: Database, language: str, way: str) -> None:
    selection = {"language": language, "way": way}
    with database.reading() as cursor:
        spans, events, links = (
            cursor.execute(query, selection).fetchall() for query in (SPANS, EVENTS, LINKS)
        )
    scope = ("exporters", "1.2.3")
    assert [(*row[:7], *row[8:]) for row in spans] == [
        ("parent", 2, 0, None, START, 5 * MS, None, *scope),
        ("child", 3, 2, "broken", START + 2 * MS, MS, "parent", *scope),
    ], way
    assert (json.loads(spans[0][7]), spans[1][7]) == (ATTRIBUTES, None), way
    assert events == [("parent", START + MS, "happened", '{"n":1}')], way
    assert links == [
        ("parent", 0x0102030405060708, 0x090A0B0C0D0E0F10, 0x0102030405060708, '{"why":"test"}')
    ], way
