"""`laban whatif`, run as a user runs it against a running collector, and its text."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from rich.console import Console

from laban_app.answers.remote import RemoteAnswers
from laban_app.cli.terminal import safe
from laban_app.cli.whatif_text import show_what_if
from laban_collector.store.rows import Span
from laban_mapper.errors import UnknownPlace
from laban_mapper.whatif.changes import ChangeTexts

from ...hostile import HOSTILE, UNSAFE
from ...mapper.findings.systems import many
from ...mapper.shop_spans import hybrid_order
from ...mapper.whatif.systems import asked, in_sequence, sampled
from ...serving import Serving, laban, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    traces = [
        replace(
            span,
            trace_id=f"{number + 1:032x}",
            offset=None if span.offset is None else 100 * number + span.offset,
        )
        for number, trace in enumerate(many(hybrid_order, 24))
        for span in trace
    ]
    with serving(tmp_path_factory.mktemp("whatif") / "spans.duckdb") as running:
        running.send(traces)
        yield running


def test_it_tells_each_entry_before_and_after(served: Serving) -> None:
    done = laban("whatif", "--slow", "pricing=500ms", "--url", served.url)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "If each request of pricing takes 500 ms longer:"
    assert lines[2] == "order POST /orders 24 of 24 traces"
    assert lines[6].split()[:7] == ["p50", "of", "replies", "84", "ms", "584", "ms"]
    assert any("How long order waits for pricing is not known" in line for line in lines)


def test_json_has_the_documented_shape(served: Serving) -> None:
    done = laban("whatif", "--async", "order->pricing", "--down", "pricing", "--json", "--url", served.url)
    answer = json.loads(done.stdout)
    assert {"changes", "entries", "assumptions", "looked_at", "since", "until"} == set(answer)
    [entry] = answer["entries"]
    assert {"entry", "before", "after", "range", "late", "traces", "seen"} <= set(entry)
    assert {"failed", "unfinished", "p50_ms", "p95_ms"} == set(entry["before"]) == set(entry["range"])
    assert (entry["before"]["failed"], entry["after"]["failed"], entry["after"]["unfinished"]) == (0, 0, 100)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--down", "prices"], 1, "Did you mean pricing?"),
        (
            ["--async", "pricing->order"],
            1,
            "No recorded trace has a call pricing → order. Calls: order → pricing.",
        ),
        (["--async", "order->payment"], 1, "order → payment is joined by messages already"),
        (["--slow", "pricing"], 2, "'pricing' has no value"),
        ([], 2, "Nothing is changed."),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_reason(
    served: Serving, arguments: list[str], code: int, told: str
) -> None:
    done = laban("whatif", *arguments, "--url", served.url)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr


def test_a_client_knows_an_unknown_place(served: Serving) -> None:
    with RemoteAnswers(served.url) as answers, pytest.raises(UnknownPlace, match="Did you mean pricing"):
        answers.what_if(ChangeTexts(down=("prices",)))


def test_names_of_strangers_are_made_safe() -> None:
    text = "".join(HOSTILE)

    def hostile() -> list[Span]:
        return [replace(span, service=span.service + text) for span in in_sequence()]

    answer = asked(sampled((hostile, 3)), slow=[f"a{text}=1s"])
    console = Console(file=io.StringIO(), width=100)
    show_what_if(safe(answer), console)
    assert isinstance(console.file, io.StringIO)
    assert not UNSAFE.search(console.file.getvalue())


def test_what_makes_no_difference_is_said() -> None:
    console = Console(file=io.StringIO(), width=100)
    show_what_if(asked(sampled((in_sequence, 3)), slow=["a=0ms"]), console)
    assert isinstance(console.file, io.StringIO)
    assert "It makes no difference to any request that was looked at." in console.file.getvalue()
    assert "Not affected: web GET /." in console.file.getvalue()
