"""Decoders from request bodies and files to one SpanBatch; one module per format."""
