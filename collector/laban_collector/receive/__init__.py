"""Bytes in, a status out; one file a protocol."""
