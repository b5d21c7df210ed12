"""The `laban` command."""

from laban_app.cli.app import app, main

__all__ = ["app", "main"]
