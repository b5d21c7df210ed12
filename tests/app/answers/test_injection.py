"""Values that would be SQL if a query were put together from text: every question takes them as values."""

from pathlib import Path
from typing import Final

import pytest

from laban_app.answers.local import LocalAnswers
from laban_app.errors import UnknownValue
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.store.base import EXPORTED_TABLES
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.housekeeping.export import backup
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter

from ...collector.requests import body, span

_HOSTILE: Final = [
    "'; DROP TABLE spans; --",
    '" OR ""="',
    "1' OR '1'='1",
    "$sequence",
    "?",
    "%",
    "_",
    "x'||(SELECT max(name) FROM spans)||'",
    "\\'; ATTACH '/etc/passwd' AS a; --",
    "/* */ UNION SELECT * FROM duckdb_settings()",
    "\u2019; DROP TABLE spans; --",
]


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database.open(tmp_path / 'it\'s; "a" $name.duckdb')


@pytest.fixture
def answers(database: Database) -> LocalAnswers:
    spans = [
        span(number, {"order.id": value, "service.name": value, value: value, "http.route": value})
        for number, value in enumerate(_HOSTILE)
    ]
    DuckDBWriter(database).write(decode([body(*spans)], KeyFinder()).batch)
    return LocalAnswers(DuckDBReader(database))


def test_each_value_finds_only_its_own_span(answers: LocalAnswers) -> None:
    for value in _HOSTILE:
        assert answers.story("order", value).spans == len(_HOSTILE)  # they share a trace
    known = {one.value for one in answers.known_values("order", 100).values}
    assert known == set(_HOSTILE)


@pytest.mark.parametrize("value", _HOSTILE)
def test_unknown_keys_and_values_are_unknown_and_change_nothing(
    answers: LocalAnswers, database: Database, value: str
) -> None:
    for key, asked in ((value, "1"), ("order", value + "!"), (value, value)):
        with pytest.raises(UnknownValue):
            answers.story(key, asked)
    assert answers.known_values(value).values == []
    with database.reading() as cursor:
        assert cursor.execute("SELECT count(*) FROM spans").fetchone() == (len(_HOSTILE),)


def test_a_file_with_a_hostile_name_is_backed_up_and_opened(database: Database, tmp_path: Path) -> None:
    target = tmp_path / "copy'; DROP TABLE spans; --.duckdb"
    for _ in backup(database, target):
        pass
    database.close()
    with Database.open(target, read_only=True) as copy, copy.reading() as cursor:
        tables = {name for (name,) in cursor.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    assert set(EXPORTED_TABLES) <= tables


def test_queries_can_reach_no_file_and_change_no_setting(database: Database) -> None:
    with database.reading() as cursor:
        for query in (
            "SELECT * FROM read_csv('/etc/passwd')",
            "ATTACH '/tmp/other.duckdb'",
            "SET enable_external_access = true",
            "COPY spans TO '/tmp/spans.csv'",
        ):
            with pytest.raises(Exception, match=r"(?i)disabled|locked|permission|read-only"):
                cursor.execute(query)
