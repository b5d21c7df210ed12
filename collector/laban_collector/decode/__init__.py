"""Decoders from request bodies and files to one SpanBatch.

The formats are `otlp`, `otlp_json`, `otlp_protobuf`, `jaeger` and `zipkin`; `columnar` decodes large OTLP
requests. The other modules are shared.
"""
