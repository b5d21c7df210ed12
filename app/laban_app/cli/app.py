"""All commands of `laban`, wired."""

import importlib.metadata
import sys
from typing import Annotated

import typer

from laban_app.cli import export_commands, import_command, queries, serve_command
from laban_collector.errors import CollectorError
from laban_mapper.errors import MapperError, UnknownValue

_NOT_FOUND = 1
_WRONG_USE = 2

app = typer.Typer(
    name="laban",
    help="Write down the choreography of your services: what happened to order 123, over REST, gRPC, Kafka.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _laban(  # pyright: ignore[reportUnusedFunction] - typer calls it
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(importlib.metadata.version("laban"))
        raise typer.Exit


app.command("order")(queries.order)
app.command("story")(queries.story)
app.command("map")(queries.service_map)
app.command("diagram")(queries.diagram)
app.command("lag")(queries.lag)
app.command("status")(queries.status)
app.command("import")(import_command.import_files)
app.command("export")(export_commands.export)
app.command("backup")(export_commands.backup)
_RAW = {"ignore_unknown_options": True, "allow_extra_args": True}
app.command("run", context_settings=_RAW, add_help_option=False)(serve_command.traced)
app.command("serve")(serve_command.serve)
app.command("dashboard")(serve_command.dashboard)
app.command("demo")(serve_command.demo)


def main() -> None:
    """The entry point; errors of ours end in one line and a code, all others in a traceback."""
    try:
        app(prog_name="laban")
    except UnknownValue as error:
        _complain(error, _NOT_FOUND)
    except (MapperError, CollectorError) as error:
        _complain(error, _WRONG_USE)
    except BrokenPipeError:
        # The reader of a pipe left (`laban map | head`): nothing of ours went wrong.
        sys.stderr.close()
        raise SystemExit(0) from None


def _complain(error: Exception, code: int) -> None:
    sys.stderr.write(f"laban: {error}\n")
    raise SystemExit(code)
