"""The contracts of import-linter (`./run check`) cover every module that they are about."""

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
COLLECTOR = ROOT / "collector" / "laban_collector"
ABOVE_DUCKDB = "Nothing outside its folder names the DuckDB store, except the wiring"
PURE = "The mapper is pure: of the collector it imports only the rows"


def contract(name: str) -> dict[str, Any]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: dict[str, Any]
    [found] = [one for one in project["tool"]["importlinter"]["contracts"] if one["name"] == name]
    return found


def children(folder: Path, package: str) -> set[str]:
    """Return the modules and packages in a folder, with their full names."""
    names = {
        path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    return {f"{package}.{name}" for name in names - {"__init__"}}


def test_every_module_of_the_collector_but_the_duckdb_store_is_kept_from_naming_it() -> None:
    modules = children(COLLECTOR, "laban_collector") - {"laban_collector.store"}
    modules |= children(COLLECTOR / "store", "laban_collector.store") - {"laban_collector.store.duckdb"}
    assert modules - set(contract(ABOVE_DUCKDB)["source_modules"]) == set()


def test_every_module_of_the_app_but_the_wiring_is_kept_from_naming_the_duckdb_store() -> None:
    modules = children(ROOT / "app" / "laban_app", "laban_app") - {"laban_app.wiring"}
    assert modules - set(contract(ABOVE_DUCKDB)["source_modules"]) == set()


def test_the_mapper_is_kept_from_every_module_of_the_collector_but_the_rows() -> None:
    modules = children(COLLECTOR, "laban_collector") - {"laban_collector.store"}
    assert modules - set(contract(PURE)["forbidden_modules"]) == set()
