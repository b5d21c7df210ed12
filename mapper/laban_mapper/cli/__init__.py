"""The `laban` command."""

from laban_mapper.cli.app import app, main

__all__ = ["app", "main"]
