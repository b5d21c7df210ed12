import io
from collections.abc import Sequence

from rich.console import Console

from laban_app.cli.log_lines import AT_A_STEP
from laban_app.cli.story_text import show_story
from laban_collector.store.rows import LogLine, Span, SpanEvent
from laban_mapper.model import Story
from laban_mapper.story.builder import build_story
from laban_mapper.story.timeline import chapters

from ...mapper.shop_spans import (
    T0,
    http_client,
    http_server,
    hybrid_order,
    monolith_timeout,
    process,
    publish,
    span,
)
from ...mapper.story.test_logs import line as log_line
from ...mapper.story.test_logs import told


def text_of(spans: Sequence[Span], *, width: int = 100, all_spans: bool = False) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, emoji=False, markup=False)
    show_story(build_story("order", "123", spans), console, all_spans=all_spans)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_every_consumed_message_starts_a_chapter() -> None:
    found = chapters(build_story("order", "123", hybrid_order()).steps)
    assert [(c.head.service, c.head.operation) for c in found] == [
        ("order", "POST /orders"),
        ("payment", "process orders"),
        ("email", "process orders"),
        ("order", "process payments"),
    ]


def test_the_two_sides_of_a_call_are_one_line() -> None:
    first = chapters(build_story("order", "123", hybrid_order()).steps)[0]
    assert [(line.depth, line.step.service, line.step.kind) for line in first.lines] == [
        (0, "order", "server"),
        (1, "pricing", "server"),
        (1, "order", "producer"),
    ]


def test_a_call_with_different_outcomes_on_its_sides_has_two_lines() -> None:
    lines = chapters(build_story("order", "123", monolith_timeout()).steps)[0].lines
    assert [(line.step.service, line.step.kind) for line in lines][-2:] == [
        ("pricing", "client"),
        ("user", "server"),
    ]


def test_without_folding_every_span_has_a_line() -> None:
    steps = build_story("order", "123", hybrid_order()).steps
    assert sum(len(chapter.lines) for chapter in chapters(steps, fold=False)) == len(steps)


def test_errors_inside_a_success_are_announced_and_shown() -> None:
    entry = http_server("order", "POST /orders", 0, 84)
    insert = span("order", "INSERT", 3, 5, 10, entry, status=2, status_message="duplicate key")
    text = text_of([entry, insert])
    assert text.startswith(" OK WITH ERRORS  Order 123 was created in 84 ms, although order INSERT failed")
    assert "Cause  error: order INSERT failed (duplicate key)" in text
    assert "✗ duplicate key" in text


def test_differing_clocks_and_rings_are_noted_above_the_timeline() -> None:
    entry = http_server("order", "POST /orders", 0, 100)
    call = http_client("order", "GET", 10, 50, entry)
    server = http_server("pricing", "GET /price", -4985, 40, call)
    text = text_of([entry, call, server])
    assert "Note  clocks differ by about 5.0 s: pricing is behind order" in text
    assert "+15 ms    pricing  GET /price" in text
    assert "100 ms in total" in text


def test_an_unknown_wait_is_called_unknown() -> None:
    created = http_server("order", "POST /orders", 0, 84)
    published = publish("order", "orders", 60, created)
    text = text_of([created, published, process("email", published, -3000, 5)])
    assert "┄ an unknown time in orders until email" in text


def test_equal_and_small_steps_share_a_line() -> None:
    entry = http_server("order", "POST /orders", 0, 9000)
    queries = [span("order", "SELECT", 3, at, 1, entry, db_system="postgresql") for at in range(1, 6001)]
    middleware = [span("order", f"middleware - {name}", 1, 1, 0.1, entry) for name in ("query", "init")]
    text = text_of([entry, *middleware, *queries], width=120)
    assert "order  SELECT  × 6,000, 6.0 s together" in text
    assert "POST /orders  + 2 small steps: middleware - init, middleware - query" in text
    assert len(text.splitlines()) < 10


def test_indentation_stops_growing() -> None:
    spans = [http_server("order", "POST /orders", 0, 9000)]
    for level in range(1, 200):
        spans.append(span("order", f"level {level}", 1, level, 9000 - 2 * level, spans[-1]))
    lines = text_of(spans, width=80).splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert "⋯199 order  level 199" in "\n".join(lines)
    assert max(line.find("order") for line in lines) < 40


def test_of_too_many_steps_the_first_and_those_with_errors_are_shown() -> None:
    spans = [http_server("order", "POST /orders", 0, 9000)]
    for number in range(1000):
        status = 2 if number == 900 else 0
        spans.append(span("order", f"step {number}", 3, number, 1, spans[0], status=status))
    text = text_of(spans)
    assert "step 100 " in text
    assert "step 899 " not in text
    assert "step 900 " in text
    assert "… and 700 more steps: see --json, or --all" in text
    assert "step 899 " in text_of(spans, all_spans=True)


