"""The folder next to a database to which DuckDB writes what does not fit into memory: `FILE.tmp`."""

import contextlib
import fcntl
import logging
import os
import re
import stat
from pathlib import Path
from typing import Final

from laban_collector.errors import StoreError
from laban_collector.store.private_files import FOLDER_MODE

_log = logging.getLogger(__name__)

_SPILLED: Final = re.compile(r"duckdb_temp_(storage|block)[-_A-Za-z0-9]*\.(tmp|block)")


def check_spill_folder(path: Path) -> None:
    """Check the folder, and make it private, if it exists.

    Raises:
        StoreError: it is a symbolic link, or no folder.
    """
    folder = spill_folder(path)
    try:
        mode = folder.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(mode):
        raise StoreError(
            f"{folder} is not a folder, and DuckDB would write what does not fit into memory there. "
            "Remove it."
        )
    if stat.S_IMODE(mode) != FOLDER_MODE:
        folder.chmod(FOLDER_MODE)


def remove_spilled(path: Path) -> None:
    """Remove what a killed process spilled, unless another process has the database open.

    Call it before this process opens the database: then DuckDB may spill there itself, and this gives up all
    locks of this process on the file (POSIX).
    """
    folder = spill_folder(path)
    if folder.is_symlink() or not folder.is_dir():
        return
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        _empty(folder)
        return
    except OSError:  # opening the database reports why it cannot be opened
        return
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _empty(folder)
    except OSError as error:  # BlockingIOError: another process has it open
        _log.debug("%s is left as it is: %s", folder, error)
    finally:
        os.close(descriptor)


def _empty(folder: Path) -> None:
    for file in folder.iterdir():
        if _SPILLED.fullmatch(file.name):
            file.unlink()
            _log.info("Removed %s, which a killed process left.", file)
    with contextlib.suppress(OSError):  # not empty: someone else's files stay
        folder.rmdir()


def spill_folder(path: Path) -> Path:
    """Return the folder."""
    return path.with_name(f"{path.name}.tmp")
