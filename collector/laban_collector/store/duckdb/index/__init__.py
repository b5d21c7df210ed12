"""Finds the commits that may hold a trace, a value or a message: digests and their Bloom filters."""
