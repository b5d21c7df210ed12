"""Warns, in one line, about installed libraries that are not traced because their extra is missing.

The base install traces FastAPI, kafka-python and NATS. Every other library has its own extra. This module
reads only the metadata of installed packages; it imports no library.
"""

import re
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from importlib.metadata import PackageNotFoundError, distribution, distributions
from typing import Final, NamedTuple

ALREADY_WARNED: Final = "LABAN_MISSING_EXTRAS_WARNED"
"""The environment variable that keeps child processes from repeating the line."""


class Traced(NamedTuple):
    """A library, the extra that traces it, and what that extra installs."""

    library: str
    extra: str
    packages: tuple[str, ...]
    instrumentations: tuple[str, ...]


def _traced(library: str, extra: str, *instrumentations: str, packages: Sequence[str] = ()) -> Traced:
    suffixes = packages or (extra,)
    return Traced(
        library,
        extra,
        tuple(f"opentelemetry-instrumentation-{suffix}" for suffix in suffixes),
        instrumentations,
    )


_GRPC: Final = ("grpc_client", "grpc_server", "grpc_aio_client", "grpc_aio_server")
_AIOHTTP: Final = ("aiohttp-client", "aiohttp-server")

LIBRARIES: Final = (
    _traced("aio-pika", "aio-pika", "aio-pika"),
    _traced("aiohttp", "aiohttp", *_AIOHTTP, packages=_AIOHTTP),
    _traced("aiokafka", "aiokafka", "aiokafka"),
    _traced("boto3", "sqs", "boto3", packages=("boto3sqs",)),
    _traced("celery", "celery", "celery"),
    _traced("confluent-kafka", "confluent-kafka", "confluent_kafka"),
    _traced("grpcio", "grpc", *_GRPC),
    _traced("httpx", "httpx", "httpx"),
    _traced("httpx2", "httpx", "httpx2"),
    _traced("pika", "pika", "pika"),
    _traced("requests", "requests", "requests"),
    _traced("starlette", "starlette", "starlette"),
)
"""Every library that an extra traces, by the name of its distribution."""


_EXPORTERS: Final = r"opentelemetry-.*"
_TRACED_USERS: Final = {
    "requests": re.compile(_EXPORTERS),
    "urllib3": re.compile(rf"{_EXPORTERS}|requests|(aio)?boto(core|3)|elastic[-_.]transport", re.IGNORECASE),
}
"""Libraries that come with others, and the others that need none of their spans."""


def warn(environment: MutableMapping[str, str]) -> None:
    """Print the line to stderr if a library is not traced, and mark the environment for child processes."""
    environment[ALREADY_WARNED] = "1"
    missing = find_missing(environment)
    if missing:
        sys.stderr.write(f"{message(missing)}\n")
        sys.stderr.flush()


def warn_once(environment: MutableMapping[str, str]) -> None:
    """Print the line unless this process, or the `laban run` that started it, did so."""
    if ALREADY_WARNED not in environment:
        warn(environment)


def message(missing: Sequence[Traced]) -> str:
    """The line: which libraries are not traced, and the command that installs what traces them."""
    *others, last = [traced.library for traced in missing]
    libraries = f"{', '.join(others)} and {last} are" if others else f"{last} is"
    extras = ",".join(sorted({traced.extra for traced in missing}))
    return f"laban: {libraries} installed but not traced: pip install 'laban[{extras}]'"


def find_missing(environment: Mapping[str, str]) -> list[Traced]:
    """The libraries that are installed, not traced, and whose instrumentation the user has not disabled."""
    disabled = disabled_instrumentations(environment)
    if "*" in disabled:
        return []
    return [
        traced
        for traced in LIBRARIES
        if not disabled.issuperset(traced.instrumentations)
        and _is_installed(traced.library)
        and not all(map(_is_installed, traced.packages))
        and is_used(traced.library)
    ]


def disabled_instrumentations(environment: Mapping[str, str]) -> set[str]:
    """The names of the instrumentations that the user has disabled; `*` is all of them."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return {"*"}
    return {name.strip() for name in environment.get("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "").split(",")}


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def is_used(library: str) -> bool:
    """Whether the program uses a library that is installed; other packages bring some only for themselves."""
    if library == "starlette":
        return not _is_installed("fastapi")  # its own instrumentation traces both
    traced_users = _TRACED_USERS.get(library)
    return traced_users is None or _is_required_by_others(library, traced_users)


def _is_required_by_others(library: str, users: re.Pattern[str]) -> bool:
    """Whether a person, or a package other than these users, wants this library.

    Installers write the file REQUESTED for a package that is named. Otherwise the METADATA of every package
    is searched as text, which takes some 5 ms for 180 packages.
    """
    if distribution(library).read_text("REQUESTED") is not None:
        return True
    return any(
        _requires(installed.read_text("METADATA") or "", library)
        and not users.fullmatch(installed.metadata["Name"])
        for installed in distributions()
    )


def _requires(metadata: str, library: str) -> bool:
    start = f"\nRequires-Dist: {library}"
    if start not in metadata:
        return False
    # Not a longer name (requests-oauthlib), and not for an extra of that package.
    return re.search(rf"{start}(?![\w.-])(?!.*\bextra\b)", metadata) is not None
