"""Writes batches to tables: deduplication, resource ids, row order."""
