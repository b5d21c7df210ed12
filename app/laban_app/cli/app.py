"""The Typer application: the registered commands, each loaded when it is used."""

import functools
import importlib.metadata
import inspect
import io
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Annotated, Any, Final, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from laban.commands import command_names, find_command
from laban_app.cli.hidden_arguments import hide_secret_arguments
from laban_app.errors import AppError, NothingToDraw, NotInRange, SeveralKeys, UnknownTrace, UnknownValue
from laban_collector.errors import CollectorError
from laban_collector.secret_values import without_secrets
from laban_mapper.errors import MapperError, UnknownEntry, UnknownPlace, UnknownService
from laban_mapper.printable import printable

NOT_FOUND: Final = 1
WRONG_USE: Final = 2
"""Exit codes."""
_USAGE_ERROR: Final[type[Exception]] = next(
    base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"
)
"""The base of all errors in a command line; Typer brings its own Click, and does not export it."""


_NOT_THERE: Final = (
    UnknownValue,
    SeveralKeys,
    NotInRange,
    UnknownTrace,
    UnknownPlace,
    UnknownEntry,
    UnknownService,
    NothingToDraw,
)
"""Errors of a question that is right, about something that nobody has seen."""


def main() -> None:
    """Run the command of `sys.argv`; laban's own errors end in one line and an exit code."""
    if any(argument.startswith("--token") for argument in sys.argv):
        hide_secret_arguments(sys.argv)
    sys.meta_path.insert(0, _WithoutPandas())
    try:
        sys.exit(app(prog_name="laban", standalone_mode=False))
    except _USAGE_ERROR as error:
        _fail_as_click(error)
    except typer.Abort:
        _fail("stopped", NOT_FOUND)
    except _NOT_THERE as error:
        _fail(error, NOT_FOUND)
    except (AppError, MapperError, CollectorError) as error:
        _fail(error, WRONG_USE)
    except BrokenPipeError:
        # The reader of the pipe has ended (`laban map | head`): that is no error.
        sys.stderr.close()
        raise SystemExit(0) from None


def load_command(name: str) -> TyperCommand:
    """Import a registered command and the options that it takes.

    Raises:
        KeyError: there is no such command.
        ModuleNotFoundError: its extra is not installed.
    """
    registered = find_command(name)
    if registered is None:
        raise KeyError(name)
    one = typer.Typer(
        add_completion=False,
        context_settings={"help_option_names": ["--help", "-h"]},
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    one.command(name)(with_flat_options(registered.load()))
    command = typer.main.get_command(one)
    assert isinstance(command, TyperCommand)  # noqa: S101 - for mypy: an application of one command is one
    return command


def with_flat_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function so that each field of its NamedTuple parameters becomes a parameter of its own.

    Commands share groups of options in this way; Typer itself reads only flat signatures.
    """
    hints = get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters
    groups = {name: hints[name] for name in parameters if _is_named_tuple(hints[name])}
    flat: dict[str, inspect.Parameter] = {}
    for name, parameter in parameters.items():
        fields = inspect.signature(groups[name]).parameters if name in groups else {name: parameter}
        types = get_type_hints(groups.get(name, function), include_extras=True)
        for field, declared in fields.items():
            flat[field] = declared.replace(annotation=types[field], kind=inspect.Parameter.KEYWORD_ONLY)

    @functools.wraps(function)
    def call(**values: Any) -> Any:
        for name, group in groups.items():
            values[name] = group(*(values.pop(field) for field in group._fields))
        return function(**values)

    call.__annotations__ = {name: parameter.annotation for name, parameter in flat.items()}
    call.__signature__ = inspect.Signature(list(flat.values()))  # type: ignore[attr-defined]
    return call


class _RegisteredCommands(TyperGroup):
    """Lists the registered commands by name and summary, and loads the one that is used."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name in command_names():
            registered = find_command(name)
            assert registered is not None  # noqa: S101 - for mypy: the name comes from the list
            self.add_command(TyperCommand(name, help=registered.summary))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, listed, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name else listed, rest


app = typer.Typer(
    name="laban", cls=_RegisteredCommands, pretty_exceptions_enable=False, rich_markup_mode=None
)


@app.callback()
def _laban(  # pyright: ignore[reportUnusedFunction] - Typer calls it
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:  # `laban.__main__` prints it; it is declared here for shell completion
        typer.echo(f"laban {importlib.metadata.version('laban')}")
        raise typer.Exit


class _WithoutPandas(MetaPathFinder):
    """Reports pandas as not installed.

    DuckDB imports pandas where it can when it binds a value, which takes longer than everything else that a
    command does (0.7 of 1.6 s). No command uses pandas.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is blocked so that laban starts quickly", name=fullname)
        return None


def _is_named_tuple(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields")


def _fail_as_click(error: Any) -> None:
    """Print an error in a command line as Typer does, but with its arguments printable."""
    text = io.StringIO()
    error.show(text)
    sys.stderr.write("\n".join(map(printable, without_secrets(text.getvalue()).split("\n"))))
    raise SystemExit(error.exit_code)


def _fail(error: Exception | str, code: int) -> None:
    sys.stderr.write(f"laban: {printable(without_secrets(str(error)))}\n")
    raise SystemExit(code)
