"""The instrumentation of APScheduler 3: each run of a job is a trace of its own, with a root span.

OpenTelemetry has none. Executors get the functions of this module in place of `run_job` and
`run_coroutine_job`. They are plain functions, because a process pool pickles them by name.
"""

import sys
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

import wrapt
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # upstream has no types
from opentelemetry.trace import Link, Span, StatusCode

from laban import vocabulary
from laban.fail_open import fail_open
from laban.sdk.suppression import is_tracing

_NAMES: Final = ("run_job", "run_coroutine_job")
_originals: Final[dict[str, Callable[..., Any]]] = {}


class LabanAPSchedulerInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # upstream has no types
    """Instruments the executors of APScheduler 3."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """The instrumented package."""
        return ("apscheduler >= 3.6, < 4",)

    def _instrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - upstream's signature
        """Replace the functions in all imported modules of APScheduler. It has no options."""
        for name in _NAMES:
            _replace(_original(name), globals()[name])

    def _uninstrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - upstream's signature
        for name in _NAMES:
            _replace(globals()[name], _original(name))


def run_job(job: Any, *args: Any, **kwargs: Any) -> Any:
    """APScheduler's function, whose job runs in a root span."""
    return _original("run_job")(_TracedJob(job, _traced), *args, **kwargs)


def run_coroutine_job(job: Any, *args: Any, **kwargs: Any) -> Any:
    """The same for a job that is a coroutine function."""
    return _original("run_coroutine_job")(_TracedJob(job, _traced_coroutine), *args, **kwargs)


class _TracedJob(wrapt.ObjectProxy[Any]):
    """A job that runs in a span. APScheduler decides whether it runs, or has missed its time."""

    def __init__(self, job: Any, trace_function: Callable[[Any], Callable[..., Any]]) -> None:
        super().__init__(job)
        self._self_trace_function = trace_function

    @property
    def func(self) -> Callable[..., Any]:
        return self._self_trace_function(self.__wrapped__)


def _traced(job: Any) -> Callable[..., Any]:
    function: Callable[..., Any] = job.func

    def run(*args: Any, **kwargs: Any) -> Any:
        with _running(job):
            return function(*args, **kwargs)

    return run if is_tracing() else function


def _traced_coroutine(job: Any) -> Callable[..., Any]:
    function: Callable[..., Any] = job.func

    async def run(*args: Any, **kwargs: Any) -> Any:
        with _running(job):
            return await function(*args, **kwargs)

    return run if is_tracing() else function


@contextmanager
def _running(job: Any) -> Generator[None]:
    """The span of one run of a job, current during the block."""
    span = _start_span(job)
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except Exception as error:
            _fail(span, error)
            raise


def _start_span(job: Any) -> Span:
    """Start the root span. An asyncio scheduler runs jobs in the context in which it was started: a link."""
    with fail_open("cannot start the span of a job"):
        ambient = trace.get_current_span().get_span_context()
        return trace.get_tracer(vocabulary.SCOPE_APSCHEDULER).start_span(
            f"run {job.name}",
            context=Context(),
            attributes={vocabulary.LABAN_JOB_ID: job.id, vocabulary.CODE_FUNCTION_NAME: str(job.func_ref)},
            links=[Link(ambient)] if ambient.is_valid else None,
        )
    return trace.INVALID_SPAN


def _fail(span: Span, error: Exception) -> None:
    with fail_open("cannot record the error of a job"):
        span.record_exception(error)
        span.set_attribute(vocabulary.ERROR_TYPE, type(error).__qualname__)
        span.set_status(StatusCode.ERROR, f"{type(error).__name__}: {error}")


def _original(name: str) -> Callable[..., Any]:
    """APScheduler's function. A process of a pool may call this module before it is instrumented."""
    if name not in _originals:
        _originals[name] = getattr(import_module("apscheduler.executors.base"), name)
    return _originals[name]


def _replace(old: object, new: object) -> None:
    """Replace a function in all imported modules of APScheduler."""
    for module_name, module in list(sys.modules.items()):
        if module_name.startswith("apscheduler."):
            for name in _NAMES:
                if getattr(module, name, None) is old:
                    setattr(module, name, new)
