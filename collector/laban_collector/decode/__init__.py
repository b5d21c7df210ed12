"""Decoders from request bodies to batches.

`otlp` decodes requests with spans: with `columnar` if they are large, else with `otlp_protobuf`. `otlp_logs`
decodes requests with logs. JSON becomes protobuf first. `importing.formats` reads files of other tools.
"""
