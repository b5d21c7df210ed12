"""Runs a rescue in a process of its own, so that a collector is not slowed down; also the program of it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from laban_collector.errors import CollectorError, StoreError
from laban_collector.store.damage import Rescued
from laban_collector.store.duckdb.durability.without_pandas import block_pandas

_POLL: Final = 0.2
"""Seconds between two looks at whether the rescue must end."""


def run(damaged: Path, target: Path, stopping: Callable[[float], bool]) -> Rescued | None:
    """Copy every readable row of a damaged file into a new file; see `rescue.rescue`.

    Args:
        damaged: the file.
        target: the new file.
        stopping: waits for some seconds, and returns whether the rescue must end.

    Returns:
        The result; None if it was ended.

    Raises:
        StoreError: nothing of the file can be read, or the new one cannot be written.
    """
    command = [sys.executable, "-m", __name__, str(damaged), str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - for mypy
        while process.poll() is None:
            if stopping(_POLL):
                process.terminate()
                return None
        text = process.stdout.read()
    if process.returncode == 0:
        return Rescued.model_validate_json(text)
    raise StoreError(text.strip() or f"the rescue ended with status {process.returncode}")


def main() -> int:
    """Rescue the first file into the second; print the result, or why it failed."""
    block_pandas()
    from laban_collector.store.duckdb.durability.rescue import rescue

    try:
        result = rescue(Path(sys.argv[1]), Path(sys.argv[2]))
    except (CollectorError, OSError) as error:
        sys.stdout.write(str(error))
        return 1
    sys.stdout.write(result.model_dump_json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
