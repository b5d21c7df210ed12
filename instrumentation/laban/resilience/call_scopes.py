"""What the current code is part of, a repeated attempt or a guarded call, for the spans of its calls.

A scope is in OpenTelemetry's context, so it reaches the threads and tasks to which the context goes. Some of
them outlive the attempt; then the scope has ended and says nothing.
"""

from typing import Final, cast
from weakref import WeakSet

from opentelemetry import trace
from opentelemetry.context import Context, attach, create_key, get_current
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.trace import SpanKind

from laban.fail_open import failing_open, report_failure

_SCOPE: Final = create_key("laban-call-scope")
_CALLS: Final = frozenset({SpanKind.CLIENT, SpanKind.PRODUCER})

Attributes = dict[str, str | int]


class CallScope:
    """A stretch of the program, and the attributes of the calls that begin in it."""

    __slots__ = ("attributes", "before", "ended", "inside", "outer", "owner")

    def __init__(self, owner: object, attributes: Attributes, before: Context) -> None:
        outer = _current(before)
        self.owner = owner
        self.outer = outer
        self.before = before
        self.inside: Context | None = Context({**before, _SCOPE: self})
        """The context that is current inside, until it ends."""
        self.attributes: Attributes = {**outer.attributes, **attributes} if outer else attributes
        self.ended = False


@failing_open("cannot follow retries and circuit breakers")
def enter(owner: object, attributes: Attributes) -> None:
    """Begin a scope; `owner` is the object with which `leave` ends it."""
    scope = CallScope(owner, attributes, get_current())
    attach(cast("Context", scope.inside))


@failing_open("cannot follow retries and circuit breakers")
def leave(owner: object) -> None:
    """End the innermost scope of this owner. What else the context has got meanwhile stays."""
    context = get_current()
    innermost = scope = _current(context)
    while scope is not None and scope.owner is not owner:
        scope = scope.outer
    if scope is None:
        return
    scope.ended = True
    unchanged, scope.inside = context is scope.inside, None
    if unchanged:
        attach(scope.before)
    elif scope is innermost:
        rest = {key: value for key, value in context.items() if key != _SCOPE}
        outer = _current(context)
        attach(Context(rest if outer is None else {**rest, _SCOPE: outer}))


def mark_spans_of(provider: trace.TracerProvider) -> None:
    """Set the attributes of the current scope on all CLIENT and PRODUCER spans of a provider."""
    if isinstance(provider, TracerProvider) and provider not in _marked:
        _marked.add(provider)
        provider.add_span_processor(_ScopeProcessor())


_marked: Final[WeakSet[TracerProvider]] = WeakSet()


class _ScopeProcessor(SpanProcessor):
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Called by the SDK in the thread that starts the span."""
        try:
            if span.kind in _CALLS:
                scope = _current(get_current() if parent_context is None else parent_context)
                if scope is not None:
                    span.set_attributes(scope.attributes)
        except Exception as error:  # noqa: BLE001 - like fail_open, but cheaper
            report_failure("cannot mark the calls of retries and circuit breakers", error)


def _current(context: Context) -> CallScope | None:
    scope = context.get(_SCOPE)
    while isinstance(scope, CallScope):
        if not scope.ended:
            return scope
        scope = scope.outer
    return None
