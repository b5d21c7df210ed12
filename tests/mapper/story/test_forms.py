"""A story in Markdown, Mermaid and HTML: what each form says, bounded, and the same for hostile names."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from laban_collector.store.rows import Span, SpanEvent
from laban_mapper.model import Cause, LogSeverity, OrderScope, Story, StoryLog
from laban_mapper.story.builder import build_story
from laban_mapper.story.forms.rendering import STORY_FORMS, StoryForm, write
from laban_mapper.times import utc_time

from ...hostile import HOSTILE, UNSAFE
from ..shop_spans import (
    T0,
    http_client,
    http_server,
    hybrid_order,
    monolith_timeout,
    process,
    publish,
    raised,
    span,
)

STATEMENT = re.compile(
    r"sequenceDiagram|    (accTitle: |(actor|participant) p\d+ as |Note over p\d+(,p\d+)?: "
    r"|p\d+(->>|-->>|-x|--x|-\))p\d+: )([^#;<>&`]|#\d+;)+"
)
"""A line of a sequence diagram; its texts have nothing that Mermaid obeys."""


def told(spans: Sequence[Span], form: StoryForm, value: str = "123") -> str:
    return write(build_story("order", value, spans), form)


def named(names: Sequence[str]) -> Story:
    """A story with these names in every place of a span, and in causes and notes."""
    entry = http_server(names[0], "POST /orders", 0, 1000)
    spans = [entry]
    for at, name in enumerate(names):
        call = http_client(names[0], "GET", at, 1, entry)
        refused = SpanEvent(T0, "laban.circuit.refused", {"laban.circuit.name": name})
        failed = {"status": 2, "status_message": name, "events": (*raised(name, name), refused)}
        server = http_server(name, f"GET {name}", at, 1, call, **failed)
        published = publish(name, name, at + 1, server, offset=at)
        spans += [call, server, published, process(name, published, at + 5, 3, group=name, **failed)]
    story = build_story("order", names[0], spans)
    causes = [
        Cause(kind="error", service=name, operation=name, sentence=name, spans=[name], rank=at)
        for at, name in enumerate(names, 1)
    ]
    logs = [logged(name, step=at % (len(story.steps) + 1) - 1) for at, name in enumerate(names)]
    changed = {"causes": causes, "notes": list(names), "traces": list(names), "logs": logs}
    return story.model_copy(update=changed)


def logged(text: str, at_ms: float = 5, severity: LogSeverity = "error", step: int | None = None) -> StoryLog:
    """A log record of a step, or of the trace, with this text in every place."""
    return StoryLog(
        time=utc_time(T0),
        time_ns=T0,
        severity=severity,
        severity_text=text,
        service=text,
        logger=text,
        body=text,
        attributes={text: text},
        trace_id="1" * 32,
        start_ms=at_ms,
        step=None if step is None or step < 0 else step,
    )


class Tags(HTMLParser):
    """The tags of a document, with the names of their attributes."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.found: set[tuple[str, ...]] = set()
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.found.add((tag, *(name for name, _ in attrs)))


@pytest.mark.parametrize("form", STORY_FORMS)
def test_no_form_contains_what_commands_a_terminal(form: StoryForm) -> None:
    assert UNSAFE.search(write(named(HOSTILE), form)) is None
    assert not any(line.startswith("forged") for line in write(named(HOSTILE), form).splitlines())


def test_hostile_names_add_no_element_to_html() -> None:
    hostile, plain = (write(named(names), "html") for names in (HOSTILE, [f"n{at}" for at in range(99)]))
    assert Tags(hostile).found <= Tags(plain).found
    assert not {tag for tag, *_ in Tags(hostile).found} & {"script", "img", "a", "link", "iframe"}
    assert "http://stranger" not in re.sub(r">[^<]*<|title=\"[^\"]*\"", "", hostile)


