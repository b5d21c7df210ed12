"""Small files of JSON next to a store, for what a collector must know after a restart."""

import json
import logging
from pathlib import Path
from typing import Any

from laban_collector.store.private_files import refuse_links, write_private

_log = logging.getLogger(__name__)


class KeptState:
    """One file, `STORE.<name>`. It is replaced as a whole, so it is never half written.

    Args:
        store: the path of the store.
        name: the end of the name of the file.
    """

    def __init__(self, store: Path, name: str) -> None:
        self.path = store.with_name(f"{store.name}.{name}")

    def read(self) -> dict[str, Any]:
        """Return what was written; empty if there is nothing, or if it cannot be read, which is logged.

        Raises:
            StoreError: the file is a symbolic link, or no regular file.
        """
        refuse_links([self.path])
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            _log.error("%s cannot be read, and begins anew: %s.", self.path, error)
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, state: dict[str, Any]) -> None:
        """Replace what was written.

        Raises:
            OSError: it cannot be written; the file stays as it was.
        """
        new = self.path.with_name(f"{self.path.name}.new")
        write_private(new, json.dumps(state))
        new.replace(self.path)
