"""confluent-kafka.

Built on the stock instrumentor: the same entry point and options. The client's classes are C types that
cannot be changed, so `Consumer` and `Producer` are replaced by classes that derive from them, wherever a
module has them by now. Classes that derive from them already (`DeserializingConsumer`,
`SerializingProducer`, the program's own) get ours as their base. Not seen are consumers and producers that
exist already, and references to the classes that are no attribute of a module: for these there are
`instrument_consumer` and `instrument_producer`, as in stock.
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

from laban import shutdown
from laban.fail_open import fail_open
from laban.messaging import commit_span, handler_errors, process_span, send_span
from laban.messaging.confluent_kafka.producer import Sending
from laban.messaging.consumers import Following, Identity
from laban.messaging.delivery import called_by_executor
from laban.messaging.iteration import Batch
from laban.messaging.records import read_message

Wrapped = Callable[..., Any]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]

_IN_EXECUTOR: Final = "an executor"
_KEPT: Final = (
    *("bootstrap.servers", "metadata.broker.list", "client.id", "group.id"),
    *("on_delivery", "delivery.report.only.error"),
)


class LabanConfluentKafkaInstrumentor(ConfluentKafkaInstrumentor):
    """Stock's instrumentor, with a process span a record, and send spans ended by the delivery report."""

    _instance = None

    def _instrument(self, **kwargs: Any) -> None:
        """Replace the client classes.

        Args:
            kwargs: `tracer_provider`, as stock takes it.
        """
        _Tracing.on = _Tracing(kwargs.get("tracer_provider"))
        for stock, ours, base in _REPLACED:
            _replace(stock, ours)
            _rebase(stock, base)
        wrapt.wrap_function_wrapper(DeserializingConsumer, "poll", _deserialise)
        handler_errors.install()
        shutdown.before_exit(process_span.end_all, process_span.forget_all)
        shutdown.before_exit(send_span.end_all, send_span.forget_all)

    def _uninstrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - stock's signature
        _Tracing.on = None
        for stock, ours, base in _REPLACED:
            _replace(ours, stock)
            _rebase(base, stock)
        unwrap(DeserializingConsumer, "poll")
        handler_errors.uninstall()

    @staticmethod
    def instrument_producer(
        producer: Any,
        tracer_provider: TracerProvider | None = None,
        bootstrap_servers: str | None = None,
    ) -> Any:
        """The same producer, traced; for one that was made before the classes were replaced.

        Args:
            producer: of the C type.
            tracer_provider: or the global one.
            bootstrap_servers: with which it was made; it does not tell.
        """
        if isinstance(producer, (_BaseProducer, _TracedProducer)) and _Tracing.on is not None:
            return producer
        return _TracedProducer(producer, _Tracing(tracer_provider), _made_with(bootstrap_servers))

    @staticmethod
    def instrument_consumer(
        consumer: Any,
        tracer_provider: TracerProvider | None = None,
        bootstrap_servers: str | None = None,
    ) -> Any:
        """The same consumer, traced; see `instrument_producer`."""
        if isinstance(consumer, (_BaseConsumer, _TracedConsumer)) and _Tracing.on is not None:
            return consumer
        return _TracedConsumer(consumer, _Tracing(tracer_provider), _made_with(bootstrap_servers))

    @staticmethod
    def uninstrument_producer(producer: Any) -> Any:
        """What was given to `instrument_producer`."""
        return producer.__wrapped__ if isinstance(producer, _TracedProducer) else producer

    @staticmethod
    def uninstrument_consumer(consumer: Any) -> Any:
        """What was given to `instrument_consumer`."""
        return consumer.__wrapped__ if isinstance(consumer, _TracedConsumer) else consumer


