"""The OpenTelemetry distro: everything set up by the environment, with no change to the traced program.

Used by `laban run`, by `OTEL_PYTHON_DISTRO=laban opentelemetry-instrument`, and by `laban.setup()`. All of it
is OpenTelemetry's own configuration: a variable that the user has set stays as it is.
"""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any, Final, cast

import wrapt
from opentelemetry.instrumentation.auto_instrumentation import _load
from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]  # stock has no types
from opentelemetry.sdk import _configuration
from opentelemetry.util._importlib_metadata import EntryPoint

from laban import life, logs, missing_extras, propagation, rules
from laban.export import DrainingSpanProcessor
from laban.fail_open import fail_open
from laban.mend import exporters, resource_hash, span_attributes, span_start
from laban.processor import CorrelationProcessor

DEFAULTS: Final = {
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    # The SDK's own queue (2048) drops spans silently under load; measured: small batches, sent often, do not.
    "OTEL_BSP_MAX_QUEUE_SIZE": "20000",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "128",
    "OTEL_BSP_SCHEDULE_DELAY": "500",
    # The current conventions; stock writes the old ones unless told.
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "process,host",
    # Who looks after a service is no part of the business. Regular expressions, searched in the URL.
    "OTEL_PYTHON_EXCLUDED_URLS": r"://[^/]+/(healthz|readyz|livez|metrics|admin)(/|\?|$)",
    # Ours is set up below; another configurator, if installed, would make a second pipeline.
    "OTEL_PYTHON_CONFIGURATOR": "laban",
}
"""Environment variables that are set where the user has not."""


# What distros and programmatic set-ups are to use, though it is spelled as private.
_stock: Final = cast("Any", _load)
_sdk: Final = cast("Any", _configuration)


class LabanDistro(BaseDistro):  # type: ignore[misc]  # stock has no types
    """Sets up the SDK, business keys and a safe end, and loads the instrumentations with what mends them."""

    configured = False
    """Whether this process is set up already: by `laban run`, or by an earlier `setup()`."""

    def _configure(self, **kwargs: Any) -> None:  # noqa: ARG002 - OpenTelemetry's signature
        self.configured = True
        for name, value in DEFAULTS.items():
            os.environ.setdefault(name, value)
        with fail_open("cannot set up OpenTelemetry"):
            in_force = rules.configured()
            propagation.install(in_force)
            logs.install()
            _sdk._OTelSDKConfigurator().configure(  # noqa: SLF001
                span_processors=[CorrelationProcessor(in_force)], export_span_processor=DrainingSpanProcessor
            )
            life.install()
        with fail_open("cannot make spans cheaper"):
            span_attributes.install()
            span_start.install()
            resource_hash.install()
            exporters.install()
        with fail_open("cannot look for missing extras"):
            missing_extras.say_once(os.environ)

    def load_instrumentor(self, entry_point: EntryPoint, **kwargs: Any) -> None:
        """Load the instrumentation of one library, once the program imports the library.

        Stock imports every library that is installed, used or not, which costs a second and more.
        """
        library = DEFERRED.get(entry_point.name)
        if library is None:
            self.load_stock(entry_point, **kwargs)
        else:
            self._load_when_used(library, entry_point, kwargs)

    def _load_when_used(self, library: str, entry_point: EntryPoint, options: dict[str, Any]) -> None:
        stock = entry_point.value.partition(":")[0]
        waiting = True

        def load(_: object) -> None:
            nonlocal waiting
            if waiting and library in sys.modules:
                waiting = False
                self._load(entry_point, options)

        def library_imported(_: object) -> None:
            # Where it is stock's own import that has brought the library, stock has to get ready first.
            if stock not in sys.modules or not _is_being_imported(sys.modules[stock]):
                load(None)

        wrapt.register_post_import_hook(load, stock)
        wrapt.register_post_import_hook(library_imported, library)

    def _load(self, entry_point: EntryPoint, options: dict[str, Any]) -> None:
        """Load ours in place of stock's where there is one; stock's where ours cannot be loaded."""
        loader = _LOADERS.get(entry_point.name)
        if loader is not None:
            with fail_open(f"cannot mend the instrumentation of {entry_point.name}"):
                loader(self, entry_point, options)
                return
        with fail_open(f"cannot load the instrumentation of {entry_point.name}"):
            self.load_stock(entry_point, **options)

    def load_stock(self, entry_point: EntryPoint, **kwargs: Any) -> None:
        """Load the instrumentation that the entry point names."""
        super().load_instrumentor(entry_point, **kwargs)


def _is_being_imported(module: ModuleType) -> bool:
    return bool(getattr(module.__spec__, "_initializing", False))