def test_hostile_names_stay_text_in_markdown() -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(write(named(HOSTILE), "markdown"))
    inline = [child for token in tokens for child in token.children or ()]
    kinds = {token.type for token in [*tokens, *inline]}
    assert not kinds & {"link_open", "image", "html_inline", "html_block", "code_block", "fence", "hr"}
    outside_code = "".join(child.content for child in inline if child.type == "text")
    assert not re.search(r"@|://", outside_code)
    headings = [token.tag for token in tokens if token.type == "heading_open"]
    assert headings == ["h2", "h3", "h3", "h3", "h3"]


def test_a_sequence_diagram_is_well_formed_whatever_the_names_are() -> None:
    for names in (HOSTILE, *([name] for name in HOSTILE)):
        drawn = write(named(names), "mermaid")
        assert [line for line in drawn.splitlines() if not STATEMENT.fullmatch(line)] == []


def test_markdown_has_the_tree_the_waits_and_the_messages() -> None:
    text = told(hybrid_order(), "markdown")
    assert text.startswith("## OK: order 123\n\n**Order 123 was created in 84 ms; ")
    assert "- 0 `order` `POST /orders` · 84 ms (**62 ms** critical)\n  - +8.0 ms `pricing`" in text
    assert "┄ 30 ms in orders until payment\n\n- +90 ms `payment` `process orders`" in text
    assert "| `payments` | `0@3` | `order` | **processed**, waited 25 ms, took 5.0 ms |" in text


def test_an_address_at_the_begin_of_a_sentence_is_no_numbered_list_and_gets_no_stray_sign() -> None:
    story = build_story("order", "123", hybrid_order())
    causes = [
        Cause(kind="timed_out", service="u", operation="o", sentence=text, rank=rank)
        for rank, text in enumerate(("10.0.0.1:80 gave no answer", "1. forged", "2) forged"), 1)
    ]
    text = write(story.model_copy(update={"causes": causes}), "markdown")
    assert "1. 10.0.0.1:80 gave no answer · " in text
    assert "2. 1\\. forged · " in text
    assert "3. 2\\) forged · " in text


def test_causes_come_with_their_usual_value_and_examples() -> None:
    cause = Cause(
        kind="slow",
        service="user",
        operation="GET",
        sentence="user took 3.0 s",
        usual=12,
        examples=380,
        rank=1,
    )
    scope = OrderScope(affected=23, of=60, since=utc_time(T0), before_of=1200)
    story = build_story("order", "123", monolith_timeout())
    story = story.model_copy(update={"causes": [cause], "scope": scope})
    for form in ("markdown", "html"):
        text = write(story, form)
        assert "usually 12 ms, 380 examples" in text
        assert "23 of 60 since 2026-09-21 14:13 UTC; in the hour before, 0 of 1,200" in text


@pytest.mark.parametrize(
    ("form", "row"),
    [
        ("markdown", "| +7.0 ms | `order` | DECLINED | `declined` |"),
        ("html", '<tr class="failed"><td>+7.0 ms</td><td>order</td><td>DECLINED</td><td>declined</td></tr>'),
    ],
)
def test_a_form_tells_what_was_logged_and_of_too_much_the_worst(form: StoryForm, row: str) -> None:
    story = build_story("order", "123", hybrid_order())
    assert "Logs" not in write(story, form)
    declined = logged("declined", 7).model_copy(update={"service": "order"})
    logs = [declined, *(logged(f"line {number}", number, "info") for number in range(8, 300))]
    text = write(story.model_copy(update={"logs": logs}), form)
    assert row in text
    shown = text.count("LINE ")
    assert f"… and {293 - 1 - shown} more log records" in text


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (
            "markdown",
            "critical) · ▪ NO STOCK `no stock` · ▪ NO STOCK `no stock` · … and 1 more error logged\n",
        ),
        ("html", '<div class="error">▪ +7.0 ms NO STOCK no stock</div>'),
        ("mermaid", "Note over p1: +7.0 ms NO STOCK no stock\n"),
    ],
)
def test_errors_are_at_the_step_that_logged_them(form: StoryForm, told: str) -> None:
    story = build_story("order", "123", hybrid_order())
    errors = [logged("no stock", at_ms, step=0) for at_ms in (7, 8, 9)]
    mild = logged("reserved", 9.5, "info", step=1)
    text = write(story.model_copy(update={"logs": [*errors, mild]}), form)
    assert told in text
    if form == "mermaid":
        assert "1 more log record" in text
        assert "reserved" not in text
    if form == "html":
        assert text.count('<div class="logged failed" title="+') == 3
        assert text.count('<div class="logged" title="+9.5 ms RESERVED reserved"') == 1


