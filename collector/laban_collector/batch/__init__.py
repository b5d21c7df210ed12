"""Batches of spans as Arrow tables: the schemas, attribute values, joining and splitting."""
