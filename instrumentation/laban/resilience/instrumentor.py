"""The instrumentor of a library of retries or circuit breakers: which methods get which wrapper."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar

import wrapt
from opentelemetry import trace
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # upstream has no types
from opentelemetry.instrumentation.utils import unwrap

from laban.resilience import call_scopes

Wrapped = Callable[..., Any]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]
Wrapper = Callable[[Wrapped, Any, Args, Kwargs], Any]
"""A wrapper of a method, with wrapt's signature."""
Wrappers = Mapping[tuple[Any, str], Wrapper]
"""Owner and name of a method → its wrapper."""


def guarding(enter: Callable[[Any], None]) -> Wrapper:
    """A wrapper of a method that makes a guarded call; `enter` begins the scope of its owner."""

    def call(wrapped: Wrapped, owner: Any, args: Args, kwargs: Kwargs) -> Any:
        enter(owner)
        try:
            return wrapped(*args, **kwargs)
        finally:
            call_scopes.leave(owner)

    return call


def guarding_async(enter: Callable[[Any], None]) -> Wrapper:
    """The same for a coroutine function."""

    async def call(wrapped: Wrapped, owner: Any, args: Args, kwargs: Kwargs) -> Any:
        enter(owner)
        try:
            return await wrapped(*args, **kwargs)
        finally:
            call_scopes.leave(owner)

    return call


class ResilienceInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # upstream has no types
    """Wraps methods of a library. All of them must be there; otherwise nothing is wrapped."""

    requirement: ClassVar[str]
    """The library, and its versions."""

    @abstractmethod
    def wrappers(self) -> Wrappers:
        """The methods to wrap; called when the library is imported."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """The instrumented package."""
        return (self.requirement,)

    def _instrument(self, **kwargs: Any) -> None:
        """Wrap the methods. The only option is `tracer_provider`."""
        wrappers = self.wrappers()
        for owner, name in wrappers:
            getattr(owner, name)
        call_scopes.mark_spans_of(kwargs.get("tracer_provider") or trace.get_tracer_provider())
        for (owner, name), wrapper in wrappers.items():
            wrapt.wrap_function_wrapper(owner, name, wrapper)

    def _uninstrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - upstream's signature
        for owner, name in self.wrappers():
            unwrap(owner, name)
