import os
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from laban_collector.errors import StoreDamaged
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.housekeeping.verification import Verifier
from laban_collector.store.duckdb.store import DuckDBStore
from laban_collector.store.duckdb.write.writer import DuckDBWriter

from ..edges.test_counter import store
from ..random_shop import shop
from ..small_groups import BLOCK, SPANS, block_of, make, overwrite


def go_on(seconds: float) -> bool:
    del seconds
    return False


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("verification") / "a.duckdb")


@pytest.fixture
def database(whole: Path, tmp_path: Path) -> Generator[Database, None, None]:
    path = tmp_path / whole.name
    path.write_bytes(whole.read_bytes())
    database = Database.open(path)
    try:
        yield database
    finally:
        database.abandon()


def verifier(database: Database) -> Verifier:
    return Verifier(database, DuckDBStore(database).check_ledger)


def test_an_intact_file_is_read_whole(database: Database) -> None:
    verify = verifier(database)
    assert verify.run(go_on)
    assert (verify.result.state, verify.result.passes, verify.result.damage) == ("intact", 1, None)
    assert verify.result.rows > SPANS
    assert verify.result.blocks > 10
    assert verify.run(go_on)
    assert verify.result.passes == 2


def test_a_wrong_byte_in_a_block_that_nobody_reads_is_found(database: Database) -> None:
    overwrite(database.path, block_of_open(database, "attributes"), b"\x55" * 64)
    verify = verifier(database)
    assert not verify.run(go_on)
    assert verify.result.state == "damaged"
    assert "checksum" in str(database.damage)
    assert database.failure is not None


def test_exchanged_blocks_are_found_by_their_values(database: Database, whole: Path) -> None:
    one, other = (block_of(whole, "span_id", group) for group in (0, 3))
    content = whole.read_bytes()
    overwrite(database.path, one, content[other : other + BLOCK])
    overwrite(database.path, other, content[one : one + BLOCK])
    assert not verifier(database).run(go_on)
    assert "span_id holds values outside their recorded range" in str(database.damage)


def test_a_damaged_block_that_a_query_reads_is_damage_and_is_told(database: Database) -> None:
    told: list[bool] = []
    database.on_trouble = lambda: told.append(True)
    overwrite(database.path, block_of_open(database, "attributes"), bytes(BLOCK))
    with pytest.raises(StoreDamaged, match="laban rescue"), database.reading() as cursor:
        cursor.execute("SELECT max(attributes) FROM spans").fetchall()
    assert told == [True]
    assert database.damage is not None


def test_a_pass_ends_when_it_is_told_to(database: Database) -> None:
    verify = verifier(database)
    assert verify.run(lambda _: True)
    assert verify.result.passes == 0


def block_of_open(database: Database, column: str) -> int:
    """Return the offset of a block of a column, by the copy that no process has open."""
    copy = database.path.with_name("copy.duckdb")
    with database.descriptor() as descriptor:
        copy.write_bytes(os.pread(descriptor, os.fstat(descriptor).st_size, 0))
    return block_of(copy, column, 2)


def test_rows_of_which_the_file_does_not_tell_the_range_are_no_damage(database: Database) -> None:
    """As of rows that were added since the last checkpoint."""
    store(DuckDBWriter(database), [[replace(span, name="Ünïcode, " + span.name)] for span in shop(3)])
    assert verifier(database).run(go_on)
    assert database.damage is None