def test_of_too_many_messages_those_with_a_problem_are_shown() -> None:
    created = http_server("order", "POST /orders", 0, 9000)
    published = [publish("order", f"topic-{n}", n, created, offset=n) for n in range(150)]
    handled = [process("email", one, 200, 5) for one in published[:-1]]
    text = text_of([created, *published, *handled])
    table = text[text.index("partition@offset") :]
    assert "topic-149" in table
    assert "… 50 more messages" in table


def test_long_names_are_shortened() -> None:
    entry = http_server("order" * 100, "POST /orders", 0, 84)
    below = span("order" * 100, "INSERT " * 200, 3, 5, 10, entry)
    text = text_of([entry, below], width=200)
    assert all(len(line) <= 200 for line in text.splitlines())
    assert len(text) < 1000


def test_with_all_spans_every_span_has_a_line() -> None:
    entry = http_server("order", "POST /orders", 0, 9000)
    spans = [entry, *(span("order", f"step {number % 2}", 1, number, 1, entry) for number in range(1, 31))]
    text = text_of(spans, all_spans=True)
    assert text.count("order  step") == 30


def test_of_too_many_errors_each_kind_is_shown() -> None:
    entry = http_server("order", "POST /orders", 0, 9000)
    spans = [entry]
    for number in range(400):
        call = http_client("order", f"GET {number}", number, 1, entry)
        spans += [
            call,
            span("user", "SELECT", 3, number, 0.5, call, status=2, status_message="no such table"),
        ]
    spans.append(span("order", "INSERT", 3, 5000, 1, entry, status=2, status_message="duplicate key"))
    text = text_of(spans)
    assert "✗ duplicate key" in text
    assert len(text.splitlines()) < 700


def test_of_too_many_groups_those_with_a_problem_are_shown() -> None:
    created = http_server("order", "POST /orders", 0, 9000)
    published = publish("order", "orders", 60, created)
    handled = [
        process("billing", published, 90, 5, group=f"group-{n}", status=2 if n == 30 else 0)
        for n in range(40)
    ]
    text = text_of([created, published, *handled])
    assert "group-30" in text[text.index("partition@offset") :]
    assert "… 30 more groups" in text


def logged(story: Story, *lines: LogLine) -> str:
    """Return the text of a story with log records."""
    console = Console(file=io.StringIO(), width=100, highlight=False, emoji=False, markup=False)
    show_story(told(story, *lines), console, logs=True)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_log_records_are_lines_below_their_step() -> None:
    story = build_story("order", "123", hybrid_order())
    shown = logged(
        story,
        log_line(story, 0, 2, body="order arrived\nand \x1b[31mred"),
        log_line(story, 1, 1, severity=17, severity_text=None, body="price?"),
        log_line(story, None, 3, severity=0, severity_text=None, body="of the trace"),
    ).splitlines()
    first = next(number for number, text in enumerate(shown) if "POST /orders" in text)
    assert shown[first + 1].strip() == "+2.0 ms    ▪ INFO  order arrived and \\x1b[31mred"
    assert any("▪ ERROR  price?" in text for text in shown[first + 2 :])
    assert any(text.rstrip().endswith("▪ of the trace") for text in shown)


def test_too_many_log_records_show_the_worst_and_count_the_others() -> None:
    story = build_story("order", "123", hybrid_order())
    lines = [log_line(story, 0, number, body=f"line {number}") for number in range(30)]
    shown = logged(story, *lines, log_line(story, 0, 40, severity=17, body="the error"))
    assert shown.count("▪") == AT_A_STEP
    assert "the error" in shown
    assert "… and 11 more log records: see --json" in shown


def test_missing_log_records_are_explained() -> None:
    story = build_story("order", "123", hybrid_order())
    assert "LABAN_LOGS=true makes a collector store them" in logged(story)
    assert "1 log record of the same traces left out" in logged(story, log_line(story, 0, span_id="f" * 16))


def test_retries_and_circuit_breakers_are_told_below_their_step() -> None:
    entry = http_server("order", "POST /orders", 0, 100)
    retry: dict[str, object] = {
        "laban.retry.library": "tenacity",
        "laban.retry.attempt": 1,
        "error.type": "ReadTimeout",
    }
    changed: dict[str, object] = {
        "laban.circuit.name": "user",
        "laban.circuit.previous_state": "closed",
        "laban.circuit.state": "open",
    }
    events = (SpanEvent(T0, "laban.retry", retry), SpanEvent(T0, "laban.circuit.changed", changed))
    asking = span("order", "ask user", 1, 5, 80, entry, events=events)
    failing = http_client("order", "GET", 6, 20, asking, status=2, error_type="ReadTimeout")
    again = http_client("order", "GET", 30, 20, asking, attributes={"laban.retry.attempt": 2})
    answered = http_server("user", "GET /users/{id}", 31, 15, again)
    lines = [line.strip() for line in text_of([entry, asking, failing, again, answered]).splitlines()]
    at = lines.index("↻ 1 retry by tenacity, after ReadTimeout")
    assert "ask user" in lines[at - 1]
    assert lines[at + 1] == "↻ circuit breaker user: closed → open"
    attempt = lines.index("↻ attempt 2")  # said by the client, whose line is the server's
    assert "user  GET /users/{id}" in lines[attempt - 1]
