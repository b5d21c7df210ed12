"""Files and folders of laban: readable by their owner only, never written through a link, never left behind.

The database may be in a folder that others can write to, such as /tmp. There, someone else may have made a
symbolic link with the name of one of laban's files; writing to it would overwrite a file elsewhere.
"""

import errno
import fcntl
import logging
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from laban_collector.errors import StoreError, StoreUnwritable

_log = logging.getLogger(__name__)

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
_OTHERS: Final = 0o077
_WORK: Final = ".laban-work-"
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
_PIECE: Final = 1 << 20


def keep_new_files_private() -> None:
    """Let this process create files that only their owner can read, as DuckDB cannot be told to."""
    os.umask(_OTHERS)


def refuse_links(paths: Iterable[Path]) -> None:
    """Check that laban may write to these paths, as far as they exist.

    Raises:
        StoreError: one is a symbolic link, or no regular file.
    """
    for path in paths:
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue
        if stat.S_ISLNK(mode):
            raise _a_link(path)
        _check_regular(path, mode)


def make_private(paths: Iterable[Path]) -> None:
    """Take the access of others away from files that exist; older versions let everyone read them."""
    for path in paths:
        try:
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode) and mode & _OTHERS:
                path.chmod(FILE_MODE)
        except FileNotFoundError:
            continue
        except OSError as error:
            _log.warning("Other users may be able to read %s: %s.", path, error.strerror)


def open_private(path: Path, flags: int = 0) -> int:
    """Open a file to read and write, for its owner only; create it if it does not exist.

    Raises:
        StoreError: it is a symbolic link, or no regular file.
        OSError: it cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | flags, FILE_MODE)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _a_link(path) from error
        raise
    try:
        mode = os.fstat(descriptor).st_mode
        _check_regular(path, mode)
        if stat.S_IMODE(mode) != FILE_MODE:  # made by an older version, or under a strange umask
            os.fchmod(descriptor, FILE_MODE)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def remove_if_empty(path: Path) -> None:
    """Remove an empty file that no process has locked, such as a database that began on a full disk."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:  # there is none; or opening the database reports why it cannot be opened
        return
    try:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and not found.st_size:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    except BlockingIOError:
        pass
    finally:
        os.close(descriptor)


def copy_private(source: Path, target: Path) -> None:
    """Copy a file to a name that does not exist yet.

    Raises:
        OSError: the name is taken, or a file cannot be read or written.
    """
    with source.open("rb") as read, os.fdopen(open_private(target, os.O_EXCL), "wb") as write:
        try:
            shutil.copyfileobj(read, write, _PIECE)
            write.flush()
        except OSError:  # attempts that are repeated on a full disk would leave a piece each
            target.unlink()
            raise


def write_private(path: Path, text: str) -> None:
    """Replace a small file; a link of this name is removed, and not followed.

    Raises:
        OSError: it cannot be written.
    """
    path.unlink(missing_ok=True)
    with os.fdopen(open_private(path, os.O_EXCL), "w", encoding="utf-8") as file:
        file.write(text)


def unwritable(path: Path, error: OSError) -> StoreError:
    """Return the error for a file that cannot be written; its text says what to do."""
    reason = error.strerror or str(error)
    if error.errno in _NO_ROOM:
        return StoreUnwritable(f"{path} cannot be written: {reason}. {advice(path)}")
    return StoreError(f"{path} cannot be written: {reason}. Check who owns it, and the directory.")


def advice(path: Path) -> str:
    """Return what to do when the disk of a file is full."""
    folder = path.absolute().parent
    try:
        free = f"{shutil.disk_usage(folder).free / 1e6:,.1f} MB are free"
    except OSError as error:
        free = f"its free space is unknown: {error.strerror}"
    return f"Free space on the disk of {folder} ({free}), or name a file on another disk (--db FILE)."


def publish(made: Path, target: Path) -> None:
    """Give a complete file its final name.

    Raises:
        FileExistsError: the name has been taken meanwhile.
        OSError: the file system refused.
    """
    try:
        target.hardlink_to(made)  # unlike a rename, it replaces nothing
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(target):
            raise
        made.rename(target)


@contextmanager
def working_folder(parent: Path, name: str) -> Generator[Path, None, None]:
    """Make a folder for unfinished files next to `name`, and remove it after the block.

    If this process is killed, the next call for the same name, or the next collector, removes the folder.

    Raises:
        OSError: the folder cannot be made.
    """
    remove_leftovers(parent, name)
    folder, lock = _locked_folder(parent, name)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def remove_leftovers(parent: Path, name: str) -> None:
    """Remove the working folders of processes that were killed; those of running processes stay."""
    pattern = re.compile(re.escape(name + _WORK) + "[a-z0-9_]{8}")
    try:
        found = [entry.path for entry in os.scandir(parent) if pattern.fullmatch(entry.name)]
    except OSError:  # the caller reports a folder that cannot be read
        return
    for folder in map(Path, sorted(found)):
        lock = _lock(folder)
        if lock is None:
            continue
        try:
            shutil.rmtree(folder)
            _log.info("Removed %s, which a killed process left.", folder)
        except OSError as error:
            _log.warning("%s, which a killed process left, cannot be removed: %s.", folder, error)
        finally:
            os.close(lock)


def _locked_folder(parent: Path, name: str) -> tuple[Path, int]:
    """Make a folder and lock it; again if another process has just removed it as a leftover."""
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=name + _WORK))
        folder.chmod(FOLDER_MODE)
        lock = _lock(folder)
        if lock is not None and folder.exists():
            return folder, lock
        if lock is not None:
            os.close(lock)


def _lock(folder: Path) -> int | None:
    """Lock a folder of this user; None if it is another user's, in use, or gone."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
    except OSError:  # BlockingIOError: a running process has it
        pass
    os.close(descriptor)
    return None


def _check_regular(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise StoreError(f"{path} is not a regular file, so laban does not write to it. Move it away.")


def _a_link(path: Path) -> StoreError:
    return StoreError(
        f"{path} is a symbolic link, and laban writes to no file through a link: in a shared folder, someone "
        "else may have made it. Name the file itself, or remove the link."
    )