class _Tracing:
    """What stands around the methods of `Consumer`, and of `Producer` by way of `sending`."""

    on: ClassVar["_Tracing | None"] = None
    """While the classes are instrumented."""

    def __init__(self, provider: TracerProvider | None) -> None:
        tracer = trace.get_tracer(__name__, tracer_provider=provider)
        self.sending = Sending(tracer)
        self._following = Following(tracer, None, read_message, _identify)
        self._settling = commit_span.Settling(tracer, self._following) if commit_span.is_wanted() else None

    def poll(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Any:
        """`consumer.poll()`: what follows, up to the next call, handles the message."""
        handing = self._following.handing(consumer)
        if handing is None:
            return wrapped(*args, **kwargs)
        elsewhere = called_by_executor()
        owner = _IN_EXECUTOR if elsewhere else None
        handing.end(owner=owner)
        message = wrapped(*args, **kwargs)
        if message is not None:
            handing.start(message, owner=owner, current=not elsewhere)
        return message

    def consume(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Any:
        """`consumer.consume()`: the loop over the list handles the messages."""
        handing = self._following.handing(consumer)
        if handing is None:
            return wrapped(*args, **kwargs)
        handing.end()
        return Batch(wrapped(*args, **kwargs), handing)

    def commit(self, wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Any:
        """`consumer.commit()`, which is asynchronous unless told otherwise."""
        if self._settling is None:
            return wrapped(*args, **kwargs)
        return self._settling.commit(wrapped, consumer, args, kwargs)

    def end(self, consumer: object, error: BaseException | None) -> None:
        """The consumer closes, or nobody gets its record."""
        self._following.end(consumer, error)


def _deserialise(wrapped: Wrapped, consumer: Any, args: Args, kwargs: Kwargs) -> Any:
    """`poll()` of a deserialising consumer, once our `poll()` inside it has started the span."""
    try:
        return wrapped(*args, **kwargs)
    except Exception as error:
        if _Tracing.on is not None:
            _Tracing.on.end(consumer, error)  # nobody gets this record to handle it
        raise


def _identify(consumer: Any) -> Identity:
    config = _config(consumer)
    servers = config.get("bootstrap.servers") or config.get("metadata.broker.list")
    return Identity(servers, config.get("client.id"), config.get("group.id"))


def _config(client: Any) -> Mapping[str, Any]:
    """How a client was configured_rules; nothing of one that was made before its class was replaced."""
    config: Mapping[str, Any] = getattr(client, "_self_config", None) or getattr(client, "_laban_config", {})
    return config


def _made_with(bootstrap_servers: str | None) -> Mapping[str, Any]:
    return {"bootstrap.servers": bootstrap_servers} if bootstrap_servers else {}


def _keep_config(client: Any, args: Args, kwargs: Kwargs) -> None:
    """Keep what spans need of `Consumer(conf)`, `Consumer(conf, **more)` or `Consumer(**conf)`, no more."""
    with fail_open("cannot keep the configuration of a Kafka client"):
        given = {**(args[0] if args else {}), **kwargs}
        client._laban_config = {name: given[name] for name in _KEPT if name in given}  # noqa: SLF001


class _BaseConsumer(cimpl.Consumer):
    # No __dict__: so it can be put between the C type and classes that have derived from that.
    __slots__ = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _keep_config(self, args, kwargs)

    def poll(self, *args: Any, **kwargs: Any) -> Any:
        tracing, plain = _Tracing.on, super().poll
        return tracing.poll(plain, self, args, kwargs) if tracing else plain(*args, **kwargs)

    def consume(self, *args: Any, **kwargs: Any) -> Any:
        tracing, plain = _Tracing.on, super().consume
        return tracing.consume(plain, self, args, kwargs) if tracing else plain(*args, **kwargs)

    def commit(self, *args: Any, **kwargs: Any) -> Any:
        tracing, plain = _Tracing.on, super().commit
        return tracing.commit(plain, self, args, kwargs) if tracing else plain(*args, **kwargs)

    def close(self, *args: Any, **kwargs: Any) -> Any:
        if _Tracing.on is not None:
            _Tracing.on.end(self, sys.exc_info()[1])
        return super().close(*args, **kwargs)

    def __exit__(self, *args: Any) -> Any:
        if _Tracing.on is not None:
            _Tracing.on.end(self, args[1])
        return super().__exit__(*args)


class _BaseProducer(cimpl.Producer):
    __slots__ = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _keep_config(self, args, kwargs)

    def produce(self, *args: Any, **kwargs: Any) -> Any:
        tracing, plain = _Tracing.on, super().produce
        if tracing is None:
            return plain(*args, **kwargs)
        return tracing.sending.produce(plain, _config(self), args, kwargs)

    def produce_batch(self, *args: Any, **kwargs: Any) -> Any:
        tracing, plain = _Tracing.on, super().produce_batch
        if tracing is None:
            return plain(*args, **kwargs)
        return tracing.sending.produce_batch(plain, _config(self), args, kwargs)


class Consumer(_BaseConsumer):
    """`confluent_kafka.Consumer`, traced."""


class Producer(_BaseProducer):
    """`confluent_kafka.Producer`, traced."""


_REPLACED: Final[tuple[tuple[type, type, type], ...]] = (
    (cimpl.Consumer, Consumer, _BaseConsumer),
    (cimpl.Producer, Producer, _BaseProducer),
)
"""The C type, what stands in its place, and what goes between it and classes that derive from it."""


class _TracedConsumer(wrapt.ObjectProxy[Any]):
    """A consumer of the C type, traced."""

    def __init__(self, consumer: Any, tracing: _Tracing, config: Mapping[str, Any]) -> None:
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

    def __init__(self, producer: Any, tracing: _Tracing, config: Mapping[str, Any]) -> None:
        super().__init__(producer)
        self._self_tracing = tracing
        self._self_config = config

    def produce(self, *args: Any, **kwargs: Any) -> Any:
        return self._self_tracing.sending.produce(self.__wrapped__.produce, self._self_config, args, kwargs)

    def produce_batch(self, *args: Any, **kwargs: Any) -> Any:
        return self._self_tracing.sending.produce_batch(
            self.__wrapped__.produce_batch, self._self_config, args, kwargs
        )


def _replace(old: type, new: type) -> None:
    """Put a class in the place of another one in all modules that are imported by now."""
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", None)
        if isinstance(names, dict) and names.get("__name__") != __name__:
            for name, value in list(names.items()):
                if value is old:
                    names[name] = new


def _rebase(old: type, new: type) -> None:
    """Put a base class in the place of another one in all classes that derive from it, but for our own."""
    subclasses: list[type] = type.__subclasses__(old)
    for derived in subclasses:
        if derived.__module__ != __name__:
            with fail_open("cannot trace a class that derives from a Kafka client"):
                derived.__bases__ = tuple(new if base is old else base for base in derived.__bases__)
