"""The instrumentation of Faust (faust-streaming); OpenTelemetry has none.

Faust sends with aiokafka's producer, which laban traces. It reads past `getone()` and `getmany()`, in a
thread of its own, and hands each record to the streams of its agents as an event. So the process span starts
and ends where Faust tells its own sensors that a stream takes an event and is done with it. The program gets
the values from a loop over the stream; the loop shows when an exception leaves it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from functools import cache
from importlib import import_module
from typing import Any, Final
from weakref import WeakKeyDictionary, WeakSet

import wrapt
from opentelemetry import trace
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # upstream has no types
from opentelemetry.instrumentation.utils import unwrap
from opentelemetry.trace import Tracer

from laban import vocabulary
from laban.fail_open import fail_open
from laban.messaging import message_delivery
from laban.messaging.delivery import Delivery
from laban.messaging.faust.streams import BatchDelivery, Batches, EventDelivery, Values, Watched
from laban.messaging.loops import AsyncLoop
from laban.messaging.records import PROCESS_ATTRIBUTES, ConsumedRecord, ConsumerSettings
from laban.messaging.send_span import client_attributes
from laban.sdk.suppression import is_tracing

Wrapped = Callable[..., Any]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]

_BATCHES: Final = ("take", "take_events", "take_with_timestamp", "noack_take")
"""The methods of a stream that return batches; older versions have fewer."""
_OWN_TRACING: Final = "faust.contrib.opentelemetry"
"""The module of the sensor with which a program traces Faust itself."""


class LabanFaustInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # upstream has no types
    """Instruments the streams of Faust."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """The instrumented package."""
        return ("faust-streaming >= 0.8",)

    def _instrument(self, **kwargs: Any) -> None:
        """Instrument the classes. The only option is `tracer_provider`."""
        try:  # not find_spec: Faust replaces its module with one that has no __spec__
            methods = _methods()
        except ImportError:  # a distro may load this without checking for Faust
            return
        tracer = trace.get_tracer(vocabulary.SCOPE_FAUST, tracer_provider=kwargs.get("tracer_provider"))
        message_delivery.install()
        tracing = _StreamTracing(tracer)
        for (owner, name), wrapper in methods.items():
            wrapt.wrap_function_wrapper(owner, name, getattr(tracing, wrapper))

    def _uninstrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - upstream's signature
        for owner, name in _methods():
            unwrap(owner, name)
        message_delivery.uninstall()


def _methods() -> dict[tuple[type, str], str]:
    """Method to wrap → its wrapper in `_StreamTracing`."""
    agent, stream = _faust("agents.agent:Agent"), _faust("streams:Stream")
    sensors = _faust("sensors.base:SensorDelegate")
    return {
        (agent, "_execute_actor"): "run_actor",
        (sensors, "on_stream_event_in"): "event_in",
        (sensors, "on_stream_event_out"): "event_out",
        (stream, "__aiter__"): "iterate",
        **{(stream, name): "batches" for name in _BATCHES if hasattr(stream, name)},
    }


@cache
def _faust(path: str) -> Any:
    """The object `module:name` of Faust, without an import statement: type checkers lack Faust."""
    module, _, name = path.partition(":")
    return getattr(import_module(f"faust.{module}"), name)


class _StreamTracing:
    """Wrappers for the methods of streams and sensors."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._deliveries: WeakKeyDictionary[object, EventDelivery] = WeakKeyDictionary()
        self._in_batches: WeakSet[object] = WeakSet()
        self._of_batches: WeakSet[Delivery] = WeakSet()
        self._highest_offsets: dict[tuple[str, str], dict[tuple[str, int], int]] = {}

    def event_in(self, wrapped: Wrapped, sensors: Any, args: Args, kwargs: Kwargs) -> Any:
        """`sensors.on_stream_event_in(tp, offset, stream, event)`: the stream takes an event."""
        state = wrapped(*args, **kwargs)
        with fail_open("cannot start spans of Faust events"):
            _, _, stream, event = args
            if is_tracing() and stream not in self._in_batches and not _traces_itself(sensors):
                self._delivery(stream).start(event)
        return state

    def event_out(self, wrapped: Wrapped, _sensors: Any, args: Args, kwargs: Kwargs) -> Any:
        """`sensors.on_stream_event_out(tp, offset, stream, event, …)`: the event is acknowledged.

        A loop whose stream is acknowledged by hand goes on with the event. An event that a filter drops does
        not reach the loop.
        """
        with fail_open("cannot end spans of Faust events"):
            delivery = self._deliveries.get(args[2])
            if delivery is not None:
                delivery.drop(args[3])
        return wrapped(*args, **kwargs)

    def iterate(self, wrapped: Wrapped, stream: Any, args: Args, kwargs: Kwargs) -> AsyncIterator[Any]:
        """`async for value in stream`."""
        values: AsyncIterator[Any] = wrapped(*args, **kwargs)
        with fail_open("cannot trace a Faust stream"):
            delivery = self._delivery(stream)
            return AsyncLoop(Values(values, delivery), delivery)
        return values

    def batches(self, wrapped: Wrapped, stream: Any, args: Args, kwargs: Kwargs) -> AsyncIterator[Any]:
        """`async for values in stream.take(10, within=1)`, and its relatives."""
        batches: AsyncIterator[Any] = wrapped(*args, **kwargs)
        with fail_open("cannot trace the batches of a Faust stream"):
            if is_tracing() and not _traces_itself(stream.app.sensors):
                delivery = BatchDelivery(self._settings(stream), _current_task)
                self._of_batches.add(delivery)
                return AsyncLoop(Batches(batches, stream, delivery, self._in_batches), delivery)
        return batches

    def run_actor(self, wrapped: Wrapped, _agent: Any, args: Args, kwargs: Kwargs) -> Any:
        """`agent._execute_actor(coroutine, actor)`: one task of an agent.

        Faust lets other tasks run before it logs the error of a handler.
        """
        return wrapped(Watched(args[0], self._fail), *args[1:], **kwargs)

    def _fail(self, error: Exception) -> None:
        """End the spans of this task with an exception of its handler."""
        for delivery in (*self._deliveries.values(), *self._of_batches):
            delivery.end(error)

    def _delivery(self, stream: Any) -> EventDelivery:
        delivery = self._deliveries.get(stream)
        if delivery is None:
            delivery = self._deliveries[stream] = EventDelivery(self._settings(stream), _current_task)
        return delivery

    def _settings(self, stream: Any) -> ConsumerSettings:
        config = stream.app.conf
        brokers = [f"{url.host}:{url.port}" for url in config.broker]
        attributes = {**PROCESS_ATTRIBUTES, **client_attributes(brokers, config.broker_client_id)}
        if not stream.app.client_only:
            attributes[vocabulary.MESSAGING_CONSUMER_GROUP_NAME] = config.id
        return ConsumerSettings(self._tracer, attributes, _read_event, None, self._offsets(config.id))

    def _offsets(self, group: str) -> dict[tuple[str, int], int]:
        """The highest offsets of an agent, which outlive its streams: a crashed agent gets a new one.

        Several agents of an application read the same records, and the actors of one agent take turns.
        Neither means that a record is delivered again.
        """
        agent = _faust("agents.agent:current_agent")()
        if agent is None or agent.concurrency != 1:
            return _NoOffsets()
        return self._highest_offsets.setdefault((group, agent.name), {})


class _NoOffsets(dict[tuple[str, int], int]):
    """Remembers nothing: nothing was delivered before."""

    def __setitem__(self, partition: tuple[str, int], offset: int) -> None:
        pass


def _read_event(event: Any) -> ConsumedRecord | None:
    """Read the record of an event; None for an event of a channel in memory."""
    message = event.message
    if not isinstance(message, _faust("types.tuples:ConsumerMessage")):
        return None
    headers = message.headers or ()
    return ConsumedRecord(
        message.topic,
        message.partition,
        message.offset,
        -1 if message.timestamp is None else round(message.timestamp * 1000),
        message.key,
        tuple(headers.items() if isinstance(headers, Mapping) else headers),
        None if message.value is None else len(message.value),
        message.value,
    )


def _traces_itself(sensors: Any) -> bool:
    """Whether the program has set up Faust's own tracing. Two process spans would count a record twice."""
    return any(type(sensor).__module__ == _OWN_TRACING for sensor in sensors)


def _current_task() -> object:
    return asyncio.current_task()
