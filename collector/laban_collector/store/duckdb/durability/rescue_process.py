"""Runs a rescue in a process of its own, so that a collector is not slowed down; also the program of it."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from laban_collector.errors import CollectorError, StoreError, StoreUnwritable
from laban_collector.store.damage import Rescued
from laban_collector.store.duckdb.durability.parent_pipe import end_with_parent
from laban_collector.store.duckdb.durability.without_pandas import block_pandas
from laban_collector.store.private_files import unwritable

_POLL: Final = 0.2
"""Seconds between two looks at whether the rescue must end."""
_NO_SPACE: Final = 2
"""The status of a rescue that needs more space."""
_STOPPING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def run(damaged: Path, target: Path, stopping: Callable[[float], bool]) -> Rescued | None:
    """Copy every readable row of a damaged file into a new file; see `rescue.rescue`.

    Args:
        damaged: the file.
        target: the new file.
        stopping: waits for some seconds, and returns whether the rescue must end.

    Returns:
        The result; None if it was ended, also by whoever stops all processes of a service.

    Raises:
        StoreError: nothing of the file can be read.
        StoreUnwritable: there is no space for the new file, or for a working copy.
    """
    command = [sys.executable, "-m", __name__, str(damaged), str(target)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, start_new_session=True) as process:
        assert process.stdout is not None  # noqa: S101 - for mypy
        while process.poll() is None:
            if stopping(_POLL):
                process.terminate()
                return None
        text = process.stdout.read()
    if process.returncode == 0:
        return Rescued.model_validate_json(text)
    if -process.returncode in _STOPPING:
        return None
    if process.returncode == _NO_SPACE:
        raise StoreUnwritable(text.strip())
    raise StoreError(text.strip() or f"the rescue ended with status {process.returncode}")


def main() -> int:
    """Rescue the first file into the second; print the result, or why it failed."""
    block_pandas()
    end_with_parent()
    from laban_collector.store.duckdb.durability.rescue import rescue

    try:
        result = rescue(Path(sys.argv[1]), Path(sys.argv[2]))
    except (CollectorError, OSError) as error:
        found = unwritable(Path(sys.argv[2]), error) if isinstance(error, OSError) else error
        sys.stdout.write(str(found))
        return _NO_SPACE if isinstance(found, StoreUnwritable) else 1
    sys.stdout.write(result.model_dump_json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
