"""Batches of spans as Arrow tables: the schemas, joining and splitting, and the wire format."""
