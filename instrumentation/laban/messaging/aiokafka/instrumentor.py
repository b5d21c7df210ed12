"""The instrumentor of aiokafka, and its wrappers for `AIOKafkaConsumer`.

It derives from upstream's instrumentor, with the same entry point, options and hooks, but uses its own
wrappers. Upstream ends its span before the handler runs, starts a separate trace for `getmany()`, and ends
the send span before the broker has answered.
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

from laban import shutdown, vocabulary
from laban.fail_open import fail_open
from laban.messaging import commit_span, handler_errors, process_span, send_span
from laban.messaging.aiokafka.producer import ProducerTracing
from laban.messaging.consumer_registry import ConsumerConfig, ConsumerRegistry
from laban.messaging.delivery import Delivery
from laban.messaging.loops import AsyncLoop, PolledRecords
from laban.messaging.records import read_record

Wrapped = Callable[..., Any]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]
Hook = Callable[..., Coroutine[Any, Any, None]]

_CONSUMER_METHODS: Final = {"__aiter__": "iterate", "getone": "getone", "getmany": "getmany", "stop": "stop"}
_PRODUCER_METHODS: Final = ("send", "create_batch", "send_batch")


class LabanAiokafkaInstrumentor(AIOKafkaInstrumentor):
    """Upstream's instrumentor, with spans that last until the handler ends and the broker has answered."""

    _instance = None

    def _instrument(self, **kwargs: Any) -> None:
        """Instrument the client classes.

        Args:
            kwargs: `tracer_provider`, `async_produce_hook(span, args, kwargs)` and
                `async_consume_hook(span, record, args, kwargs)`, as in upstream. For the records of
                `getmany()`, the loop over the list calls the consume hook, and cannot await anything in it.
        """
        tracer = trace.get_tracer(vocabulary.SCOPE_AIOKAFKA, tracer_provider=kwargs.get("tracer_provider"))
        consumers = _ConsumerTracing(tracer, _hook(kwargs.get("async_consume_hook")))
        producers = ProducerTracing(tracer, _hook(kwargs.get("async_produce_hook")))
        for name, wrapper in _CONSUMER_METHODS.items():
            wrapt.wrap_function_wrapper(aiokafka.AIOKafkaConsumer, name, getattr(consumers, wrapper))
        if commit_span.is_enabled():
            commit = consumers.commit_tracing.commit_async
            wrapt.wrap_function_wrapper(aiokafka.AIOKafkaConsumer, "commit", commit)
        for name in _PRODUCER_METHODS:
            wrapt.wrap_function_wrapper(aiokafka.AIOKafkaProducer, name, getattr(producers, name))
        handler_errors.install()
        shutdown.before_exit(process_span.end_all, process_span.forget_all)
        shutdown.before_exit(send_span.end_all, send_span.forget_all)

    def _uninstrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - upstream's signature
        for name in _CONSUMER_METHODS:
            unwrap(aiokafka.AIOKafkaConsumer, name)
        unwrap(aiokafka.AIOKafkaConsumer, "commit")  # does nothing if it is not wrapped
        for name in _PRODUCER_METHODS:
            unwrap(aiokafka.AIOKafkaProducer, name)
        handler_errors.uninstall()


class _ConsumerTracing:
    """Wrappers for the methods of `AIOKafkaConsumer`."""

    def __init__(self, tracer: Tracer, hook: Hook | None) -> None:
        self._hook = hook
        run = None if hook is None else _as_plain_function(hook)
        # Tasks may share a consumer. Each task handles the record that it received.
        self._registry = ConsumerRegistry(tracer, run, read_record, _read_config, owner=_task_or_thread)
        self.commit_tracing = commit_span.CommitTracing(tracer, self._registry)

    def iterate(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> AsyncIterator[Any]:
        """`async for record in consumer`."""
        iterator: AsyncIterator[Any] = wrapped(*args, **kwargs)
        delivery = self._registry.delivery(consumer)
        return iterator if delivery is None else AsyncLoop(iterator, delivery)

    def getone(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Awaitable[Any]:
        """`consumer.getone()`, which a loop calls too."""
        delivery = self._registry.delivery(consumer)
        if delivery is None:
            coroutine: Awaitable[Any] = wrapped(*args, **kwargs)
            return coroutine
        # The calling task is the handler. The awaiting task may be another one, created by `wait_for` or
        # `gather`.
        delivery.end()
        return self._getone(wrapped, delivery, asyncio.current_task(), args, kwargs)

    async def _getone(
        self,
        wrapped: Wrapped,
        delivery: Delivery,
        caller: asyncio.Task[Any] | None,
        args: Args,
        kwargs: Kwargs,
    ) -> Any:
        record = await wrapped(*args, **kwargs)
        here = asyncio.current_task() is caller
        span = delivery.start(record, owner=caller, current=here, hook=False)
        if span is not None:
            _end_with_task(caller, delivery)
            if self._hook is not None:
                with fail_open("cannot run async_consume_hook"):
                    await self._hook(span.span, record, args, kwargs)
        return record

    async def getmany(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Any:
        """`consumer.getmany()`."""
        delivery = self._registry.delivery(consumer)
        if delivery is None:
            return await wrapped(*args, **kwargs)
        delivery.end()
        polled = await wrapped(*args, **kwargs)
        with fail_open("cannot trace the records of getmany()"):
            return {partition: PolledRecords(records, delivery) for partition, records in polled.items()}
        return polled

    def stop(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Awaitable[Any]:
        """`consumer.stop()`. Inside `finally` or `except`, the handler's exception is visible here."""
        self._registry.end(consumer, sys.exc_info()[1])
        coroutine: Awaitable[Any] = wrapped(*args, **kwargs)
        return coroutine


def _task_or_thread() -> object:
    """The current task, or the current thread for a list of records that an executor handles."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return threading.get_ident()


def _read_config(consumer: Any) -> ConsumerConfig:
    client = consumer._client  # noqa: SLF001 - as in upstream: no public access
    return ConsumerConfig(client._bootstrap_servers, client._client_id, consumer._group_id)  # noqa: SLF001


def _end_with_task(task: asyncio.Task[Any] | None, delivery: Delivery) -> None:
    """End the task's span when the task ends. The task's exception is the handler's exception."""

    def done(ended: asyncio.Task[Any]) -> None:
        with fail_open("cannot end spans of Kafka records"):
            delivery.end(_error_of(ended), owner=ended)

    with fail_open("cannot detect the end of tasks"):
        if task is not None and delivery.is_first_record_of(task):
            task.add_done_callback(done)


def _error_of(task: asyncio.Task[Any]) -> BaseException | None:
    # Not task.exception(), which would suppress asyncio's warning "exception was never retrieved".
    return None if task.cancelled() else getattr(task, "_exception", None)


def _hook(given: Any) -> Hook | None:
    """The hook if it is a coroutine function, else None, as in upstream."""
    return given if iscoroutinefunction(given) else None


def _as_plain_function(hook: Hook) -> Callable[..., None]:
    """The hook as a plain function; it raises RuntimeError if the hook awaits something that is not ready."""

    def run(span: Span, record: object, args: Args, kwargs: Kwargs) -> None:
        coroutine = hook(span, record, args, kwargs)
        try:
            coroutine.send(None)
        except StopIteration:
            return
        coroutine.close()
        raise RuntimeError("async_consume_hook awaits something, but a loop over a list cannot await")

    return run
