"""Fixtures of the server tests: those of the collector tests."""

from ...collector.conftest import by_columns, database

__all__ = ["by_columns", "database"]
