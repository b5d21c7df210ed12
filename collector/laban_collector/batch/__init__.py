"""Spans as Arrow columns: the schema, joining and splitting, and bytes for another process."""
