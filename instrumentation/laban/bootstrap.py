"""`laban bootstrap`: which libraries of this environment are traced, and what installs the rest.

OpenTelemetry's own list tells which instrumentation traces which versions of which library. It comes with
`opentelemetry-instrumentation`, so it fits the installed version. Only metadata is read; no library is
imported.
"""

import json
import shlex
import shutil
import subprocess
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Final, Literal, NoReturn

from opentelemetry.instrumentation import bootstrap_gen
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from laban.missing_extras import LIBRARIES, is_used

FAILED: Final = 1
"""Exit code if the packages cannot be installed; 2 is wrong use."""

Status = Literal["traced", "missing", "unsupported", "optional"]

NO_CALLS: Final = frozenset({"asgiref", "asyncclick", "click", "jinja2", "psutil", "pydantic", "structlog"})
"""Libraries that come with others, and whose instrumentations record no calls of a service."""

BY_LABAN: Final = {
    "aiobreaker": ">=1.1",
    "circuitbreaker": ">=2",
    "nats-py": ">=2",
    "purgatory": ">=2",
    "pybreaker": ">=1.1",
    "stamina": "",
    "tenacity": ">=8.4",
}
"""Libraries without a stock instrumentation, which laban itself traces."""

BY_THEMSELVES: Final = {"elasticsearch": ">=8.13"} | BY_LABAN
"""Libraries without a stock instrumentation: they record spans themselves, or laban does."""

_EXTRA_OF: Final = {package: traced.extra for traced in LIBRARIES for package in traced.packages}
_CORE: Final = "opentelemetry-instrumentation"


@dataclass(frozen=True, slots=True)
class Instrumentation:
    """A package that traces a library.

    Attributes:
        requirement: what to install.
        supports: the versions of the library; empty: all.
        version: the installed version.
        extra: the extra of laban that installs it.
    """

    package: str
    requirement: str
    supports: str
    version: str | None
    extra: str | None


@dataclass(frozen=True, slots=True)
class Library:
    """An installed library that can be traced."""

    library: str
    version: str
    status: Status
    instrumentations: list[Instrumentation]


def installed_libraries() -> list[Library]:
    """The libraries of this environment for which there is an instrumentation, by name."""
    known = [
        (Requirement(entry["library"]), entry["instrumentation"]) for entry in bootstrap_gen.libraries
    ] + [(Requirement(f"{name}{supported}"), None) for name, supported in BY_THEMSELVES.items()]
    known.sort(key=lambda pair: canonicalize_name(pair[0].name))
    found: list[Library] = []
    for name, pairs in groupby(known, key=lambda pair: canonicalize_name(pair[0].name)):
        installed = _version(name)
        if installed is not None:
            candidates = list(pairs)
            fits = any(library.specifier.contains(installed, prereleases=True) for library, _ in candidates)
            found.append(_library(name, installed, candidates, fits=fits))
    return found


def needed(libraries: Sequence[Library]) -> list[str]:
    """The requirements that are missing: extras of laban where there are, and pinned packages.

    At least one pin keeps the installed version of OpenTelemetry, since its packages only work together.
    """
    lacking = [
        each
        for library in libraries
        if library.status == "missing"
        for each in library.instrumentations
        if each.version is None
    ]
    extras = sorted({each.extra for each in lacking if each.extra})
    pinned = sorted({each.requirement for each in lacking if not each.extra})
    if extras and not any("==" in requirement for requirement in pinned):
        pinned.append(f"{_CORE}=={version(_CORE)}")
    return [f"laban[{','.join(extras)}]", *pinned] if extras else pinned


def pinned(package: str) -> str:
    """The requirement of an instrumentation that fits the installed OpenTelemetry."""
    listed = (entry["instrumentation"] for entry in bootstrap_gen.libraries)
    return next((each for each in listed if Requirement(each).name == package), package)


