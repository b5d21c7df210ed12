"""Profiles of the entries of a story, over a real database."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from laban_app.answers.local import LocalAnswers
from laban_app.answers.profiling import profile_traces
from laban_app.answers.usual import UsualProfiles
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.store.duckdb.profiles.slices import Level, Slices
from laban_collector.store.duckdb.store import DuckDBStore
from laban_collector.store.rows import MINUTE, Span
from laban_mapper.profiles.sketch import Measure
from laban_mapper.profiles.steps import entry_id
from laban_mapper.profiles.usual import Entry, Usual

from ...mapper.shop_spans import MS, T0, http_server, process, publish
from ...otlp import to_otlp

HOUR = 60 * MINUTE


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckDBStore]:
    with DuckDBStore.open(tmp_path / "spans.duckdb") as opened:
        yield opened


def order(number: int, after: int = 0, took: float = 20) -> list[Span]:
    """An order some ns after the first one, in two traces."""
    entry = http_server("order", "POST /orders", 0, took, attributes={"order.id": str(number)})
    sent = publish("order", "orders", 5, entry, offset=number)
    handled = process("email", sent, 9, 4, "mail")
    handled = replace(handled, trace_id=f"{number + 10_000:032x}", parent_id=None)
    spans = [replace(one, trace_id=f"{number + 1:032x}") for one in (entry, sent)]
    linked = replace(handled, links=((spans[1].trace_id, sent.span_id),))
    return [replace(one, start=one.start + after) for one in (*spans, linked)]


def write(store: DuckDBStore, orders: Sequence[Sequence[Span]]) -> None:
    spans = [span for one in orders for span in one]
    store.writer().write(decode([to_otlp(spans)], KeyFinder()).batch)


def usual_of(store: DuckDBStore, spans: Sequence[Span]) -> Usual | None:
    return usual_in(UsualProfiles(store.reader(), lambda: T0 + 3 * HOUR), spans)


def usual_in(profiles: UsualProfiles, spans: Sequence[Span]) -> Usual | None:
    root = spans[0]
    entry = Entry(entry_id(root), root.trace_id, root.start, root.end)
    return profiles.of([entry], spans).get(entry.entry)


def examples_in(profiles: UsualProfiles, spans: Sequence[Span]) -> int:
    usual = usual_in(profiles, spans)
    return 0 if usual is None else usual.examples


@pytest.mark.parametrize("profiled", [True, False])
def test_the_order_itself_is_not_in_what_is_usual_for_it(store: DuckDBStore, *, profiled: bool) -> None:
    slow = order(0, took=5_000)
    write(store, [slow, *(order(number) for number in range(1, 31))])
    if profiled:
        store.complete_profiles(profile_traces)
    usual = usual_of(store, slow)
    assert usual is not None
    assert usual.entry is not None
    assert (usual.examples, usual.entry.about.operation) == (30, "POST /orders")
    assert usual.entry.sketch(Measure.REPLY).longest < 25 * MS
    [sent] = usual.entry.below
    [mail] = sent.below
    assert (sent.about.kind, mail.about.service, mail.about.group) == ("publish", "email", "mail")
    assert usual.entry.share_of(sent) == sent.share_of(mail) == 1


@pytest.mark.parametrize("profiled", [True, False])
def test_the_minutes_around_an_order_are_left_out_if_enough_others_remain(
    store: DuckDBStore, *, profiled: bool
) -> None:
    asked = order(0, took=5_000)
    beside = [order(number, MINUTE, took=5_000) for number in range(1, 11)]
    before = [order(number, -HOUR) for number in range(11, 36)]
    write(store, [asked, *beside, *before])
    if profiled:
        store.complete_profiles(profile_traces)
    usual = usual_of(store, asked)
    assert usual is not None
    assert usual.entry is not None
    assert (usual.examples, usual.entry.sketch(Measure.REPLY).count) == (25, 25)
    assert usual.entry.sketch(Measure.REPLY).longest < 25 * MS


@pytest.mark.parametrize("minutes", [1, 10, 60])
def test_an_order_is_compared_with_traces_before_it_if_there_are_plenty(
    store: DuckDBStore, minutes: int
) -> None:
    asked = order(0, took=5_000)
    before = [order(number, -HOUR) for number in range(1, 101)]
    later = [order(number, -MINUTE + (number - 100) * MINUTE, took=5_000) for number in range(101, 161)]
    write(store, [*later, asked, *before])
    store.complete_profiles(profile_traces)
    Slices(store.database, [Level(minutes, 0)]).compact(())
    usual = usual_of(store, asked)
    assert usual is not None
    assert usual.entry is not None
    assert usual.examples == 100
    assert usual.entry.sketch(Measure.REPLY).longest < 25 * MS


@pytest.mark.parametrize("long_before", [2 * HOUR, HOUR // 2])
def test_an_incident_that_has_lasted_for_some_minutes_is_not_usual_if_much_is_known_of_before(
    store: DuckDBStore, long_before: int
) -> None:
    asked = order(0, took=5_000)
    write(store, [order(number, -long_before) for number in range(1, 151)])
    write(store, [asked, *(order(number, -8 * MINUTE, took=5_000) for number in range(200, 230))])
    store.complete_profiles(profile_traces)
    usual = usual_of(store, asked)
    assert usual is not None
    assert usual.entry is not None
    assert usual.examples == 150
    assert usual.entry.sketch(Measure.REPLY).longest < 25 * MS


@pytest.mark.parametrize(("before", "examples"), [(30, 30), (19, 49)])
def test_few_traces_before_an_order_are_enough_if_no_more_came_after_it(
    store: DuckDBStore, before: int, examples: int
) -> None:
    asked = order(0)
    write(store, [asked, *(order(number, HOUR) for number in range(100, 130))])
    write(store, [order(number, -HOUR) for number in range(1, before + 1)])
    store.complete_profiles(profile_traces)
    usual = usual_of(store, asked)
    assert usual is not None
    assert usual.examples == examples


def test_a_profile_in_memory_does_not_lack_traces_that_are_counted_meanwhile(store: DuckDBStore) -> None:
    asked = order(0)
    write(store, [asked, *(order(number, -HOUR) for number in range(1, 131))])
    store.complete_profiles(profile_traces)
    profiles = UsualProfiles(store.reader(), lambda: T0 + 3 * HOUR)
    assert examples_in(profiles, asked) == 130
    write(store, [order(number, HOUR) for number in range(200, 240)])
    store.complete_profiles(profile_traces)
    assert examples_in(profiles, asked) == 130, "those of later are not subtracted from those of before"


def test_traces_that_are_not_counted_yet_are_examples_beside_the_counted_ones(store: DuckDBStore) -> None:
    write(store, [order(number, -HOUR) for number in range(12)])
    store.complete_profiles(profile_traces)
    asked = order(12)
    write(store, [asked, *(order(number, -2 * HOUR) for number in range(13, 25))])
    usual = usual_of(store, asked)
    assert usual is not None
    assert usual.examples == 24


def test_without_any_example_nothing_is_usual(store: DuckDBStore) -> None:
    asked = order(0)
    write(store, [asked])
    usual = usual_of(store, asked)
    assert usual is None or usual.examples == 0


def test_a_story_tells_what_was_slower_than_usual(store: DuckDBStore) -> None:
    write(store, [order(0, took=5_000), *(order(number) for number in range(1, 31))])
    story = LocalAnswers(store.reader(), lambda: T0 + HOUR).story("order", "0")
    [cause] = [one for one in story.causes if one.kind == "slow"]
    assert (cause.service, cause.examples) == ("order", 30)
    assert cause.usual is not None
    assert 15 < cause.usual < 25
