"""Bytes of a request to one SpanBatch; one file a format."""
