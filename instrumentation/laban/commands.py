"""The commands of `laban`, as the installed packages register them; importing this loads nothing heavy."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points, requires
from typing import Any, Final, Literal

GROUP: Final = "laban.commands"
"""The entry-point group; each entry point names a `Command`."""

_REQUIREMENT: Final = re.compile(r"(?P<name>[\w.-]+).*;.*\bextra == ['\"](?P<extra>[\w-]+)['\"]")


@dataclass(frozen=True, slots=True)
class Command:
    """A command, described so that it can be listed without being loaded.

    Attributes:
        summary: one sentence for the list of commands; the command's own help begins with it.
        extra: the extra of `laban` that the command needs; None: the base install is enough.
        function: `module:function`, a function whose parameters Typer reads.
    """

    summary: str
    extra: Literal["server", "mcp", "demo"] | None
    function: str

    def load(self) -> Callable[..., Any]:
        """Import the function; raises ModuleNotFoundError when the extra is not installed."""
        module, _, name = self.function.partition(":")
        loaded: Callable[..., Any] = getattr(import_module(module), name)
        return loaded


def command_names() -> list[str]:
    """The names of all registered commands, sorted."""
    return sorted(_entry_points())


def find_command(name: str) -> Command | None:
    """The command of that name; None if there is none."""
    entry = _entry_points().get(name)
    if entry is None:
        return None
    command: Command = entry.load()
    return command


@cache
def is_installed(extra: str) -> bool:
    """Whether every package of an extra of `laban` is installed, of whatever version."""
    matches = [_REQUIREMENT.match(line) for line in requires("laban") or ()]
    return all(_has_package(match["name"]) for match in matches if match and match["extra"] == extra)


def _has_package(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


@cache
def _entry_points() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}
