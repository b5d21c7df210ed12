"""The file of a choreography: stable, the same after reading, and safe whatever names contain."""

from collections.abc import Sequence

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from laban_mapper.drift.checking import check
from laban_mapper.drift.facts import facts_of
from laban_mapper.drift.file_reader import read_choreography
from laban_mapper.drift.file_writer import scalar, to_yaml
from laban_mapper.drift.yaml_nodes import Document
from laban_mapper.errors import BadDocument
from laban_mapper.model_drift import Choreography

from .systems import HYBRID, MONOLITH, contract, edge, ran

FILE = """\
# What ran, written by `laban choreography`. Commit it, and review its changes like code.
# `laban check` compares it with what runs. Names under `optional` may be absent; laban keeps them.
laban-choreography: 1

services:
  - email
  - inventory
  - order

calls:
  entry:clients:
    order:
      http:
        - POST /orders
  inventory:
    database:postgresql/stock:
      postgresql: []

topics:
  orders:
    protocols:
      - kafka
    publishers:
      - order
    groups:
      email:
        - email
      inventory:
        - inventory
    events:
      OrderCreated:
        - "1"
        - "2"
      OrderDeleted: []
"""
EVENTS = [contract("OrderCreated", "2"), contract("OrderCreated", "1"), contract("OrderDeleted", None)]


def document(text: str) -> Document:
    return Document("choreography.yaml", text.encode())


def drifts(text: str, found: Choreography) -> Sequence[str]:
    return [drift.kind for drift in check(read_choreography(document(text)), found)]


def with_events() -> Choreography:
    others = [one for one in HYBRID if one.target != "topic:orders"]
    return ran(*others, edge("service:order", "topic:orders", contracts=EVENTS))


def test_the_file_is_sorted_and_has_no_counts_and_no_times() -> None:
    assert to_yaml(with_events()) == FILE


def test_the_same_system_gives_the_same_file_whatever_the_order_and_the_counts() -> None:
    busy = [one.model_copy(update={"calls": 7, "p50_ms": 3.0}) for one in reversed(MONOLITH)]
    assert to_yaml(ran(*busy)) == to_yaml(ran(*MONOLITH))


@pytest.mark.parametrize("edges", [MONOLITH, HYBRID])
def test_what_is_written_is_read_as_the_same_facts(edges: Sequence[object]) -> None:
    found = ran(*edges)  # type: ignore[arg-type]
    declared = read_choreography(document(to_yaml(found)))
    assert set(declared.facts) == set(facts_of(found))
    assert drifts(to_yaml(found), found) == []


def test_a_fact_knows_its_line() -> None:
    found = with_events()
    lines = {line: fact.kind for fact, line in read_choreography(document(to_yaml(found))).facts.items()}
    text = FILE.splitlines()
    assert [text[line - 1].strip() for line, kind in lines.items() if kind == "consumer"] == [
        "email:",
        "inventory:",
    ]


def test_callers_that_were_not_seen_and_other_names_are_no_part_of_it() -> None:
    unknown = [edge("unseen:callers", "service:order"), edge("service:order", "other:edges")]
    found = ran(*MONOLITH, *unknown)
    assert to_yaml(found) == to_yaml(ran(*MONOLITH))
    assert found.truncated


HOSTILE = [
    *("yes", "null", "1", "1e3", "0x1f", "2026-11-28", "~", "", " ", "- a", "a: b", "a #b", "{a}", "[a]"),
    *("&a", "*a", "!a", "|", ">", "'", '"', "\\", "a\nb", "\x1b[2J", "\u202eabc", "\u2028", "\x00", "\x85"),
    *("a:", ":a", "?", "@a", "`a", "%a", "---", "...", "<<", "=", "müller", "日本", "😀", "a\tb", "\ud800"),
    *("database:x", "service:x", "topic:x", "off", "NO", "a" * 300),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_name_is_read_as_it_was_written(text: str) -> None:
    written = scalar(text)
    expected = text.replace("\ud800", "\ufffd")
    assert written.isprintable()
    for loader in (yaml.SafeLoader, yaml.CSafeLoader):
        assert yaml.load(f"{written}: [{written}]" if ":" not in written else f"? {written}\n: x", loader)  # noqa: S506 - safe loaders
    assert list(document(f"a:\n  - {written}\n").items(document(f"- {written}\n").root, "list")) == [
        (expected, 1)
    ]
    [(key, _, _)] = document(f"{written}: x\n").entries(document(f"{written}: x\n").root, "map")
    assert key == expected


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_any_name_survives(text: str) -> None:
    found = ran(edge("entry:clients", "service:order"), edge(f"service:x{text}", f"topic:{text}y", 5))
    declared = read_choreography(document(to_yaml(found)))
    assert set(declared.facts) == set(facts_of(found))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the file is empty"),
        ("a: [", ":1: this is not YAML"),
        ("a:\n\t- b", ":2: this is not YAML"),
        ("services: []", "write one with `laban choreography -o FILE`"),
        ("laban-choreography: 2", ":1: format '2' is not known"),
        ("laban-choreography: 1\nservcies: []", ":2: 'servcies' is no part of the file: laban-choreography,"),
        ("laban-choreography: 1\nservices: order", ":2: services must be a list"),
        (
            "laban-choreography: 1\nservices:\n  - a: b",
            ":3: an entry of services must be text, not a mapping",
        ),
        ("laban-choreography: 1\ncalls:\n  - a", ":3: calls must be a mapping"),
        ("laban-choreography: 1\ncalls:\n  a: {}\n  a: {}", ":4: 'a' is there twice in calls"),
        ("laban-choreography: 1\ntopics:\n  t:\n    group: {}", ":4: 'group' is no part of topic 't'"),
        ("laban-choreography: 1\ntopics:\n  t:\n    groups:\n      g: x", ":5: group 'g' must be a list"),
        ("laban-choreography: 1\n\x1b[2J: x", "this is not YAML"),
    ],
)
def test_a_bad_file_is_told_with_its_line_and_what_to_do(text: str, problem: str) -> None:
    with pytest.raises(BadDocument) as refused:
        read_choreography(document(text))
    assert problem.casefold() in str(refused.value).casefold()
    assert str(refused.value).startswith("choreography.yaml:")
    assert "\x1b" not in str(refused.value)


def test_a_file_that_is_no_text_or_too_large_is_refused() -> None:
    with pytest.raises(BadDocument, match=r"f:2: this is not UTF-8"):
        Document("f", b"a: b\nc: \xff\n")
    with pytest.raises(BadDocument, match="at most"):
        Document("f", b"a" * 8_000_001)


def test_aliases_do_not_grow_without_end() -> None:
    bomb = "a: &a [x,x]\n" + "".join(
        f"{after}: &{after} [{','.join([f'*{before}'] * 9)}]\n"
        for before, after in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with pytest.raises(BadDocument):
        read_choreography(document(f"laban-choreography: 1\nservices: []\n{bomb}"))
    with pytest.raises(BadDocument):
        read_choreography(document(f"x: &x {{a: *x}}\n{bomb}"))


def test_marks_of_people_are_kept() -> None:
    text = to_yaml(ran(*MONOLITH), ["order → email", "order → email"])
    assert text.endswith('\noptional:\n  - "order → email"\n')
    assert read_choreography(document(text)).optional == {"order → email"}
