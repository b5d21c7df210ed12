"""The `laban` command: `laban run` is here, in the light install; all else needs the server part."""

import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Final

SERVER_PART: Final = frozenset(
    {
        "laban_app",
        "laban_mapper",
        "laban_collector",
        "laban_dashboard",
        "laban_samples",
        "duckdb",
        "fastapi",
        "graphviz",
        "grpc",
        "httpx",
        "kafka",
        "networkx",
        "pyarrow",
        "pydantic",
        "pydantic_settings",
        "rich",
        "streamlit",
        "typer",
        "uvicorn",
    }
)
"""Modules that come with the extra `laban[server]`."""


def main() -> None:
    """Run the command of `sys.argv`; ends the process by SystemExit or by becoming another program."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["--version"]:
        print(f"laban {version('laban')}")  # noqa: T201 - what was asked for
    elif arguments[:1] == ["run"]:
        from laban import running  # not for other commands: it loads the auto-instrumentation

        running.run(arguments[1:])
    else:
        _run_server_part(arguments)


def _run_server_part(arguments: Sequence[str]) -> None:
    try:
        from laban_app.cli import main as server_main
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in SERVER_PART:
            raise
        command = next((argument for argument in arguments if not argument.startswith("-")), "--help")
        sys.stderr.write(f"laban: `laban {command}` needs the server part: pip install 'laban[server]'\n")
        sys.exit(2)
    server_main()


if __name__ == "__main__":
    main()
