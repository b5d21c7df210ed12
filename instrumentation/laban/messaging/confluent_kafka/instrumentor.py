"""The instrumentor of confluent-kafka, and its wrappers for `Consumer`.

It derives from upstream's instrumentor, with the same entry point and options. The client's classes are C
types that cannot be patched. So every imported module gets traced subclasses in place of `Consumer` and
`Producer`, and existing subclasses (`DeserializingConsumer`, `SerializingProducer`, the program's own) get a
traced base class. It misses existing consumers and producers, and references to the classes that are not
module attributes. For these, use `instrument_consumer` and `instrument_producer`, as in upstream.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

import wrapt
from confluent_kafka import DeserializingConsumer, cimpl
from opentelemetry import trace
from opentelemetry.instrumentation.confluent_kafka import ConfluentKafkaInstrumentor
from opentelemetry.instrumentation.utils import unwrap
from opentelemetry.trace import TracerProvider

from laban import shutdown, vocabulary
from laban.fail_open import fail_open
from laban.messaging import commit_span, handler_errors, process_span, send_span
from laban.messaging.confluent_kafka.producer import ProducerTracing
from laban.messaging.consumer_registry import ConsumerConfig, ConsumerRegistry
from laban.messaging.delivery import called_by_executor
from laban.messaging.loops import PolledRecords
from laban.messaging.records import read_message

Wrapped = Callable[..., Any]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]

_IN_EXECUTOR: Final = "an executor"
_KEPT_SETTINGS: Final = (
    *("bootstrap.servers", "metadata.broker.list", "client.id", "group.id"),
    *("on_delivery", "delivery.report.only.error"),
)


class LabanConfluentKafkaInstrumentor(ConfluentKafkaInstrumentor):
    """Upstream's instrumentor, with a process span per record and send spans until the delivery report."""

    _instance = None

    def _instrument(self, **kwargs: Any) -> None:
        """Replace the client classes.

        Args:
            kwargs: `tracer_provider`, as in upstream.
        """
        _ClientTracing.active = _ClientTracing(kwargs.get("tracer_provider"))
        for original, traced, base in _REPLACED:
            _replace(original, traced)
            _rebase(original, base)
        wrapt.wrap_function_wrapper(DeserializingConsumer, "poll", _deserialise)
        handler_errors.install()
        shutdown.before_exit(process_span.end_all, process_span.forget_all)
        shutdown.before_exit(send_span.end_all, send_span.forget_all)

    def _uninstrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - upstream's signature
        _ClientTracing.active = None
        for original, traced, base in _REPLACED:
            _replace(traced, original)
            _rebase(base, original)
        unwrap(DeserializingConsumer, "poll")
        handler_errors.uninstall()

    @staticmethod
    def instrument_producer(
        producer: Any,
        tracer_provider: TracerProvider | None = None,
        bootstrap_servers: str | None = None,
    ) -> Any:
        """Trace a producer that was created before the classes were replaced.

        Args:
            producer: of the C type.
            tracer_provider: None for the global one.
            bootstrap_servers: its configured servers, which it does not expose.
        """
        if isinstance(producer, (_BaseProducer, _TracedProducer)) and _ClientTracing.active is not None:
            return producer
        return _TracedProducer(producer, _ClientTracing(tracer_provider), _made_with(bootstrap_servers))

    @staticmethod
    def instrument_consumer(
        consumer: Any,
        tracer_provider: TracerProvider | None = None,
        bootstrap_servers: str | None = None,
    ) -> Any:
        """Trace a consumer; see `instrument_producer`."""
        if isinstance(consumer, (_BaseConsumer, _TracedConsumer)) and _ClientTracing.active is not None:
            return consumer
        return _TracedConsumer(consumer, _ClientTracing(tracer_provider), _made_with(bootstrap_servers))

    @staticmethod
    def uninstrument_producer(producer: Any) -> Any:
        """Return the producer that was given to `instrument_producer`."""
        return producer.__wrapped__ if isinstance(producer, _TracedProducer) else producer

    @staticmethod
    def uninstrument_consumer(consumer: Any) -> Any:
        """Return the consumer that was given to `instrument_consumer`."""
        return consumer.__wrapped__ if isinstance(consumer, _TracedConsumer) else consumer


