"""Every format is read by its own parser, also with hostile names, and says there what the graph says."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any, Final

import pytest

from laban_mapper.diagrams.graph import Graph
from laban_mapper.diagrams.registry import FORMATS
from laban_mapper.diagrams.wrapping import shown_name

from .inputs import NAMES, graphs

SHOWN: Final = {shown_name(name) for name in NAMES}
HERE: Final = Path(__file__).parent
JARS: Final = HERE / "java/.jars"
NODE: Final = ("mermaid", "asyncapi", "backstage")
JAVA: Final = {"plantuml": ".puml", "structurizr": ".dsl"}
Seen = dict[str, Any]


@pytest.fixture(scope="module")
def written() -> dict[str, Graph]:
    return graphs()


@pytest.fixture(scope="module")
def by_node(written: dict[str, Graph]) -> Callable[[str, str], Seen]:
    """What the parsers for Node.js see in a graph in a format; they start once for all."""
    if shutil.which("node") is None or not (HERE / "node/node_modules").is_dir():
        pytest.skip("not built: npm --prefix tests/diagrams/node install --no-package-lock")
    inputs = [
        {"name": f"{form} {name}", "form": form, "text": FORMATS[form].write(graph).decode()}
        for form in NODE
        for name, graph in written.items()
        if form == "mermaid" or name != "order"
    ]
    done = subprocess.run(
        ["node", "check.mjs"],
        cwd=HERE / "node",
        input=json.dumps(inputs),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results = {one["name"]: one for one in json.loads(done.stdout)}

    def seen(form: str, name: str) -> Seen:
        found = results[f"{form} {name}"]
        assert found["errors"] == []
        return dict(found["seen"])

    return seen


@pytest.fixture(scope="module")
def by_java(written: dict[str, Graph], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], str]:
    """What PlantUML and Structurizr made of a graph: an SVG or JSON; one process reads all."""
    if shutil.which("java") is None or not JARS.is_dir():
        pytest.skip("not built: mvn -f tests/diagrams/java/pom.xml dependency:copy-dependencies")
    folder = tmp_path_factory.mktemp("diagrams")
    files: dict[tuple[str, str], Path] = {}
    for form, suffix in JAVA.items():
        for name, graph in written.items():
            files[form, name] = folder / f"{name}{suffix}"
            files[form, name].write_bytes(FORMATS[form].write(graph))
    done = subprocess.run(
        [
            "java",
            "-XX:TieredStopAtLevel=1",
            f"-Djava.util.prefs.userRoot={folder}",
            "-cp",
            f"{JARS}/*",
            str(HERE / "java/Check.java"),
            *map(str, files.values()),
        ],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = dict(line.split("\t", 1) for line in done.stdout.splitlines())

    def made(form: str, name: str) -> str:
        file = files[form, name]
        assert told[file.name] == "ok"
        suffix = ".svg" if form == "plantuml" else ".json"
        return file.with_name(file.name + suffix).read_text(encoding="utf-8")

    return made


def test_mermaid_reads_what_the_graph_says(by_node: Callable[[str, str], Seen]) -> None:
    shop = by_node("mermaid", "shop")
    assert set(shop["labels"]) == {
        *("clients", "order", "mailer", "orders", "postgresql/shop", "smtp:25", "audit<br>STOP, 30 behind"),
    }
    assert (shop["edges"], shop["subgraphs"]) == (6, ["mail", "shop"])
    hostile = by_node("mermaid", "hostile")
    assert {_decoded(label) for label in hostile["labels"]} == SHOWN
    assert {_decoded(title) for title in hostile["subgraphs"]} == SHOWN
    order = by_node("mermaid", "order")["actors"]
    assert order == ["caller", "order", "pricing", "⇶ orders", "payment", "⇶ payments", "email"]


def _decoded(text: str) -> str:
    """A text of which Mermaid has put entities aside; it decodes them when it draws."""
    named = {"quot": '"', "amp": "&", "lt": "<", "gt": ">"}
    text = re.sub("ﬂ°°([0-9]+)¶ß", lambda found: chr(int(found[1])), text)
    return re.sub("ﬂ°(\\w+)¶ß", lambda found: named[found[1]], text)


def test_asyncapi_reads_channels_operations_groups_and_versions(by_node: Callable[[str, str], Seen]) -> None:
    shop = by_node("asyncapi", "shop")
    assert shop["addresses"] == ["orders"]
    assert sorted(shop["operations"]) == [
        ["receive", []],
        ["receive", ["mail/mailer"]],
        ["send", ["shop/order"]],
    ]
    assert shop["groups"] == [["email"], ["audit"]]
    assert shop["messages"] == [["OrderCreated", "2"], ["OrderCreated", None]]
    hostile = by_node("asyncapi", "hostile")
    assert set(hostile["addresses"]) == set(NAMES)
    assert {name for name, _ in hostile["messages"]} == set(NAMES)
    assert all(name == version for name, version in hostile["messages"])


def test_backstage_reads_entities_whose_relations_lead_somewhere(by_node: Callable[[str, str], Seen]) -> None:
    assert by_node("backstage", "shop")["titles"] == [
        ["System", "mail"],
        ["System", "shop"],
        ["Component", "mailer"],
        ["Component", "order"],
        ["API", "orders"],
        ["Resource", "postgresql/shop"],
        ["Resource", "smtp:25"],
        ["Resource", "orders"],
    ]
    titles = by_node("backstage", "hostile")["titles"]
    assert {title for kind, title in titles if kind == "Component"} == SHOWN
    assert {title for kind, title in titles if kind == "API"} == SHOWN


def test_plantuml_shows_every_name(by_java: Callable[[str, str], str]) -> None:
    for form, names in (("shop", {"order", "mailer", "shop", "smtp:25"}), ("hostile", SHOWN)):
        drawn = unescape("".join(re.findall(r"<text[^>]*>([^<]*)</text>", by_java("plantuml", form))))
        without_spaces = re.sub(r"\s", "", drawn)  # it breaks lines
        assert {name for name in names if re.sub(r"\s", "", name) not in without_spaces} == set()


def test_structurizr_reads_the_model_and_the_order(by_java: Callable[[str, str], str]) -> None:
    shop = json.loads(by_java("structurizr", "shop"))
    systems = {one["name"]: one for one in shop["model"]["softwareSystems"]}
    assert systems.keys() == {"shop", "mail", "Services", "smtp:25"}
    assert {one["name"] for one in systems["shop"]["containers"]} == {"order", "postgresql/shop"}
    hostile = json.loads(by_java("structurizr", "hostile"))
    names = {
        re.sub(r" \(service [^()]*\)$", "", one["name"]).strip()
        for system in hostile["model"]["softwareSystems"]
        for one in system.get("containers", [])
        if one["tags"].endswith("Service")
    }
    assert names == {name.replace("\\", "⧵").replace("${", "$ {") for name in SHOWN}
    order = json.loads(by_java("structurizr", "order"))
    [dynamic] = order["views"]["dynamicViews"]
    assert dynamic["relationships"][0]["description"] == "POST /orders"
    assert len(dynamic["relationships"]) >= 4
