"""Patches for the instrumentations of HTTP servers and clients; one file per library."""
