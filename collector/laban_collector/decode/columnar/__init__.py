"""OTLP/protobuf to one SpanBatch by columns: the fast way, with no Python object a span."""
