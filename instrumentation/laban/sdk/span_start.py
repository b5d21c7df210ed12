"""Spans started in one step, where a sampler has nothing to decide.

The SDK asks a context four times for the same parent, samples by way of two samplers, and hands two dozen
arguments through two constructors: a third of what a span costs. Where the parent says that its trace is
sampled, or there is none and all traces are, what comes out is known before. Everything else is left to the
SDK; and all of it, where a span that the SDK makes has another make than ours.
"""

# ruff: noqa: SLF001 - what a span consists of has private names

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

from laban.fail_open import failed
from laban.sdk.context_keys import SPAN

StartSpan = Callable[..., Span]

_Span: Final = cast("Any", sdk)._Span
_tracer: Final = cast("Any", sdk.Tracer)

_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_SAMPLED_RANDOM: Final = TraceFlags(TraceFlags.SAMPLED | cast("Any", TraceFlags).RANDOM_TRACE_ID)
_UNSET: Final = Status()
_UNDECIDED: Final = object()


def install() -> None:
    """Make it so for all spans of this process, if this is an SDK that we know. Twice does no harm."""
    stock: StartSpan = _tracer.start_span
    if not hasattr(stock, "stock") and _makes_what_we_make(stock):
        _tracer.start_span = _at_once(stock)


def uninstall() -> None:
    """As the SDK does it."""
    ours = _tracer.start_span
    _tracer.start_span = getattr(ours, "stock", ours)


def _at_once(stock: StartSpan) -> StartSpan:
    def start_span(
        tracer: Any,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Any = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT001 - as the SDK
        set_status_on_exception: bool = True,  # noqa: FBT001
    ) -> Span:
        """`Tracer.start_span`."""
        span: Any = None
        try:
            parent = _parent_of_sampled(tracer, context)
            if parent is not _UNDECIDED and (attributes is None or type(attributes) is dict):
                span = _made(tracer, name, parent, kind, attributes)
                span._record_exception = record_exception
                span._set_status_on_exception = set_status_on_exception
                if links:
                    span._links = span._new_links(links)
                span._start_time = time_ns() if start_time is None else start_time
        except Exception as error:  # noqa: BLE001 - another SDK than we know: its own way is always right
            failed("cannot start spans at less cost", error)
            span = None
        if span is None:
            how = (record_exception, set_status_on_exception)
            return stock(tracer, name, context, kind, attributes, links, start_time, *how)
        span._span_processor.on_start(span, parent_context=context)
        started: Span = span
        return started

    vars(start_span)["stock"] = stock
    return start_span


class _Sampled(NamedTuple):
    """Which spans are sampled, whatever they are."""

    root: bool
    below_remote: bool
    below_local: bool


_NOT_KNOWN: Final = _Sampled(root=False, below_remote=False, below_local=False)
_KNOWN: Final = "_laban_sampled"
"""The attribute of samplers that says so."""


def _look_at(sampler: Any) -> _Sampled:
    sampled = _Sampled(False, False, False)
    if type(sampler) is ParentBased:
        known: Any = sampler
        asked = (known._root, known._remote_parent_sampled, known._local_parent_sampled)
        sampled = _Sampled(*map(_is_always_on, asked))
    setattr(sampler, _KNOWN, sampled)
    return sampled


def _is_always_on(sampler: Any) -> bool:
    return type(sampler) is StaticSampler and sampler._decision is Decision.RECORD_AND_SAMPLE  # pyright: ignore[reportPrivateUsage]


def _parent_of_sampled(tracer: Any, context: Context | None) -> Any:
    """The parent; None for a span without one; _UNDECIDED where the SDK is to decide what becomes of it."""
    sampled = getattr(tracer.sampler, _KNOWN, None) or _look_at(tracer.sampler)
    if not tracer._is_enabled():
        return _UNDECIDED
    around = (get_current() if context is None else context).get(SPAN)
    if type(around) is not _Span and type(around) is not NonRecordingSpan:
        return None if around is None and sampled.root else _UNDECIDED
    parent = cast("Span", around).get_span_context()
    if type(parent) is not SpanContext:
        return _UNDECIDED
    if not parent.is_valid:
        return None if sampled.root else _UNDECIDED
    known = sampled.below_remote if parent.is_remote else sampled.below_local
    return parent if known and parent.trace_flags.sampled else _UNDECIDED


def _made(tracer: Any, name: str, parent: SpanContext | None, kind: SpanKind, attributes: Any) -> Any:
    """A span that has not started: what the SDK's constructors give it, in their order."""
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
    longest = limits.max_span_attribute_length
    span._attributes = BoundedAttributes(limits.max_span_attributes, attributes, False, longest)
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


def _makes_what_we_make(stock: StartSpan) -> bool:
    """Whether the SDK's spans consist of what ours consist of."""
    provider = sdk.TracerProvider(DEFAULT_ON, Resource.get_empty(), shutdown_on_exit=False)
    tracer = provider.get_tracer("laban")
    if type(tracer) is not sdk.Tracer:
        return False  # the SDK is turned off
    theirs, ours = stock(tracer, "", Context()), _made(tracer, "", None, SpanKind.INTERNAL, None)
    return _parts(theirs) == _parts(ours)


def _parts(span: Any) -> list[tuple[str, type]]:
    return [(name, type(value)) for name, value in vars(span).items() if name != "_start_time"]
