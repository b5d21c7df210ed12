"""The `laban bootstrap` command for shell completion; `laban.__main__` runs it without this package."""

from typing import Annotated

import typer

from laban import bootstrap as light


def bootstrap(
    install: Annotated[bool, typer.Option("--install", help="Install what is missing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Show which libraries are traced, and what is missing."""
    given = {"--install": install, "--json": json}
    light.bootstrap([name for name, is_given in given.items() if is_given])
