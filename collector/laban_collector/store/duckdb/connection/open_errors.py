"""Translates DuckDB's errors to StoreErrors whose text says what to do."""

import re
from pathlib import Path
from typing import Final

import duckdb

from laban_collector.errors import (
    StoreDamaged,
    StoreError,
    StoreLocked,
    StoreNotFound,
    StoreTooNew,
    StoreUnwritable,
)
from laban_collector.store.duckdb.connection.spilled import check_spill_folder
from laban_collector.store.private_files import advice, make_private, refuse_links


def check_place(path: Path, *, read_only: bool) -> None:
    """Report simple mistakes clearly, before DuckDB reports them in its own words.

    Raises:
        StoreNotFound: the file does not exist (`read_only`), or its directory does not.
        StoreError: the path is a directory; or a file to write is a symbolic link.
    """
    if path.is_dir():
        raise StoreError(f"{path} is a directory: name a file (--db FILE).")
    if read_only and not path.exists():
        raise StoreNotFound(f"{path} does not exist. Is it the file that `laban serve --db` writes?")
    if not path.absolute().parent.is_dir():
        raise StoreNotFound(
            f"The directory of {path} does not exist. Create it first: mkdir -p {path.parent}"
        )
    if not read_only:
        check_spill_folder(path)
        refuse_links(database_files(path))
        make_private(database_files(path))


def database_files(path: Path) -> tuple[Path, ...]:
    """Return the files that DuckDB writes: the database and its write-ahead log."""
    return path, path.with_name(f"{path.name}.wal")


_NOT_WRITTEN: Final = re.compile(
    r"Could not (?:write|sync|fsync|truncate|open) file|No space left|Disk quota|Read-only file system"
)


_REFUSED: Final = re.compile(r"Permission denied|Cannot open file")
"""The operating system does not open the file: nothing is known about its content."""
_DAMAGED: Final = re.compile(
    r"[Cc]orrupt|checksum|Could not read (?:enough|all)|[Ff]ailed to (?:read|deserialize)"
    r"|Serialization Error|Failed to load metadata|out of range of file|not recognized by this version"
)
_IN_MEMORY: Final = "Corrupted in-memory"
"""Begins errors about rows in memory, which a failed commit has torn; the file is as it was."""
_PERHAPS_DAMAGED: Final = re.compile(
    r"INTERNAL Error|FATAL Error|Could not read from|ZSTD|Decompress|Invalid unicode"
)


def use_error(path: Path, what: str, error: duckdb.Error) -> StoreError:
    """Return the error for a read or a write that DuckDB refused; its text begins with `what`."""
    text = str(error)
    if _NOT_WRITTEN.search(text):
        return StoreUnwritable(f"{path}: {what}{text}. {advice(path)}")
    if is_damage(error):
        return StoreDamaged(
            f"{path} is damaged: {text}. A collector sets it aside and rescues what is readable; without "
            f"one, run `laban rescue {path}`."
        )
    return StoreError(f"{path}: {what}{text}")


def is_damage(error: duckdb.Error) -> bool:
    """Return whether an error proves that the file is damaged."""
    text = str(error).replace(_IN_MEMORY, "")
    return isinstance(error, duckdb.SerializationException) or (
        _DAMAGED.search(text) is not None and _NOT_WRITTEN.search(text) is None
    )


def ends_instance(error: duckdb.Error) -> bool:
    """Return whether the open database cannot be used any further; another one can be opened on the file."""
    ended = isinstance(error, duckdb.FatalException)
    return ended or re.search("has been invalidated|Failed to commit", str(error)) is not None


def may_be_damage(error: duckdb.Error) -> bool:
    """Return whether an error is one that DuckDB also raises when it reads damaged rows."""
    text = str(error)
    if _NOT_WRITTEN.search(text):
        return False
    internal = (duckdb.InternalException, duckdb.FatalException)
    return isinstance(error, internal) or _PERHAPS_DAMAGED.search(text) is not None


def open_error(path: Path, error: duckdb.Error) -> StoreError:
    """Return the error for a file that DuckDB cannot open; without error codes, its text decides."""
    text = str(error)
    if "Conflicting lock" in text or "Could not set lock" in text or "being used by another" in text:
        return StoreLocked(
            f"{path} is open in another process: {text}. Ask that process (--url), or stop it."
        )
    if "read a database file with version" in text or "newer version of DuckDB" in text:
        return StoreTooNew(f"{path} was written by a newer DuckDB: {text}")
    if _NOT_WRITTEN.search(text):  # a full disk is no damage
        return StoreUnwritable(f"{path} cannot be opened: {text.rstrip('.!')}. {advice(path)}")
    if isinstance(error, duckdb.OutOfMemoryException) or (
        isinstance(error, duckdb.IOException) and _REFUSED.search(text)
    ):
        return StoreError(f"{path} cannot be opened: {text}")
    return StoreDamaged(
        f"{path} cannot be read as a database: {text.rstrip('.!')}. It was left unchanged; "
        f"move it away, or name another file (--db FILE). If it was one, `laban rescue {path}` copies what "
        "is readable."
    )
