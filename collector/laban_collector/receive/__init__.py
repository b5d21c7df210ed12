"""OTLP receivers: gRPC and HTTP servers that pass request bodies on and answer when the spans are on disk."""
