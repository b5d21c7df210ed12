"""Files that other people's tools wrote, into the store: reading → parsing → formats → importer."""

from typing import Final

BATCH_TYPE: Final = "application/vnd.laban.batch"
"""The media type of a batch that is handed over to a collector; see `batch_bytes`."""
