"""aiokafka.

Built on the stock instrumentor: the same entry point, options and hooks. What it wraps is ours, because stock
ends its span before the handler runs, puts `getmany()` into a trace of its own, and ends the send span before
the broker has answered.
"""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from inspect import iscoroutinefunction
from typing import Any, Final

import aiokafka
import wrapt
from opentelemetry import trace
from opentelemetry.instrumentation.aiokafka import AIOKafkaInstrumentor
from opentelemetry.instrumentation.utils import unwrap
from opentelemetry.trace import Span, Tracer

from laban import shutdown
from laban.fail_open import fail_open
from laban.messaging import commit_span, handler_errors, process_span, send_span
from laban.messaging.aiokafka.producer import Sending
from laban.messaging.consumers import Following, Identity
from laban.messaging.delivery import Handing
from laban.messaging.iteration import AsyncLoop, Batch
from laban.messaging.records import read_record

Wrapped = Callable[..., Any]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]
Hook = Callable[..., Coroutine[Any, Any, None]]

_CONSUMER_METHODS: Final = {"__aiter__": "iterate", "getone": "getone", "getmany": "getmany", "stop": "stop"}
_PRODUCER_METHODS: Final = ("send", "create_batch", "send_batch")


class LabanAiokafkaInstrumentor(AIOKafkaInstrumentor):
    """Stock's instrumentor, with process spans as long as the handler runs, and acknowledged send spans."""

    _instance = None

    def _instrument(self, **kwargs: Any) -> None:
        """Instrument the client classes.

        Args:
            kwargs: `tracer_provider`, `async_produce_hook(span, args, kwargs)` and
                `async_consume_hook(span, record, args, kwargs)`, as stock takes them. For the records of
                `getmany()` the latter is called where the loop comes to each of them, and cannot wait there.
        """
        tracer = trace.get_tracer(__name__, tracer_provider=kwargs.get("tracer_provider"))
        consuming = _Consuming(tracer, _hook(kwargs.get("async_consume_hook")))
        producing = Sending(tracer, _hook(kwargs.get("async_produce_hook")))
        for name, wrapper in _CONSUMER_METHODS.items():
            wrapt.wrap_function_wrapper(aiokafka.AIOKafkaConsumer, name, getattr(consuming, wrapper))
        if commit_span.is_wanted():
            wrapt.wrap_function_wrapper(aiokafka.AIOKafkaConsumer, "commit", consuming.settling.commit_async)
        for name in _PRODUCER_METHODS:
            wrapt.wrap_function_wrapper(aiokafka.AIOKafkaProducer, name, getattr(producing, name))
        handler_errors.install()
        shutdown.before_exit(process_span.end_all, process_span.forget_all)
        shutdown.before_exit(send_span.end_all, send_span.forget_all)

    def _uninstrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - stock's signature
        for name in _CONSUMER_METHODS:
            unwrap(aiokafka.AIOKafkaConsumer, name)
        unwrap(aiokafka.AIOKafkaConsumer, "commit")  # where it is wrapped
        for name in _PRODUCER_METHODS:
            unwrap(aiokafka.AIOKafkaProducer, name)
        handler_errors.uninstall()


class _Consuming:
    """What stands around the methods of `AIOKafkaConsumer`."""

    def __init__(self, tracer: Tracer, hook: Hook | None) -> None:
        self._hook = hook
        run = None if hook is None else _running_at_once(hook)
        # Tasks may share a consumer: each handles the record that it has taken.
        self._following = Following(tracer, run, read_record, _identify, owner=_task_or_thread)
        self.settling = commit_span.Settling(tracer, self._following)

    def iterate(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> AsyncIterator[Any]:
        """`async for record in consumer`."""
        iterator: AsyncIterator[Any] = wrapped(*args, **kwargs)
        handing = self._following.handing(consumer)
        return iterator if handing is None else AsyncLoop(iterator, handing)

    def getone(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Awaitable[Any]:
        """`consumer.getone()`, which the loop calls, too."""
        handing = self._following.handing(consumer)
        if handing is None:
            coroutine: Awaitable[Any] = wrapped(*args, **kwargs)
            return coroutine
        # Who calls is who handles; who awaits may be a task that `wait_for` or `gather` has put in between.
        handing.end()
        return self._getone(wrapped, handing, asyncio.current_task(), args, kwargs)

    async def _getone(
        self, wrapped: Wrapped, handing: Handing, caller: asyncio.Task[Any] | None, args: Args, kwargs: Kwargs
    ) -> Any:
        record = await wrapped(*args, **kwargs)
        here = asyncio.current_task() is caller
        span = handing.start(record, owner=caller, current=here, hook=False)
        if span is not None:
            _end_with(caller, handing)
            if self._hook is not None:
                with fail_open("cannot run async_consume_hook"):
                    await self._hook(span.span, record, args, kwargs)
        return record

    async def getmany(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Any:
        """`consumer.getmany()`."""
        handing = self._following.handing(consumer)
        if handing is None:
            return await wrapped(*args, **kwargs)
        handing.end()
        polled = await wrapped(*args, **kwargs)
        with fail_open("cannot follow the records of getmany()"):
            return {partition: Batch(records, handing) for partition, records in polled.items()}
        return polled

    def stop(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Awaitable[Any]:
        """`consumer.stop()`; in a `finally` or `except` the handler's exception can be seen."""
        self._following.end(consumer, sys.exc_info()[1])
        coroutine: Awaitable[Any] = wrapped(*args, **kwargs)
        return coroutine


def _task_or_thread() -> object:
    """Lists of records may be handled in an executor."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return threading.get_ident()


def _identify(consumer: Any) -> Identity:
    client = consumer._client  # noqa: SLF001 - as stock does: there is no other way to ask
    return Identity(client._bootstrap_servers, client._client_id, consumer._group_id)  # noqa: SLF001


def _end_with(task: asyncio.Task[Any] | None, handing: Handing) -> None:
    """A task that ends is done with its record; what it raised is what its handler raised."""

    def done(ended: asyncio.Task[Any]) -> None:
        with fail_open("cannot end spans of Kafka records"):
            handing.end(_error_of(ended), owner=ended)

    with fail_open("cannot see tasks end"):
        if task is not None and handing.first_of(task):
            task.add_done_callback(done)


def _error_of(task: asyncio.Task[Any]) -> BaseException | None:
    # Not exception(): that would take asyncio's word from it, that nobody has asked for the exception.
    return None if task.cancelled() else getattr(task, "_exception", None)


def _hook(given: Any) -> Hook | None:
    """As stock: a hook that is no coroutine function is none."""
    return given if iscoroutinefunction(given) else None


def _running_at_once(hook: Hook) -> Callable[..., None]:
    """The hook as a plain function."""

    def run(span: Span, record: object, args: Args, kwargs: Kwargs) -> None:
        coroutine = hook(span, record, args, kwargs)
        try:
            coroutine.send(None)
        except StopIteration:
            return
        coroutine.close()
        raise RuntimeError("async_consume_hook awaits something, and a loop over a list cannot wait for it")

    return run