def bootstrap(arguments: Sequence[str]) -> NoReturn:
    """Run the command; ends by SystemExit: 0, 1 if the packages cannot be installed, 2 after wrong use."""
    options = _parser().parse_args(arguments)
    libraries = installed_libraries()
    requirements = needed(libraries)
    installs = bool(options.install and requirements)
    if installs:
        _install(requirements)
        libraries = installed_libraries()
    if options.json:
        sys.stdout.write(f"{json.dumps(_answer(libraries), indent=2)}\n")
    else:
        sys.stdout.write(_text(libraries, installed=installs))
    sys.exit(0)


def _library(
    name: str, installed: str, candidates: Sequence[tuple[Requirement, str | None]], *, fits: bool
) -> Library:
    instrumentations = [
        _instrumentation(str(library.specifier), text) for library, text in candidates if text
    ]
    status: Status = "traced"
    if not fits:
        status = "unsupported"
    elif any(each.version is None for each in instrumentations):
        status = "missing" if is_used(name) and name not in NO_CALLS else "optional"
    return Library(name, installed, status, instrumentations)


def _instrumentation(supports: str, requirement: str) -> Instrumentation:
    package = Requirement(requirement).name
    return Instrumentation(package, requirement, supports, _version(package), _EXTRA_OF.get(package))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _installer() -> list[str] | None:
    """The command that installs into this environment: pip, or uv where pip is not installed."""
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install"]
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    return [uv, "pip", "install", "--python", sys.executable] if uv else None


def _install(requirements: Sequence[str]) -> None:
    """Install; what the installer prints goes to stderr."""
    installer = _installer()
    if installer is None:
        _fail("neither pip nor uv is there to install with: python -m ensurepip")
    sys.stderr.write(f"{_line(requirements)}\n")
    sys.stderr.flush()
    code = subprocess.run([*installer, *requirements], stdout=sys.stderr, check=False).returncode
    if code:
        _fail(f"{Path(installer[0]).name} could not install them (exit code {code}, see above)")


def _fail(message: str) -> NoReturn:
    sys.stderr.write(f"laban bootstrap: {message}\n")
    sys.exit(FAILED)


def _line(requirements: Sequence[str]) -> str:
    """The command to type."""
    program = "pip install" if find_spec("pip") is not None else "uv pip install"
    return " ".join([program, *map(shlex.quote, requirements)])


def _answer(libraries: Sequence[Library]) -> dict[str, object]:
    requirements = needed(libraries)
    return {
        "libraries": [asdict(library) for library in libraries],
        "needed": requirements,
        "command": _line(requirements) if requirements else None,
    }


def _text(libraries: Sequence[Library], *, installed: bool) -> str:
    if not libraries:
        return "No library that can be traced is installed here.\n"
    rows = [("library", "version", f"traced by {_CORE}-…")]
    rows += [(each.library, each.version, _traced_by(each)) for each in libraries]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [f"{name:<{widths[0]}}  {number:<{widths[1]}}  {by}" for name, number, by in rows]
    requirements = needed(libraries)
    if requirements:
        missing = ", ".join(each.library for each in libraries if each.status == "missing")
        lines += ["", f"To trace {missing}:", _line(requirements)]
    else:
        lines += ["", "Installed." if installed else "Nothing is missing."]
    return "\n".join([*lines, ""])


def _traced_by(library: Library) -> str:
    names = ", ".join(
        " ".join(filter(None, [each.package.removeprefix(f"{_CORE}-"), each.version]))
        for each in library.instrumentations
    )
    if library.status == "unsupported":
        supported = {each.supports for each in library.instrumentations} or {BY_THEMSELVES[library.library]}
        return f"nothing: only versions {' or '.join(sorted(supported))}"
    if library.status == "missing":
        return f"missing: {names}"
    if library.status == "optional":
        return f"not needed: {names}"
    return names or f"no package: {'laban' if library.library in BY_LABAN else 'the library'} does it"


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="laban bootstrap",
        description="List the libraries of this environment that can be traced, and what traces them.\n"
        "Print the command that installs what is missing.",
        epilog="examples:\n  laban bootstrap\n  laban bootstrap --install\n  laban bootstrap --json",
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--install", action="store_true", help="run that command, with pip or else uv")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    return parser
