import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from laban_collector.errors import StoreDamaged, StoreError, StoreUnwritable
from laban_collector.store.damage import LostCommits
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.durability import blocks, rescue_process
from laban_collector.store.duckdb.durability.rescue import rescue
from laban_collector.store.duckdb.durability.rescued_batches import batches
from laban_collector.store.duckdb.durability.saved_metadata import save
from laban_collector.store.duckdb.store import DuckDBStore

from ..connection.test_session import full_disk
from ..small_groups import BLOCK, COMMITS, GROUP, PER_COMMIT, SPANS, block_of, make, overwrite


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = make(tmp_path_factory.mktemp("rescue") / "a.duckdb")
    with Database.open(path) as database:
        assert save(database)
    return path


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    for file in whole.parent.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path / whole.name


def test_a_row_group_with_a_damaged_block_is_lost_and_its_commits_are_named(path: Path) -> None:
    overwrite(path, block_of(path, "span_id", 1), bytes(BLOCK))
    before = path.read_bytes()
    result = rescue(path, path.with_name("new.duckdb"))
    assert result.spans == SPANS - GROUP
    first = GROUP // PER_COMMIT + 1
    lost = LostCommits(first=first, last=first + GROUP // PER_COMMIT - 1, spans=GROUP)
    assert (result.losses.spans, result.losses.exact, result.losses.commits) == (GROUP, True, (lost,))
    assert path.read_bytes() == before
    with DuckDBStore.open(path.with_name("new.duckdb"), read_only=True) as store:
        assert store.check_ledger().different == 0
        assert store.check_ledger().newest == COMMITS


def test_spans_without_their_attributes_are_kept_and_counted(path: Path) -> None:
    overwrite(path, block_of(path, "attributes", 2), bytes(BLOCK))
    result = rescue(path, path.with_name("new.duckdb"))
    assert (result.spans, result.losses.spans) == (SPANS, 0)
    assert (result.losses.incomplete, result.losses.columns) == (GROUP, ("attributes",))
    assert result.losses.any


def test_exchanged_blocks_have_right_checksums_and_are_found_by_their_values(path: Path) -> None:
    one, other = (block_of(path, "span_id", group) for group in (0, 3))
    content = path.read_bytes()
    overwrite(path, one, content[other : other + BLOCK])
    overwrite(path, other, content[one : one + BLOCK])
    result = rescue(path, path.with_name("new.duckdb"))
    assert result.losses.spans >= GROUP
    with duckdb.connect(path.with_name("new.duckdb"), read_only=True) as new:
        assert new.execute("SELECT count(DISTINCT span_id) FROM spans").fetchall() == [(result.spans,)]


@pytest.mark.parametrize("cut", ["headers", "end"])
def test_a_file_without_its_metadata_is_read_by_the_copy_of_it(path: Path, cut: str) -> None:
    if cut == "headers":
        overwrite(path, 0, bytes(blocks.DATA))
    else:
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size * 3 // 4)
    assert rescue(path, path.with_name("new.duckdb")).spans >= SPANS * 3 // 4


def test_an_older_state_is_read_if_the_newest_header_is_damaged(path: Path) -> None:
    path.with_name(f"{path.name}.metadata").unlink()
    with Database.open(path) as database:
        database.try_writing()
    content = path.read_bytes()
    headers = {
        number: blocks.words_of(content[number * blocks.HEADER :][: blocks.HEADER]) for number in (1, 2)
    }
    newest = max(headers, key=lambda number: int(headers[number][1]))
    overwrite(path, newest * blocks.HEADER, bytes(blocks.HEADER))
    assert rescue(path, path.with_name("new.duckdb")).spans == SPANS


def test_a_rescued_file_is_read_as_batches_with_everything_that_belongs_to_the_spans(whole: Path) -> None:
    with Database.open(whole, read_only=True) as database:
        found = list(batches(database))
    assert sum(batch.spans.num_rows for batch in found) == SPANS
    assert found[0].resources["service"].to_pylist() == ["s1", "s2"]


def test_nothing_is_overwritten_and_a_file_of_noise_is_refused(path: Path) -> None:
    with pytest.raises(StoreError, match="overwrites nothing"):
        rescue(path, path)
    noise = path.with_name("noise.duckdb")
    noise.write_bytes(b"noise" * 10_000)
    with pytest.raises(StoreDamaged, match="Nothing of"):
        rescue(noise, path.with_name("new.duckdb"))
    assert not path.with_name("new.duckdb").exists()


def test_a_rescue_says_that_there_is_no_space(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")  # Python would keep files that the limit cuts
    with full_disk(5000), pytest.raises(StoreUnwritable, match="Free space"):
        rescue_process.run(path, path.with_name("b.duckdb"), lambda _: False)
    with pytest.raises(StoreError, match="does not exist"):
        rescue_process.run(path.with_name("none"), path.with_name("b.duckdb"), lambda _: False)


def test_a_rescue_ends_with_the_collector_that_began_it(tmp_path: Path) -> None:
    damaged, target = make(tmp_path / "a.duckdb"), tmp_path / "b.duckdb"
    command = [sys.executable, "-m", rescue_process.__name__, str(damaged), str(target)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as child:
        answer, _ = child.communicate()  # closes the pipe, as the end of the collector does
    assert (child.returncode, answer) == (1, b"")
    assert not target.exists()