class _ClientTracing:
    """Wrappers for the methods of `Consumer`, and of `Producer` in `producer`."""

    active: ClassVar["_ClientTracing | None"] = None
    """Set while the classes are instrumented."""

    def __init__(self, provider: TracerProvider | None) -> None:
        tracer = trace.get_tracer(vocabulary.SCOPE_CONFLUENT_KAFKA, tracer_provider=provider)
        self.producer = ProducerTracing(tracer)
        self._registry = ConsumerRegistry(tracer, None, read_message, _read_config)
        self._commit_tracing: commit_span.CommitTracing | None = None
        if commit_span.is_enabled():
            self._commit_tracing = commit_span.CommitTracing(tracer, self._registry)

    def poll(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Any:
        """`consumer.poll()`: the code between this call and the next one handles the message."""
        delivery = self._registry.delivery(consumer)
        if delivery is None:
            return wrapped(*args, **kwargs)
        elsewhere = called_by_executor()
        owner = _IN_EXECUTOR if elsewhere else None
        delivery.end(owner=owner)
        message = wrapped(*args, **kwargs)
        if message is not None:
            delivery.start(message, owner=owner, current=not elsewhere)
        return message

    def consume(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Any:
        """`consumer.consume()`: the loop over the list handles the messages."""
        delivery = self._registry.delivery(consumer)
        if delivery is None:
            return wrapped(*args, **kwargs)
        delivery.end()
        return PolledRecords(wrapped(*args, **kwargs), delivery)

    def commit(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Any:
        """`consumer.commit()`, which is asynchronous by default."""
        if self._commit_tracing is None:
            return wrapped(*args, **kwargs)
        return self._commit_tracing.commit(wrapped, consumer, args, kwargs)

    def end(self, consumer: object, error: BaseException | None) -> None:
        """End the consumer's spans: it closes, or its record does not reach the program."""
        self._registry.end(consumer, error)


def _deserialise(wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Any:
    """`poll()` of a deserialising consumer, whose inner, traced `poll()` starts the span."""
    try:
        return wrapped(*args, **kwargs)
    except Exception as error:
        if _ClientTracing.active is not None:
            _ClientTracing.active.end(consumer, error)  # the record does not reach the program
        raise


def _read_config(consumer: Any) -> ConsumerConfig:
    config = _config(consumer)
    servers = config.get("bootstrap.servers") or config.get("metadata.broker.list")
    return ConsumerConfig(servers, config.get("client.id"), config.get("group.id"))


def _config(client: Any) -> Mapping[str, Any]:
    """A client's configuration; empty if the client was created before its class was replaced."""
    config: Mapping[str, Any] = getattr(client, "_self_config", None) or getattr(client, "_laban_config", {})
    return config


def _made_with(bootstrap_servers: str | None) -> Mapping[str, Any]:
    return {"bootstrap.servers": bootstrap_servers} if bootstrap_servers else {}


def _keep_config(client: Any, args: Args, kwargs: Kwargs) -> None:
    """Keep the settings that spans need of `Consumer(conf)`, `Consumer(conf, **more)`, `Consumer(**conf)`."""
    with fail_open("cannot read the configuration of a Kafka client"):
        given = {**(args[0] if args else {}), **kwargs}
        client._laban_config = {name: given[name] for name in _KEPT_SETTINGS if name in given}  # noqa: SLF001


class _BaseConsumer(cimpl.Consumer):
    # Without __dict__, it can become a base of existing subclasses of the C type.
    __slots__ = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _keep_config(self, args, kwargs)

    def poll(self, *args: Any, **kwargs: Any) -> Any:
        tracing, plain = _ClientTracing.active, super().poll
        return tracing.poll(plain, self, args, kwargs) if tracing else plain(*args, **kwargs)

    def consume(self, *args: Any, **kwargs: Any) -> Any:
        tracing, plain = _ClientTracing.active, super().consume
        return tracing.consume(plain, self, args, kwargs) if tracing else plain(*args, **kwargs)

    def commit(self, *args: Any, **kwargs: Any) -> Any:
        tracing, plain = _ClientTracing.active, super().commit
        return tracing.commit(plain, self, args, kwargs) if tracing else plain(*args, **kwargs)

    def close(self, *args: Any, **kwargs: Any) -> Any:
        if _ClientTracing.active is not None:
            _ClientTracing.active.end(self, sys.exc_info()[1])
        return super().close(*args, **kwargs)

    def __exit__(self, *args: Any) -> Any:
        if _ClientTracing.active is not None:
            _ClientTracing.active.end(self, args[1])
        return super().__exit__(*args)


class _BaseProducer(cimpl.Producer):
    __slots__ = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _keep_config(self, args, kwargs)

    def produce(self, *args: Any, **kwargs: Any) -> Any:
        tracing, plain = _ClientTracing.active, super().produce
        if tracing is None:
            return plain(*args, **kwargs)
        return tracing.producer.produce(plain, _config(self), args, kwargs)

    def produce_batch(self, *args: Any, **kwargs: Any) -> Any:
        tracing, plain = _ClientTracing.active, super().produce_batch
        if tracing is None:
            return plain(*args, **kwargs)
        return tracing.producer.produce_batch(plain, _config(self), args, kwargs)


class Consumer(_BaseConsumer):
    """`confluent_kafka.Consumer`, traced."""


class Producer(_BaseProducer):
    """`confluent_kafka.Producer`, traced."""


_REPLACED: Final[tuple[tuple[type, type, type], ...]] = (
    (cimpl.Consumer, Consumer, _BaseConsumer),
    (cimpl.Producer, Producer, _BaseProducer),
)
"""The C type, the class that replaces it, and the new base of its existing subclasses."""


class _TracedConsumer(wrapt.ObjectProxy[Any]):
    """A consumer of the C type, traced."""

    def __init__(self, consumer: Any, tracing: _ClientTracing, config: Mapping[str, Any]) -> None:
        super().__init__(consumer)
        self._self_tracing = tracing
        self._self_config = config

    def poll(self, *args: Any, **kwargs: Any) -> Any:
        return self._self_tracing.poll(self.__wrapped__.poll, self, args, kwargs)

    def consume(self, *args: Any, **kwargs: Any) -> Any:
        return self._self_tracing.consume(self.__wrapped__.consume, self, args, kwargs)

    def commit(self, *args: Any, **kwargs: Any) -> Any:
        return self._self_tracing.commit(self.__wrapped__.commit, self, args, kwargs)

    def close(self, *args: Any, **kwargs: Any) -> Any:
        self._self_tracing.end(self, sys.exc_info()[1])
        return self.__wrapped__.close(*args, **kwargs)


class _TracedProducer(wrapt.ObjectProxy[Any]):
    """A producer of the C type, traced."""

    def __init__(self, producer: Any, tracing: _ClientTracing, config: Mapping[str, Any]) -> None:
        super().__init__(producer)
        self._self_tracing = tracing
        self._self_config = config

    def produce(self, *args: Any, **kwargs: Any) -> Any:
        return self._self_tracing.producer.produce(self.__wrapped__.produce, self._self_config, args, kwargs)

    def produce_batch(self, *args: Any, **kwargs: Any) -> Any:
        return self._self_tracing.producer.produce_batch(
            self.__wrapped__.produce_batch, self._self_config, args, kwargs
        )


def _replace(old: type, new: type) -> None:
    """Replace a class in all imported modules."""
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", None)
        if isinstance(names, dict) and names.get("__name__") != __name__:
            for name, value in list(names.items()):
                if value is old:
                    names[name] = new


def _rebase(old: type, new: type) -> None:
    """Replace a base class in all its subclasses, except those of this module."""
    subclasses: list[type] = type.__subclasses__(old)
    for derived in subclasses:
        if derived.__module__ != __name__:
            with fail_open("cannot trace a subclass of a Kafka client"):
                derived.__bases__ = tuple(new if base is old else base for base in derived.__bases__)
