"""Starts spans in one step if the sampling decision is known in advance.

The SDK looks up the same parent four times in the context, asks two samplers, and passes two dozen arguments
through two constructors: a third of the cost of a span. If the parent is sampled, or there is no parent and
all traces are sampled, the decision is known. The SDK starts all other spans, and all spans if its own spans
have other fields than the ones built here (`tests/instrumentation/sdk/test_sdk_contract.py` then fails).
"""

# ruff: noqa: SLF001 - the fields of a span have private names

import threading
from collections.abc import Callable, Sequence
from time import time_ns
from typing import Any, Final, NamedTuple, cast

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context, get_current
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Decision, ParentBased, StaticSampler
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, Status, TraceFlags

from laban.fail_open import report_failure
from laban.sdk.context_values import SPAN

StartSpan = Callable[..., Span]

_Span: Final = cast("Any", sdk)._Span
_tracer: Final = cast("Any", sdk.Tracer)

_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_SAMPLED_RANDOM: Final = TraceFlags(TraceFlags.SAMPLED | cast("Any", TraceFlags).RANDOM_TRACE_ID)
_UNSET: Final = Status()
_UNDECIDED: Final = object()


def install() -> None:
    """Patch all tracers of this process if the SDK is a known one. A second call does nothing."""
    upstream: StartSpan = _tracer.start_span
    if not hasattr(upstream, "upstream"):
        fields = span_fields(upstream)
        if fields is not None and fields.sdk == fields.built_here:
            _tracer.start_span = _in_one_step(upstream)


def uninstall() -> None:
    """Restore the SDK's method."""
    current = _tracer.start_span
    _tracer.start_span = getattr(current, "upstream", current)


def _in_one_step(upstream: StartSpan) -> StartSpan:
    def start_span(
        tracer: Any,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Any = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT001 - the SDK's signature
        set_status_on_exception: bool = True,  # noqa: FBT001
    ) -> Span:
        """`Tracer.start_span`."""
        span: Any = None
        try:
            parent = _parent_of_sampled(tracer, context)
            if parent is not _UNDECIDED and (attributes is None or type(attributes) is dict):
                span = _new_span(tracer, name, parent, kind, attributes)
                span._record_exception = record_exception
                span._set_status_on_exception = set_status_on_exception
                if links:
                    span._links = span._new_links(links)
                span._start_time = time_ns() if start_time is None else start_time
        except Exception as error:  # noqa: BLE001 - an unknown SDK version: its own way is always right
            report_failure("cannot speed up the start of spans", error)
            span = None
        if span is None:
            flags = (record_exception, set_status_on_exception)
            return upstream(tracer, name, context, kind, attributes, links, start_time, *flags)
        span._span_processor.on_start(span, parent_context=context)
        started: Span = span
        return started

    vars(start_span)["upstream"] = upstream
    return start_span


class _AlwaysSampled(NamedTuple):
    """Which spans a sampler always samples."""

    root: bool
    below_remote: bool
    below_local: bool


_ALWAYS_SAMPLED: Final = "_laban_always_sampled"
"""The attribute of a sampler that caches it."""


def _inspect(sampler: Any) -> _AlwaysSampled:
    sampled = _AlwaysSampled(False, False, False)
    if type(sampler) is ParentBased:
        known: Any = sampler
        inner = (known._root, known._remote_parent_sampled, known._local_parent_sampled)
        sampled = _AlwaysSampled(*map(_is_always_on, inner))
    setattr(sampler, _ALWAYS_SAMPLED, sampled)
    return sampled


def _is_always_on(sampler: Any) -> bool:
    return type(sampler) is StaticSampler and sampler._decision is Decision.RECORD_AND_SAMPLE  # pyright: ignore[reportPrivateUsage]


def _parent_of_sampled(tracer: Any, context: Context | None) -> Any:
    """The parent if the span is certainly sampled, None for a root; _UNDECIDED if the SDK must decide."""
    sampled = getattr(tracer.sampler, _ALWAYS_SAMPLED, None) or _inspect(tracer.sampler)
    if not tracer._is_enabled():
        return _UNDECIDED
    current = (get_current() if context is None else context).get(SPAN)
    if type(current) is not _Span and type(current) is not NonRecordingSpan:
        return None if current is None and sampled.root else _UNDECIDED
    parent = cast("Span", current).get_span_context()
    if type(parent) is not SpanContext:
        return _UNDECIDED
    if not parent.is_valid:
        return None if sampled.root else _UNDECIDED
    certain = sampled.below_remote if parent.is_remote else sampled.below_local
    return parent if certain and parent.trace_flags.sampled else _UNDECIDED


def _new_span(tracer: Any, name: str, parent: SpanContext | None, kind: SpanKind, attributes: Any) -> Any:
    """A span that has not started, with the fields that the SDK's constructors set, in their order."""
    limits = tracer._span_limits
    span = object.__new__(_Span)
    span._name = name
    span._context = _new_context(tracer.id_generator, parent)
    span._kind = kind
    span._instrumentation_info = tracer.instrumentation_info
    span._instrumentation_scope = tracer._instrumentation_scope
    span._parent = parent
    span._start_time = None
    span._end_time = None
    max_length = limits.max_span_attribute_length
    span._attributes = BoundedAttributes(limits.max_span_attributes, attributes, False, max_length)
    span._events = BoundedList(limits.max_events)
    span._links = BoundedList(limits.max_links)
    span._resource = tracer.resource
    span._status = _UNSET
    span._sampler = tracer.sampler
    span._trace_config = None
    span._record_exception = True
    span._set_status_on_exception = True
    span._span_processor = tracer.span_processor
    span._limits = limits
    span._lock = threading.Lock()
    span._record_end_metrics = tracer._tracer_metrics.start_span(parent, Decision.RECORD_AND_SAMPLE)
    return span


def _new_context(ids: Any, parent: SpanContext | None) -> SpanContext:
    if parent is None:
        trace_id = ids.generate_trace_id()
        flags = _SAMPLED_RANDOM if ids.is_trace_id_random() else _SAMPLED
        return SpanContext(trace_id, ids.generate_span_id(), False, flags)
    flags = _SAMPLED_RANDOM if cast("Any", parent.trace_flags).random_trace_id else _SAMPLED
    return SpanContext(parent.trace_id, ids.generate_span_id(), False, flags, parent.trace_state)


class SpanFields(NamedTuple):
    """Name and type of each field of a span, in order: of one from the SDK and of one built here."""

    sdk: list[tuple[str, type]]
    built_here: list[tuple[str, type]]


def span_fields(upstream: StartSpan) -> SpanFields | None:
    """The fields of the SDK's spans and of the spans built here; None if the SDK is disabled."""
    provider = sdk.TracerProvider(DEFAULT_ON, Resource.get_empty(), shutdown_on_exit=False)
    tracer = provider.get_tracer("laban")
    if type(tracer) is not sdk.Tracer:
        return None
    theirs, ours = upstream(tracer, "", Context()), _new_span(tracer, "", None, SpanKind.INTERNAL, None)
    return SpanFields(_fields(theirs), _fields(ours))


def _fields(span: Any) -> list[tuple[str, type]]:
    return [(name, type(value)) for name, value in vars(span).items() if name != "_start_time"]
