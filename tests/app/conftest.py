"""Fixtures that the tests of the app share with those of the collector."""

from ..collector.conftest import database

__all__ = ["database"]
