"""The `laban` command: the base install is enough for `--version`, the list of commands and some of them."""

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points, version
from typing import Final

from laban.commands import command_names, find_command, is_installed

WRONG_USE: Final = 2
"""Exit code for a command line that cannot be run."""

_LIGHT: Final = {"bootstrap": "laban.bootstrap:bootstrap", "run": "laban.running:run"}
"""Commands that need no extra, and the functions that read their arguments; each is imported when it runs."""

_COMPLETION: Final = "_LABAN_COMPLETE"
"""The environment variable with which a shell asks for completions."""
_DESCRIPTION: Final = (
    "Write down the choreography of your services: what happened to order 123, over REST, gRPC and Kafka."
)
_OPTIONS: Final = {
    "--version": "Print the version and exit.",
    "--install-completion": "Install completion for the current shell.",
    "--show-completion": "Print the completion script for the current shell.",
    "--help": "Show this message and exit.",
}
_HELP: Final = ("--help", "-h", "help")
_MAX_WIDTH: Final = 100


def main() -> None:
    """Run the command of `sys.argv`; the process ends by SystemExit or becomes another program."""
    arguments = sys.argv[1:]
    first = arguments[0] if arguments else None
    if _COMPLETION in os.environ or first in ("--install-completion", "--show-completion"):
        _run_cli("shell completion", "server", arguments)
    elif first == "--version":
        print(f"laban {version('laban')}")  # noqa: T201
    elif first is None or first in _HELP:
        (sys.stdout if first else sys.stderr).write(_overview())
        sys.exit(0 if first else WRONG_USE)
    elif first in _LIGHT:
        module, _, function = _LIGHT[first].partition(":")
        getattr(import_module(module), function)(arguments[1:])
    else:
        _run_command(first, arguments)


def _run_command(name: str, arguments: Sequence[str]) -> None:
    command = find_command(name)
    if command is None:
        _fail(_unknown(name))
    else:
        _run_cli(f"`laban {name}`", command.extra or "server", arguments, command.summary)


def _run_cli(what: str, extra: str, arguments: Sequence[str], summary: str | None = None) -> None:
    """Run the command-line program; if a package is missing, say which extra installs it."""
    try:
        (entry,) = entry_points(group="laban.cli", name="main")
        entry.load()()
    except ModuleNotFoundError as error:
        if _is_bug(error):
            raise
        needs = f"{what} needs laban[{extra}]: pip install 'laban[{extra}]'"
        if summary is None or not {"-h", "--help"} & set(arguments):
            _fail(f"{needs}\n")
        sys.stdout.write(f"Usage: laban {arguments[0]} [OPTIONS]\n\n  {summary}\n\n  {needs}\n")


def _is_bug(error: ModuleNotFoundError) -> bool:
    """Whether the missing module comes with Python or with laban itself, so that no extra brings it."""
    package = (error.name or "").partition(".")[0]
    return package in sys.stdlib_module_names or package == "laban" or package.startswith("laban_")


def _unknown(name: str) -> str:
    what = "option" if name.startswith("-") else "command"
    shown = (
        name if name.isprintable() else ascii(name)[1:-1]
    )  # an argument may contain commands for a terminal
    known = _OPTIONS if name.startswith("-") else command_names()
    matches = ", ".join(get_close_matches(name, known))
    hint = f" Did you mean: {matches}?" if matches else ""
    return f"there is no {what} `{shown}`.{hint} `laban --help` lists the commands.\n"


def _fail(message: str) -> None:
    sys.stderr.write(f"laban: {message}")
    sys.exit(WRONG_USE)


def _overview() -> str:
    """The text of `laban --help`."""
    commands = {name: _summary(name) for name in command_names()}
    return "\n".join(
        [
            "Usage: laban COMMAND [OPTIONS] …",
            "",
            *_wrapped("  ", "  ", _DESCRIPTION),
            "",
            "Commands:",
            *_definitions(commands),
            "",
            "Options:",
            *_definitions(_OPTIONS),
            "",
            "`laban COMMAND --help` describes a command.",
            "",
        ]
    )


def _summary(name: str) -> str:
    command = find_command(name)
    assert command is not None  # noqa: S101 - the name comes from the list of commands
    needs = command.extra is not None and not is_installed(command.extra)
    return f"{command.summary} (needs laban[{command.extra}])" if needs else command.summary


def _definitions(texts: dict[str, str]) -> list[str]:
    margin = max(map(len, texts)) + 4
    return [
        line
        for name, text in texts.items()
        for line in _wrapped(f"  {name}".ljust(margin), " " * margin, text)
    ]


def _wrapped(first: str, later: str, text: str) -> list[str]:
    width = min(shutil.get_terminal_size().columns, _MAX_WIDTH)
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=later, break_on_hyphens=False)


if __name__ == "__main__":
    main()
