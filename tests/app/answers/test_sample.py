"""The sample of the traces of a time range, over a real database."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from laban_app.answers.local import LocalAnswers
from laban_app.answers.sample import SampleSize, sample
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.store.duckdb.store import DuckDBStore
from laban_collector.store.rows import MINUTE, Span
from laban_mapper.findings.thresholds import FindingsSettings, Ignore, Thresholds
from laban_mapper.model import Finding

from ...mapper.findings.shop import monolith
from ...mapper.shop_spans import MS, T0, http_server, process, publish
from ...otlp import to_otlp

HOUR = 60 * MINUTE
WINDOW = (T0 - HOUR, T0 + HOUR)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBStore]:
    with DuckDBStore.open(tmp_path_factory.mktemp("sample") / "spans.duckdb") as opened:
        frequent = [order(number) for number in range(200)]
        rare = [trace_of([http_server("order", "GET /orders/{id}", 5, 3)], 900 + n) for n in range(3)]
        lost = [trace_of([replace(http_server("cart", "GET /cart", 7, 3), parent_id="f" * 16)], 950)]
        late = [trace_of([replace(http_server("order", "GET /late", 0, 3), start=T0 + 2 * HOUR)], 960)]
        write(opened, [*frequent, *rare, *lost, *late])
        yield opened


def order(number: int) -> list[Span]:
    """An order whose event another service handles in a trace of its own."""
    entry = http_server("order", "POST /orders", 0, 20)
    sent = publish("order", "orders", 5, entry, offset=number)
    handled = replace(process("email", sent, 9, 4, "mail"), trace_id=_id(5_000 + number), parent_id=None)
    first = trace_of([entry, sent], number + 1)
    linked = replace(handled, links=((first[1].trace_id, sent.span_id),))
    return [replace(one, start=one.start + number * MS) for one in (*first, linked)]


def _id(number: int) -> str:
    """Ids that are spread like random ones."""
    return f"{number + 1:016x}{number * 0x9E3779B97F4A7C15 % 2**64:016x}"


def trace_of(spans: Sequence[Span], number: int) -> list[Span]:
    """The spans, with a trace id of their own."""
    return [replace(one, trace_id=_id(number)) for one in spans]


def write(store: DuckDBStore, traces: Sequence[Sequence[Span]]) -> None:
    spans = [span for one in traces for span in one]
    store.writer().write(decode([to_otlp(spans)], KeyFinder()).batch)


def test_each_entry_has_its_count_and_examples_with_what_follows(store: DuckDBStore) -> None:
    found = sample(store.reader(), WINDOW)
    entries = [(one.name, one.seen, len(one.traces)) for one in found.entries]
    assert entries == [
        ("order POST /orders", 200, 50),
        ("order GET /orders/{id}", 3, 3),
        ("cart GET /cart", 1, 1),
    ]
    assert {len(trace.steps) for trace in found.entries[0].traces} == {3}  # the consumer is in another trace
    assert (found.spans, found.complete) == (50 * 3 + 3 + 1, True)


def test_a_trace_that_is_only_arriving_has_no_entry_yet(store: DuckDBStore) -> None:
    for now, entries in ((T0 + MINUTE, 2), (T0 + 2 * MINUTE, 3)):
        found = sample(store.reader(), WINDOW, now=now)
        assert len(found.entries) == entries
        assert ("cart GET /cart" in {one.name for one in found.entries}) == (entries == 3)


def test_which_traces_are_chosen_does_not_change(store: DuckDBStore) -> None:
    first, second = (sample(store.reader(), WINDOW) for _ in range(2))
    ids = [[trace.trace_id for trace in one.traces] for one in first.entries]
    assert ids == [[trace.trace_id for trace in one.traces] for one in second.entries]
    assert ids[0] != sorted(ids[0])


def test_a_small_sample_has_some_of_each_entry(store: DuckDBStore) -> None:
    found = sample(store.reader(), WINDOW, SampleSize(spans=12))
    assert [len(one.traces) for one in found.entries] == [4, 3, 1]
    assert found.all_entries
    of_two = sample(store.reader(), WINDOW, SampleSize(entries=2))
    assert (len(of_two.entries), of_two.all_entries) == (2, False)


def test_nothing_is_sampled_of_a_window_without_traces(store: DuckDBStore) -> None:
    found = sample(store.reader(), (T0 - HOUR, T0 - MINUTE))
    assert (found.entries, found.spans, found.complete) == ([], 0, True)


def test_messages_of_one_key_are_compared_across_the_traces_that_published_them(tmp_path: Path) -> None:
    def requests(number: int) -> list[list[Span]]:
        """An order is created and then changed; for every second one, the change is published first."""
        swapped = number % 2
        created, changed = (
            http_server("order", "POST /orders", 0, 20),
            http_server("order", "PUT /orders", 50, 20),
        )
        first = publish(
            "order",
            "orders",
            90 if swapped else 5,
            created,
            offset=2 * number + swapped,
            message_key=f"o-{number}",
        )
        second = publish(
            "order", "orders", 55, changed, offset=2 * number + 1 - swapped, message_key=f"o-{number}"
        )
        return [trace_of([created, first], 2 * number), trace_of([changed, second], 2 * number + 1)]

    with DuckDBStore.open(tmp_path / "spans.duckdb") as store:
        write(store, [trace for number in range(6) for trace in requests(number)])
        found = LocalAnswers(store.reader(), clock=lambda: T0 + HOUR).findings().findings
        (wrong,) = [one for one in found if one.code == "L025"]
        assert (wrong.place, wrong.severity) == ("order publish orders", "warning")
        assert wrong.numbers == {"keys": 3, "of": 6}
        assert wrong.sentence.startswith(
            "in 3 message keys of 6 with several messages, for example: order published"
        )
        before = sample(store.reader(), (T0 - HOUR, T0 - MINUTE), keys=True)
        assert not before.keys


def test_findings_of_a_store_heed_limits_and_ignores(tmp_path: Path) -> None:
    with DuckDBStore.open(tmp_path / "spans.duckdb") as store:
        write(store, [trace_of(monolith(), number) for number in range(25)])
        found = _findings(store)
        assert [(one.code, one.place) for one in found if one.severity == "warning"] == [
            ("L002", "order POST /orders"),
            ("L002", "system"),
        ]
        assert not _findings(store, FindingsSettings(thresholds=Thresholds(monolith_score=0.9)))
        ignore = Ignore(code="distributed-monolith", place="order *", reason="we know")
        system, of_entry = _findings(store, FindingsSettings(ignore=(ignore,)))
        assert (system.ignored, of_entry.place, of_entry.ignored) == (None, "order POST /orders", "we know")


def _findings(store: DuckDBStore, judged_by: FindingsSettings | None = None) -> list[Finding]:
    answers = LocalAnswers(store.reader(), clock=lambda: T0 + HOUR, judged_by=judged_by)
    found = answers.findings()
    assert (found.looked_at.traces, found.looked_at.of, found.looked_at.entries) == (25, 25, 1)
    return found.findings
