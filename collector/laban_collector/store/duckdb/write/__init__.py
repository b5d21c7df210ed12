"""Batches into tables: deduplication, resource ids, row order."""
