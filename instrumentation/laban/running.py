"""`laban run -- CMD`: runs a program traced, without a change to it.

It works like `opentelemetry-instrument`: a `sitecustomize` module on PYTHONPATH sets up OpenTelemetry, with
laban's distro, in every Python process that the command starts. Then this process becomes the command.
"""

import os
import shutil
import sys
from argparse import REMAINDER, ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import MutableMapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NoReturn

from laban import missing_extras
from laban.fail_open import fail_open

WRONG_USE: Final = 2
NOT_EXECUTABLE: Final = 126
NOT_FOUND: Final = 127
"""Exit codes for a command that cannot be started, as `env` and shells use them."""

_DESCRIPTION: Final = (
    "Run a Python program traced: spans of HTTP, gRPC and Kafka, with its business keys, over OTLP."
)
_EXAMPLES: Final = """\
examples:
  laban run --service order -- python -m shop.order
  laban run -- uvicorn shop.order:app --port 8001
  LABAN_KEYS="order.id=kafka.key:orders*" laban run --service email -- python email.py

All OTEL_* variables apply. LABAN_KEYS adds rules that find business keys."""


def run(arguments: Sequence[str]) -> NoReturn:
    """Replace this process with the command, traced.

    Raises:
        SystemExit: 0 after --help, 2 if there is no command, 126 or 127 if the command cannot be started.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    command: list[str] = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        parser.error("no command given. Example: laban run -- python -m shop.order")
    _set_environment(os.environ, options.service, options.endpoint)
    with fail_open("cannot look for missing extras"):
        missing_extras.warn(os.environ)
    _become([_executable(command[0]), *command[1:]])


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="laban run",
        usage="laban run [--service NAME] [--endpoint URL] -- CMD …",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--service", metavar="NAME", help="name of the service; sets OTEL_SERVICE_NAME")
    parser.add_argument(
        "--endpoint",
        metavar="URL",
        help="where to send spans; sets OTEL_EXPORTER_OTLP_ENDPOINT (default: http://localhost:4318)",
    )
    parser.add_argument("command", nargs=REMAINDER, metavar="-- CMD …", help="the program and its arguments")
    return parser


def _set_environment(
    environment: MutableMapping[str, str], service: str | None, endpoint: str | None
) -> None:
    environment["OTEL_PYTHON_DISTRO"] = "laban"
    # The distro configures the SDK itself. Another configurator would configure it a second time.
    environment["OTEL_PYTHON_CONFIGURATOR"] = "laban"
    if service:
        environment["OTEL_SERVICE_NAME"] = service
    if endpoint:
        environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint
    site = str(Path(_auto_instrumentation()).parent)
    paths = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path not in ("", site)]
    environment["PYTHONPATH"] = os.pathsep.join([site, *paths])


def _auto_instrumentation() -> str:
    """The package that contains `sitecustomize`. To import it would take as long as all else here."""
    spec = find_spec("opentelemetry.instrumentation.auto_instrumentation")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("opentelemetry-instrumentation is not installed as files")
    return spec.origin


def _executable(name: str) -> str:
    """The program's path: from laban's own environment, as if activated, else from PATH.

    Only a Python that has laban installed can be traced.
    """
    return shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name) or name


def _become(command: list[str]) -> NoReturn:
    sys.stdout.flush()
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell intended
    except FileNotFoundError:
        sys.stderr.write(f"laban run: {_shown(command[0])}: no such program on PATH\n")
        sys.exit(NOT_FOUND)
    except OSError as error:
        sys.stderr.write(f"laban run: {_shown(command[0])}: cannot be run: {error.strerror}\n")
        sys.exit(NOT_EXECUTABLE)


def _shown(name: str) -> str:
    """A name as an error shows it: what a terminal could obey is escaped."""
    return name if name.isprintable() else ascii(name)[1:-1]
