"""An instrumentation is loaded when its library is first imported: not before, once, and never in its way.

The libraries and instrumentations are written into a folder as installers leave them, and really imported.
"""

import importlib
import importlib.resources
import sys
import threading
from collections.abc import Callable, Generator
from importlib.machinery import SourceFileLoader
from importlib.metadata import EntryPoint, distributions
from pathlib import Path

import pytest

from laban.distro import LabanDistro
from laban.first_import import load_at_first_import

GROUP = "opentelemetry_instrumentor"


class Site:
    """A folder of packages at the front of `sys.path`, and the names of loaded instrumentations."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loaded: list[str] = []

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            file = self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        importlib.invalidate_caches()

    def install(
        self, name: str, files: dict[str, str], *, metadata: str = "", entry_points: str = ""
    ) -> None:
        """Write a distribution with its RECORD."""
        info = f"{name.replace('-', '_')}-1.0.dist-info"
        described = {
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{metadata}\n",
            f"{info}/RECORD": "".join(f"{file},,\n" for file in files),
        }
        if entry_points:
            described[f"{info}/entry_points.txt"] = f"[{GROUP}]\n{entry_points}\n"
        self.write(files | described)

    def instrument(
        self,
        entry_point: str,
        *libraries: str,
        extra: str = "instruments",
        source: str = "class Acme: ...",
        load: Callable[[EntryPoint], None] | None = None,
    ) -> None:
        """Install an instrumentation of these libraries, and let it wait."""
        module = entry_point.partition("=")[2].partition(":")[0].strip()
        self.install(
            f"{module.rpartition('.')[2]}-instrumentation",
            {f"{module.replace('.', '/')}/__init__.py": source},
            metadata="\n".join(f"Requires-Dist: {each}; extra == '{extra}'" for each in libraries),
            entry_points=entry_point,
        )
        self.wait(entry_point.partition("=")[0].strip(), load)

    def wait(self, name: str, load: Callable[[EntryPoint], None] | None = None) -> None:
        [found] = [
            each
            for installed in distributions(path=[str(self.folder)])
            for each in installed.entry_points
            if each.name == name
        ]
        if load is None:
            load_at_first_import(found, lambda: self.load(found))
        else:
            load(found)

    def load(self, entry_point: EntryPoint) -> None:
        entry_point.load()
        self.loaded.append(entry_point.name)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Site]:
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield Site(tmp_path)
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_it_waits_for_the_import_and_is_loaded_once(site: Site) -> None:
    site.install("acme1", {"acme1/__init__.py": "", "acme1/client.py": ""})
    site.instrument("acme1 = otel_acme1:Acme", "acme1>=0.1")
    assert site.loaded == []
    importlib.import_module("acme1.client")
    importlib.import_module("acme1")
    assert site.loaded == ["acme1"]


def test_a_library_that_is_imported_already_is_instrumented_at_once(site: Site) -> None:
    site.install("acme2", {"acme2.py": ""})
    importlib.import_module("acme2")
    site.instrument("acme2 = otel_acme2:Acme", "acme2")
    assert site.loaded == ["acme2"]


@pytest.mark.parametrize("module", ["acme3_core", "acme3_tools"])
def test_a_library_may_have_other_and_several_names(site: Site, module: str) -> None:
    files = {"acme3_core/__init__.py": "", "acme3_tools.py": "", "tests/__init__.py": "", "_acme3.py": ""}
    site.install("Acme.Three", files)
    site.instrument("shop-client = otel_acme3:Acme", "acme-three")
    importlib.import_module("_acme3")
    importlib.import_module("tests")
    assert site.loaded == []
    importlib.import_module(module)
    assert site.loaded == ["shop-client"]


def test_a_namespace_is_not_the_library(site: Site) -> None:
    site.install("acme-store", {"acme4/cloud/store/__init__.py": "", "acme4/cloud/store/api/__init__.py": ""})
    site.install("acme-other", {"acme4/cloud/other/__init__.py": ""})
    site.instrument("cloud-store = otel_acme4:Acme", "acme-store")
    importlib.import_module("acme4.cloud.other")
    assert site.loaded == []
    importlib.import_module("acme4.cloud.store")
    assert site.loaded == ["cloud-store"]


def test_of_alternative_libraries_the_one_with_the_name_of_the_instrumentation_is_meant(site: Site) -> None:
    site.install("acme5", {"acme5/__init__.py": ""})
    site.install("aioacme5", {"aioacme5/__init__.py": "import acme5"})
    both = "acme5 = otel_acme5:Acme\naioacme5 = otel_acme5:Acme"
    site.install(
        "otel-acme5",
        {"otel_acme5/__init__.py": "class Acme: ..."},
        metadata="".join(
            f"Requires-Dist: {each}; extra == 'instruments-any'\n" for each in ("acme5", "aioacme5")
        ),
        entry_points=both,
    )
    site.wait("acme5")
    site.wait("aioacme5")
    importlib.import_module("acme5")
    assert site.loaded == ["acme5"]
    importlib.import_module("aioacme5")
    assert site.loaded == ["acme5", "aioacme5"]


def test_an_alternative_that_is_not_installed_is_never_loaded(site: Site) -> None:
    site.install("acme6", {"acme6.py": ""})
    site.instrument("aioacme6 = otel_acme6:Acme", "acme6", "aioacme6", extra="instruments-any")
    importlib.import_module("acme6")
    assert site.loaded == []


@pytest.mark.parametrize(
    "source",
    [
        "import acme7\nclass Acme: ...",
        "class Acme:\n    def instrument(self):\n        from acme7.api import call",
    ],
    ids=["at the top", "in a function"],
)
def test_without_metadata_the_source_tells_the_library(site: Site, source: str) -> None:
    site.install("acme7", {"acme7/__init__.py": "", "acme7/api.py": "call = print"})
    site.instrument("shop-acme = otel_shop:Acme", source=f"import os, wrapt\n{source}")
    assert site.loaded == []
    importlib.import_module("acme7")
    assert site.loaded == ["shop-acme"]


def test_the_source_may_be_one_file_among_others(site: Site) -> None:
    site.install("acme16", {"acme16.py": ""})
    site.install(
        "otel-acme16", {"otel_one.py": "import acme16\nclass One: ..."}, entry_points="one = otel_one:One"
    )
    site.wait("one")
    assert site.loaded == []
    importlib.import_module("acme16")
    assert site.loaded == ["one"]


def test_an_object_in_place_of_a_module_counts_as_imported(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.install("acme17", {"acme17.py": ""})
    monkeypatch.setitem(sys.modules, "acme17", object())
    site.instrument("acme17 = otel_acme17:Acme", "acme17")
    assert site.loaded == ["acme17"]


def test_a_library_that_was_not_installed_as_usual_is_known_by_its_name(site: Site) -> None:
    site.install(
        "acme-eight", {}, metadata="Summary: an editable installation has no modules in its RECORD\n"
    )
    site.write({"acme_eight/__init__.py": ""})
    site.instrument("eight = otel_acme8:Acme", "acme-eight")
    assert site.loaded == []
    importlib.import_module("acme_eight")
    assert site.loaded == ["eight"]


@pytest.mark.parametrize("library", [None, "psutil"])
def test_an_instrumentation_of_no_library_is_loaded_at_once(site: Site, library: str | None) -> None:
    name = "system_metrics" if library else "exceptions9"
    site.instrument(f"{name} = otel_acme9:Acme", *filter(None, [library]))
    assert site.loaded == [name]


def test_a_module_of_python_is_a_library_too(site: Site) -> None:
    sys.modules.pop("this", None)
    site.instrument("this = otel_this:Acme")
    assert site.loaded == []
    importlib.import_module("this")
    assert site.loaded == ["this"]


@pytest.mark.parametrize("inside", ["otel_acme10", "otel_acme10.api"])
def test_the_program_may_import_the_instrumentation_first(site: Site, inside: str) -> None:
    site.install("acme10", {"acme10/__init__.py": ""})
    site.instrument("acme10 = otel_acme10.api:Acme", "acme10", source="import acme10\nclass Acme: ...")
    parent = "import acme10\nfrom otel_acme10.api import Acme" if inside == "otel_acme10" else ""
    site.write({"otel_acme10/__init__.py": parent})
    importlib.import_module(inside)
    assert site.loaded == ["acme10"]


def test_a_library_may_import_its_own_instrumentation(site: Site) -> None:
    site.install("acme11", {"acme11/__init__.py": "import otel_acme11\nready = True"})
    site.instrument(
        "acme11 = otel_acme11:Acme",
        "acme11",
        source="import acme11\nclass Acme:\n    ready = vars(acme11).get('ready')",
    )
    importlib.import_module("acme11")
    assert site.loaded == ["acme11"]


def test_a_failed_import_is_not_the_first(site: Site) -> None:
    site.install("acme12", {"acme12/__init__.py": "raise OSError('no licence')"})
    site.instrument("acme12 = otel_acme12:Acme", "acme12")
    with pytest.raises(OSError, match="no licence"):
        importlib.import_module("acme12")
    assert site.loaded == []
    site.write({"acme12/__init__.py": "licence = 'found in the meantime'"})
    importlib.import_module("acme12")
    assert site.loaded == ["acme12"]


def test_threads_that_import_at_once_load_it_once_and_find_it_loaded(site: Site) -> None:
    names = ["acme13_a", "acme13_b"]
    site.install("acme13", {f"{name}/__init__.py": "" for name in names})
    site.instrument("acme13x = otel_acme13:Acme", "acme13")
    barrier = threading.Barrier(8)

    def use(name: str) -> None:
        barrier.wait()
        importlib.import_module(name)

    threads = [threading.Thread(target=use, args=(names[number % 2],)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert site.loaded == ["acme13x"]


def test_the_module_keeps_its_loader_and_its_resources(site: Site) -> None:
    site.install("acme14", {"acme14/__init__.py": "", "acme14/data.txt": "tea"})
    site.instrument("acme14 = otel_acme14:Acme", "acme14")
    module = importlib.import_module("acme14")
    assert module.__spec__
    assert type(module.__loader__) is type(module.__spec__.loader) is SourceFileLoader
    assert importlib.resources.files("acme14").joinpath("data.txt").read_text() == "tea"


@pytest.mark.parametrize(
    "source",
    [
        "raise OSError('no licence')",
        "class Acme:\n    def instrument(self, **_):\n        raise OSError('no licence')",
    ],
    ids=["when imported", "when used"],
)
def test_an_instrumentation_that_fails_leaves_the_import_alone(
    site: Site, source: str, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"acme15_{len(source)}"
    site.install(name, {f"{name}/__init__.py": "sku = 'tea'"})
    site.instrument(f"{name} = otel_{name}:Acme", name, source=source, load=LabanDistro().load_instrumentor)
    assert importlib.import_module(name).sku == "tea"
    assert f"laban cannot load the instrumentation of {name}: OSError: no licence" in caplog.text
