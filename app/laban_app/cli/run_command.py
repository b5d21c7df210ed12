"""The `laban run` command for shell completion; `laban.__main__` runs it without this package."""

from typing import Annotated

import typer

from laban import running


def run(
    command: Annotated[list[str], typer.Argument(metavar="-- CMD…", help="The program and its arguments.")],
    service: Annotated[
        str | None, typer.Option(metavar="NAME", help="Service name; sets OTEL_SERVICE_NAME.")
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(metavar="URL", help="OTLP endpoint; sets OTEL_EXPORTER_OTLP_ENDPOINT."),
    ] = None,
) -> None:
    """Run a Python program with tracing."""
    options = {"--service": service, "--endpoint": endpoint}
    given = [word for name, value in options.items() if value is not None for word in (name, value)]
    running.run([*given, "--", *command])
