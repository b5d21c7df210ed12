"""Loads an instrumentation when the program first imports the library that it traces.

Upstream loads every instrumentation when the interpreter starts. That imports the libraries before the
program does, which can change the program: Django, for example, gets empty settings. Here, an instrumentation
waits for its library. Which library that is stands in the metadata of installed packages, so nothing has to
be imported to find out.
"""

import ast
import re
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import Any, Final

import wrapt
from opentelemetry.util._importlib_metadata import EntryPoint
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from laban.fail_open import failing_open

Load = Callable[[], None]

AT_START: Final = frozenset({"system_metrics"})
"""Instrumentations that trace no library; psutil is only the tool of this one."""

DJANGO: Final = "django"
_HANDLERS: Final = "django.core.handlers.base"

_PACKAGE: Final = re.compile(r"^([^\s,.]+)/__init__\.(?:py|[\w.-]*(?:so|pyd))\b", re.MULTILINE)
_MODULE: Final = re.compile(r"^([A-Za-z]\w*)\.(?:py|[\w.-]*(?:so|pyd))\b", re.MULTILINE)
"""Lines of RECORD. A module whose name begins with an underscore is a part of something else."""
_HELPERS: Final = frozenset({"opentelemetry", "packaging", "typing_extensions", "wrapt"})
_BESIDE: Final = frozenset(
    {"benchmarks", "conftest", "doc", "docs", "example", "examples", "setup", "test", "tests"}
)
"""What some wheels install by mistake; the program's own modules may have these names."""


def load_at_first_import(entry_point: EntryPoint, load: Load) -> None:
    """Call `load` once, as soon as the library of an instrumentation is imported.

    An instrumentation of Django waits for the settings of the project, too. If no library can be told, `load`
    is called at once, as upstream does.
    """
    libraries = _libraries(entry_point)
    modules = [] if entry_point.name in AT_START else _modules(entry_point, libraries)
    if DJANGO in libraries:
        _load_with_settings(load)
    elif modules:
        when_imported(modules, entry_point.value, load)
    else:
        load()


def when_imported(modules: Collection[str], entry_point: str, load: Load) -> None:
    """Call `load` once, when the first of these modules has been imported; at once if one of them is.

    Args:
        modules: the names of modules.
        entry_point: `module:object`, what `load` imports. The program itself may import it first; then it may
            import the library, and must finish its own import before `load` uses it.
        load: must not raise.
    """
    waiting = [load]
    own = list(_with_parents(entry_point.partition(":")[0]))

    @failing_open("cannot tell whether a library is imported")
    def imported(finished: ModuleType) -> None:
        here = getattr(finished, "__name__", None)
        if any(_is_being_imported(name) and name != here for name in own):
            return  # the hook of that module follows
        if any(_is_imported(name) or name == here for name in modules):
            with suppress(IndexError):  # another thread was first
                waiting.pop()()

    for name in [*(each for each in own if each not in sys.modules), *modules]:
        wrapt.register_post_import_hook(imported, name)


def _load_with_settings(load: Load) -> None:
    """Call `load` when Django first builds a chain of middleware: the settings are there, and still in use.

    Every WSGI, ASGI and test handler does this before it handles a request. Commands such as `migrate` never
    do.
    """
    waiting = [load]
    lock = RLock()

    def before_middleware(
        wrapped: Callable[..., Any], _handler: object, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if waiting:
            _ = import_module("django.conf").settings.MIDDLEWARE  # raises what Django would raise below
            with lock:
                if waiting:
                    load()
                    waiting.clear()
        return wrapped(*args, **kwargs)

    def imported(handlers: ModuleType) -> None:
        wrapt.wrap_function_wrapper(handlers, "BaseHandler.load_middleware", before_middleware)

    wrapt.register_post_import_hook(imported, _HANDLERS)


def _libraries(entry_point: EntryPoint) -> set[str]:
    """The distributions that an instrumentation traces, by its own metadata."""
    owner: Distribution | None = entry_point.dist
    lines = (owner.requires if owner else None) or []
    requirements = [Requirement(line) for line in lines if "instruments" in line]
    return {
        canonicalize_name(requirement.name)
        for requirement in requirements
        if requirement.marker
        and any(requirement.marker.evaluate({"extra": extra}) for extra in ("instruments", "instruments-any"))
    }


def _modules(entry_point: EntryPoint, libraries: Collection[str]) -> list[str]:
    """The modules of the libraries that an instrumentation traces."""
    own_name = _as_module(entry_point.name)
    # One package may have instrumentations for several libraries, such as botocore and aiobotocore.
    own = {library for library in libraries if _as_module(library) == own_name}
    found = [module for library in own or libraries for module in _import_names(library)]
    if own_name in found or (own and not found):
        return [own_name]
    return found or _guessed_modules(entry_point, libraries)


def _guessed_modules(entry_point: EntryPoint, libraries: Collection[str]) -> list[str]:
    """The modules of an instrumentation whose metadata does not tell them: by its names, or by its source."""
    path = entry_point.value.partition(":")[0].split(".")
    names = {_as_module(name) for name in (*libraries, entry_point.name, path[-1])} - {path[0]}
    return sorted(filter(_exists, names)) or sorted(filter(_exists, _imports(path)))


@cache
def _import_names(library: str) -> list[str]:
    """The outermost packages and modules that a distribution installs; none if it is not installed as usual.

    A namespace such as `google` does not count.
    """
    try:
        installed = distribution(library)
    except PackageNotFoundError:
        return []
    record = installed.read_text("RECORD") or "\n".join(map(str, installed.files or ()))
    packages = {path.replace("/", ".") for path in _PACKAGE.findall(record)}
    outermost = {name for name in packages if packages.isdisjoint(list(_with_parents(name))[1:])}
    return sorted((outermost | set(_MODULE.findall(record))) - _BESIDE)


def _imports(path: Sequence[str]) -> Iterator[str]:
    """The libraries that a module imports anywhere, read from its source; `path` is its name, split."""
    known = sys.stdlib_module_names | _HELPERS | sys.modules.keys() | {path[0]}
    for file in _source_files(path):
        for node in ast.walk(ast.parse(file.read_bytes())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            yield from {name.partition(".")[0] for name in names} - known


def _source_files(path: Sequence[str]) -> list[Path]:
    spec = find_spec(path[0])
    folders = (spec and spec.submodule_search_locations) or []
    stems = [Path(folder, *path[1:]) for folder in folders]
    files = [file for stem in stems for file in (stem.with_suffix(".py"), stem / "__init__.py")]
    alone = [Path(spec.origin)] if spec and spec.origin and not folders else []
    return [file for file in (*files, *alone) if file.suffix == ".py" and file.is_file()]


def _as_module(name: str) -> str:
    return name.replace("-", "_").replace(".", "_")


def _exists(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # in sys.modules, but half imported or without a spec
        return False


def _with_parents(module: str) -> Iterator[str]:
    """`a.b.c`, `a.b`, `a`."""
    while module:
        yield module
        module = module.rpartition(".")[0]


def _is_being_imported(name: str) -> bool:
    module = sys.modules.get(name)
    return module is not None and bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


def _is_imported(name: str) -> bool:
    return name in sys.modules and not _is_being_imported(name)
