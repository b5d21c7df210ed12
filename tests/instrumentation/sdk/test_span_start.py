"""Starting a span in one step has the same result as the SDK's own code."""

from collections.abc import Callable, Generator
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, Tracer, TracerProvider, sampling
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, TraceFlags, TraceState

from laban.sdk import span_start


@pytest.fixture(scope="module", autouse=True)
def patched() -> Generator[None]:
    span_start.install()
    span_start.install()
    yield
    span_start.uninstall()


class Counting(IdGenerator):
    """Generates the same IDs for both ways of starting a span."""

    def __init__(self, *, random: bool) -> None:
        self._numbers = count(1)
        self._random = random

    def generate_span_id(self) -> int:
        return next(self._numbers)

    def generate_trace_id(self) -> int:
        return next(self._numbers)

    def is_trace_id_random(self) -> bool:
        return self._random


class Every(sampling.Sampler):
    """A sampler of the user."""

    def should_sample(self, *args: Any, **kwargs: Any) -> sampling.SamplingResult:
        decision = sampling.Decision.RECORD_AND_SAMPLE
        return sampling.SamplingResult(decision, {"sampled": "by me"}, TraceState())

    def get_description(self) -> str:
        return "every"


SAMPLERS = st.sampled_from(
    [
        sampling.DEFAULT_ON,
        sampling.DEFAULT_OFF,
        sampling.ALWAYS_ON,
        sampling.ALWAYS_OFF,
        sampling.ParentBased(Every()),
        sampling.ParentBased(sampling.ALWAYS_ON, remote_parent_sampled=sampling.ALWAYS_OFF),
        sampling.ParentBased(sampling.ALWAYS_ON, local_parent_sampled=Every()),
        sampling.ParentBasedTraceIdRatio(0.5),
        Every(),
    ]
)
CONTEXTS = st.builds(
    SpanContext,
    st.integers(0, 3),
    st.integers(0, 3),
    st.booleans(),
    st.integers(0, 3).map(TraceFlags),
    st.sampled_from([TraceState(), TraceState([("a", "1")])]),
)
LINKS = st.one_of(st.none(), st.just(()), st.lists(st.builds(Link, CONTEXTS), max_size=3))
VALUES = st.one_of(st.text(max_size=3), st.integers(), st.lists(st.integers(), max_size=2), st.none())
ATTRIBUTES = st.one_of(st.none(), st.dictionaries(st.text(max_size=3), VALUES, max_size=4))
PARENTS = st.one_of(
    st.none(),
    st.just(Context()),
    st.just(Context({"other": 1})),
    CONTEXTS.map(lambda own: trace.set_span_in_context(NonRecordingSpan(own), Context())),
    st.just(trace.set_span_in_context(TracerProvider().get_tracer("t").start_span("parent"), Context())),
)
NARROW = SpanLimits(max_links=1, max_span_attributes=2, max_span_attribute_length=1)
LIMITS = st.sampled_from([SpanLimits(), NARROW])


def parts(span: Any) -> dict[str, Any]:
    """The fields of a span, in order, in a comparable form."""
    held = dict(vars(span))
    for name in ("_lock", "_span_processor", "_resource"):
        held.pop(name, None)
    for name in ("_events", "_links"):
        if name in held:
            held[name] = [(link.context, link.attributes) for link in held[name]], held[name].dropped
    if "_attributes" in held:
        kept = held["_attributes"]
        limits = kept.maxlen, kept.max_value_len, kept._immutable
        held["_attributes"] = list(kept.items()), kept.dropped, limits
    if "_status" in held:
        held["_status"] = held["_status"].status_code, held["_status"].description
    return held


@given(SAMPLERS, LIMITS, PARENTS, ATTRIBUTES, LINKS, st.data())
def test_the_span_is_the_same_as_the_sdks(
    sampler: Any, limits: Any, parent: Any, attributes: Any, links: Any, data: st.DataObject
) -> None:
    random, *flags = data.draw(st.lists(st.booleans(), min_size=3, max_size=3))

    def start(how: Callable[..., Any]) -> tuple[type, list[tuple[str, Any]]]:
        provider = TracerProvider(sampler, id_generator=Counting(random=random), span_limits=limits)
        tracer = provider.get_tracer("t")
        given = [Link(link.context) for link in links] if links else links  # the SDK modifies them
        span = how(tracer, "s", parent, SpanKind.CLIENT, attributes, given, 7, *flags)
        return type(span), list(parts(span).items())

    ours = vars(Tracer)["start_span"]
    assert start(ours) == start(ours.upstream)


def test_spans_with_a_known_sampling_decision_are_started_without_the_sdk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sampling.ParentBased, "should_sample", None)
    tracer = TracerProvider().get_tracer("t")
    with tracer.start_as_current_span("root") as root, tracer.start_as_current_span("child") as child:
        assert child.get_span_context().trace_id == root.get_span_context().trace_id
    remote = SpanContext(1, 2, True, TraceFlags(1))
    below = tracer.start_span("below", trace.set_span_in_context(NonRecordingSpan(remote)))
    assert below.get_span_context().trace_id == 1


class RecordingProcessor(SpanProcessor):
    """Records the calls of `on_start`."""

    def __init__(self) -> None:
        self.started: list[Any] = []

    def on_start(self, span: Any, parent_context: Context | None = None) -> None:
        assert span.is_recording()
        self.started.append((span, span.start_time > 0, parent_context))
        if span.name == "refused":
            raise ValueError(span.name)


def test_span_processors_are_called_once_and_can_raise() -> None:
    processor = RecordingProcessor()
    provider = TracerProvider()
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("t")
    context = Context({"other": 1})
    span = tracer.start_span("s", context)
    assert processor.started == [(span, True, context)]
    with pytest.raises(ValueError, match="refused"):
        tracer.start_span("refused")
    assert len(processor.started) == 2


def test_a_disabled_tracer_starts_nothing() -> None:
    tracer: Any = TracerProvider().get_tracer("t")
    tracer._tracer_config = type(tracer._tracer_config)(is_enabled=False)
    assert not tracer.start_span("s").is_recording()


def test_the_sdk_starts_a_span_if_the_fast_way_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("laban.fail_open._warned", set())
    monkeypatch.setattr(span_start, "_new_span", None)
    assert TracerProvider().get_tracer("t").start_span("s").is_recording()
    assert "cannot speed up the start of spans" in caplog.text


def test_an_sdk_whose_spans_have_other_fields_is_not_patched(monkeypatch: pytest.MonkeyPatch) -> None:
    span_start.uninstall()
    upstream = Tracer.start_span

    def with_more(*args: Any, **kwargs: Any) -> Any:
        span = upstream(*args, **kwargs)
        vars(span)["_more"] = 1
        return span

    monkeypatch.setattr(Tracer, "start_span", with_more)
    span_start.install()
    assert Tracer.start_span is with_more
    monkeypatch.undo()
    span_start.install()
    assert Tracer.start_span is not upstream