def setup(service: str | None = None, endpoint: str | None = None) -> None:
    """What `laban run` does, from inside a program: call it first, before the libraries are used.

    In a program that `laban run` has started, and the second time, it does nothing.

    Args:
        service: `OTEL_SERVICE_NAME`.
        endpoint: `OTEL_EXPORTER_OTLP_ENDPOINT`, such as http://localhost:4318.
    """
    distro = LabanDistro()
    if distro.configured:
        return
    given = {"OTEL_SERVICE_NAME": service, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
    os.environ.update({name: value for name, value in given.items() if value})
    distro.configure()
    with fail_open("cannot load instrumentations"):
        _stock._load_instrumentors(distro)  # noqa: SLF001


Loader = Callable[[LabanDistro, EntryPoint, dict[str, Any]], None]


def _mend_asgi(distro: LabanDistro, entry_point: EntryPoint, options: dict[str, Any]) -> None:
    from laban.mend import asgi  # where ASGI is installed

    asgi.install(rules.configured())
    distro.load_stock(entry_point, **options)


def _load_grpc_server(distro: LabanDistro, entry_point: EntryPoint, options: dict[str, Any]) -> None:
    distro.load_stock(entry_point, **options)
    from laban.mend import grpc_server

    grpc_server.install()


def _load_grpc_client(_distro: LabanDistro, _entry_point: EntryPoint, options: dict[str, Any]) -> None:
    from laban.mend.grpc_client import LabanGrpcClient

    LabanGrpcClient().instrument(**options)  # type: ignore[no-untyped-call]  # stock has no types


def _load_grpc_aio_client(_distro: LabanDistro, _entry_point: EntryPoint, options: dict[str, Any]) -> None:
    from laban.mend.grpc_aio_client import LabanGrpcAioClient

    LabanGrpcAioClient().instrument(**options)  # type: ignore[no-untyped-call]  # stock has no types


def _load_kafka(_distro: LabanDistro, entry_point: EntryPoint, options: dict[str, Any]) -> None:
    from laban.kafka.kafka_python import LabanKafkaInstrumentor

    instrumentor = LabanKafkaInstrumentor()
    instrumentor.instrument(**options)
    # Whoever asks stock for its (single) instrumentor, to uninstrument or to instrument again, gets ours.
    entry_point.load()._instance = instrumentor  # noqa: SLF001


def _in_place_of_stock(path: str) -> Loader:
    """Loads an instrumentor of ours, `module:class`, that derives from stock's."""
    module, _, name = path.partition(":")

    def load(_distro: LabanDistro, entry_point: EntryPoint, options: dict[str, Any]) -> None:
        instrumentor = getattr(import_module(module), name)()
        instrumentor.instrument(**options)
        # Whoever asks stock for its (single) instrumentor, to uninstrument or instrument again, gets ours.
        entry_point.load()._instance = instrumentor  # noqa: SLF001

    return load


DEFERRED: Final = {
    "aio-pika": "aio_pika",
    "aiohttp-client": "aiohttp",
    "aiohttp-server": "aiohttp.web",
    "aiokafka": "aiokafka",
    "boto3": "boto3",
    "celery": "celery",
    "confluent_kafka": "confluent_kafka",
    "fastapi": "fastapi",
    "grpc_aio_client": "grpc",
    "grpc_aio_server": "grpc",
    "grpc_client": "grpc",
    "grpc_server": "grpc",
    "httpx": "httpx",
    "httpx2": "httpx2",
    "kafka": "kafka",
    "nats": "nats",
    "pika": "pika",
    "requests": "requests",
    "starlette": "starlette.applications",
}
"""By the name of an instrumentation: the module whose import it waits for."""

_LOADERS: Final[dict[str, Loader]] = {
    "aio-pika": _in_place_of_stock("laban.mend.aio_pika:LabanAioPikaInstrumentor"),
    "aiohttp-client": _in_place_of_stock("laban.mend.aiohttp_client:LabanAiohttpClientInstrumentor"),
    "aiohttp-server": _in_place_of_stock("laban.mend.aiohttp_server:LabanAiohttpServerInstrumentor"),
    "aiokafka": _in_place_of_stock("laban.kafka.aiokafka:LabanAiokafkaInstrumentor"),
    "boto3": _in_place_of_stock("laban.mend.sqs:LabanBoto3SQSInstrumentor"),
    "celery": _in_place_of_stock("laban.mend.celery:LabanCeleryInstrumentor"),
    "confluent_kafka": _in_place_of_stock("laban.kafka.confluent_kafka:LabanConfluentKafkaInstrumentor"),
    "httpx": _in_place_of_stock("laban.mend.httpx_client:LabanHttpxInstrumentor"),
    "pika": _in_place_of_stock("laban.mend.pika:LabanPikaInstrumentor"),
    "requests": _in_place_of_stock("laban.mend.requests_client:LabanRequestsInstrumentor"),
    "fastapi": _mend_asgi,
    "starlette": _in_place_of_stock("laban.mend.starlette:LabanStarletteInstrumentor"),
    "grpc_server": _load_grpc_server,
    "grpc_client": _load_grpc_client,
    "grpc_aio_client": _load_grpc_aio_client,
    "kafka": _load_kafka,
}