def test_mermaid_draws_calls_returns_topics_and_waits() -> None:
    drawn = told(hybrid_order(), "mermaid").splitlines()
    assert "    p0->>p1: 0 POST /orders" in drawn
    assert "    p1-)p3: +60 ms publish orders, 2.0 ms" in drawn
    assert "    Note over p3: waits 30 ms in orders until payment" in drawn
    assert drawn.index("    p1-->>p0: 84 ms") < drawn.index("    p3-)p4: orders 0@7")
    failed = told(monolith_timeout(), "mermaid")
    assert "    p3-xp3: +18 ms GET, 2.0 s, ReadTimeout: timed out\n" in failed
    assert "    p1--xp0: 2.0 s, HTTP 503\n" in failed


def test_html_marks_the_critical_path_and_draws_waits() -> None:
    page = told(hybrid_order(), "html")
    bars = re.findall(r'class="bar([\w ]*)" title="(\w+) ([\w ./]+) ·', page)
    assert (" critical", "payment", "process orders") in bars
    assert ("", "email", "process orders") in bars
    assert page.count('class="queued"') == 3
    failed = told(monolith_timeout(), "html")
    assert '<div class="error">✗ ReadTimeout: timed out</div>' in failed


def test_html_draws_the_sections_of_a_step_that_were_waited_for_and_not_the_whole_step() -> None:
    entry = http_server("order", "POST /orders", 0, 100)
    call = http_client("order", "GET", 20, 60, entry)
    page = told([entry, call, http_server("stock", "GET /stock", 20, 60, call)], "html")
    sections = re.findall(r'class="section" style="left:([\d.]+)%;width:([\d.]+)%', page)
    assert sections == [("0.000", "20.000"), ("80.000", "20.000"), ("20.000", "60.000")]
    beside = http_client("order", "PUT", 20, 10, entry)
    assert told([entry, call, beside], "html").count('class="section"') == 3


@pytest.mark.parametrize("form", STORY_FORMS)
def test_every_form_shows_corrected_times_and_says_so(form: StoryForm) -> None:
    entry = http_server("order", "POST /orders", 0, 100)
    call = http_client("order", "GET", 10, 50, entry)
    text = told([entry, call, http_server("pricing", "GET /price", -4985, 40, call)], form)
    assert "+15 ms" in text
    assert "clock corrected by 5.0 s" in text
    assert not re.search(r"[-−]\d[\d.]* m?s\b", text)


@pytest.mark.parametrize("form", STORY_FORMS)
def test_long_stories_are_folded_and_bounded_and_say_what_is_left_out(form: StoryForm) -> None:
    entry = http_server("order", "POST /orders", 0, 9000)
    equal = [span("order", "SELECT", 3, at, 1, entry) for at in range(1, 500)]
    assert "× 499" in told([entry, *equal], form)
    spans = [entry]
    for at in range(700):
        call = http_client("order", "GET", at, 1, entry)
        spans += [call, http_server(f"{at}-{'s' * 200}", f"GET /{at}{'x' * 200}", at, 1, call)]
    spans.append(span("order", "INSERT", 3, 8000, 1, entry, status=2, status_message="duplicate key"))
    text = told(spans, form)
    assert len(text) < (300_000 if form == "html" else 65_536)
    assert "duplicate key" in text
    assert re.search(r"\d+ more steps?", text)


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_a_form_tells_of_retries(form: StoryForm) -> None:
    entry = http_server("order", "POST /orders", 0, 100)
    again = http_client("order", "GET", 30, 20, entry, attributes={"http.request.resend_count": 2})
    assert "↻ attempt 3" in told([entry, again], form)
