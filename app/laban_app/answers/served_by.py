"""Where a running collector says that it has a database open: a file next to the database."""

import contextlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from laban_collector.settings import Settings
from laban_collector.store.private_files import write_private

STARTING: Final = "starting"
"""The status of a collector that is not ready yet, in `/readyz`."""


def served_by(db: Path) -> Path:
    """The file next to a database in which the `laban serve` that has it open writes its API URL."""
    return db.with_name(f"{db.name}.served-by")


def api_scheme(settings: Settings) -> str:
    """The URL scheme of a collector's API: http or https."""
    return "http" if settings.tls_certificate is None else "https"


@contextmanager
def advertised(settings: Settings, api: str) -> Generator[None, None, None]:
    """Write the URL of the API next to the database until the block ends.

    Raises:
        OSError: the file cannot be written.
    """
    file = served_by(settings.db)
    try:
        write_private(file, f"{api_scheme(settings)}://{api}\n")
        yield
    finally:
        with contextlib.suppress(OSError):  # a database that nobody serves is found without it
            file.unlink(missing_ok=True)
