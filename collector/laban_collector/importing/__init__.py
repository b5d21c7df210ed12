"""Import of trace files: chunks → documents → formats → importer, and the receiver of imported batches."""

from typing import Final

BATCH_TYPE: Final = "application/vnd.laban.batch"
"""The media type of a batch that `laban import` sends to a collector; see `batch.wire_format`."""
