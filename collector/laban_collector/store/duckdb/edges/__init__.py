"""Counts calls and messages by edge and minute as spans arrive."""
