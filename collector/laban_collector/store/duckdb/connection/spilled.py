"""The folder next to a database to which DuckDB writes what does not fit into memory: `FILE.tmp`."""

import contextlib
import logging
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
    """Remove what a killed process spilled; call it while this process alone has the database open."""
    folder = spill_folder(path)
    if folder.is_symlink() or not folder.is_dir():
        return
    for file in folder.iterdir():
        if _SPILLED.fullmatch(file.name):
            file.unlink()
            _log.info("Removed %s, which a killed process left.", file)
    with contextlib.suppress(OSError):  # not empty: someone else's files stay
        folder.rmdir()


def spill_folder(path: Path) -> Path:
    """Return the folder."""
    return path.with_name(f"{path.name}.tmp")
