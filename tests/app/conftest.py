"""Fixtures that the tests of the app share with those of the collector."""

from ..collector.conftest import columnar_decoding, database

__all__ = ["columnar_decoding", "database"]
