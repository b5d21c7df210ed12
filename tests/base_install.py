"""The base install of laban: the packages that `pip install laban` installs, and no extra."""

from importlib.metadata import Distribution, PackageNotFoundError, distribution, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent


def closure(names: set[str]) -> set[str]:
    """These packages and everything that they require, as installed here, without extras."""
    seen: set[str] = set()
    while names - seen:
        name = (names - seen).pop()
        seen.add(name)
        try:
            requirements = [Requirement(text) for text in requires(name) or []]
        except PackageNotFoundError:
            continue  # for another Python or operating system
        needed = (line for line in requirements if not line.marker or line.marker.evaluate({"extra": ""}))
        names = names | {canonicalize_name(requirement.name) for requirement in needed}
    return seen


def make_base_install(folder: Path) -> None:
    """Fill a folder, to be used as the only entry of PYTHONPATH under `python -S`."""
    for name in closure({"laban"}):
        try:
            _link_files(distribution(name), folder)
        except PackageNotFoundError:
            continue  # for another Python or operating system
    for package in ROOT.glob("*/laban*/__init__.py"):
        (folder / package.parent.name).symlink_to(package.parent, target_is_directory=True)


def _link_files(installed: Distribution, folder: Path) -> None:
    """Link the files one by one, for packages share directories such as `opentelemetry`."""
    for file in installed.files or ():
        if ".." in file.parts or file.suffix in (".pyc", ".pth"):
            continue
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(str(file.locate()))
