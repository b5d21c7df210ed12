"""The OpenTelemetry distro: configures the SDK from the environment and loads the instrumentations.

`laban run`, `OTEL_PYTHON_DISTRO=laban opentelemetry-instrument` and `laban.setup()` use it. It sets
OpenTelemetry's own environment variables, and keeps the ones that the user has set.
"""

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, cast

from opentelemetry.instrumentation.auto_instrumentation import _load
from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]  # upstream has no types
from opentelemetry.sdk import _configuration
from opentelemetry.util._importlib_metadata import EntryPoint

from laban import logs, missing_extras, shadowed_site, shutdown
from laban.business_keys import propagation
from laban.business_keys.key_rules import configured_rules
from laban.business_keys.span_processor import CorrelationProcessor
from laban.fail_open import fail_open
from laban.first_import import load_at_first_import, when_imported
from laban.http import untraced
from laban.sdk import otlp_exporters, resource_hash, span_attributes, span_start
from laban.sdk.draining_processor import DrainingSpanProcessor

DEFAULTS: Final = {
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    # The SDK's default queue (2048) drops spans silently under load. Small, frequent batches measurably do
    # not.
    "OTEL_BSP_MAX_QUEUE_SIZE": "20000",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "128",
    "OTEL_BSP_SCHEDULE_DELAY": "500",
    # The current conventions; upstream writes the old ones by default.
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "process,host",
    # Operations traffic is not part of the business. Regular expressions, searched in the URL.
    "OTEL_PYTHON_EXCLUDED_URLS": r"://[^/]+/(healthz|readyz|livez|metrics|admin)(/|\?|$)",
    # This distro configures the SDK itself. Another installed configurator would create a second pipeline.
    "OTEL_PYTHON_CONFIGURATOR": "laban",
}
"""Environment variables that are set unless the user has set them."""


# OpenTelemetry means distros and programmatic set-ups to use these two, despite their private names.
_auto_instrumentation: Final = cast("Any", _load)
_sdk: Final = cast("Any", _configuration)


class LabanDistro(BaseDistro):  # type: ignore[misc]  # upstream has no types
    """Sets up the SDK, business keys and a clean shutdown, and loads the patched instrumentations."""

    configured = False
    """Whether this process is already set up, by `laban run` or by an earlier `setup()`."""

    def _configure(self, **kwargs: Any) -> None:  # noqa: ARG002 - OpenTelemetry's signature
        self.configured = True
        for name, value in DEFAULTS.items():
            os.environ.setdefault(name, value)
        if os.environ["OTEL_LOGS_EXPORTER"] == "none":
            os.environ.setdefault("OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION", "false")
        with fail_open("cannot set up OpenTelemetry"):
            key_rules = configured_rules()
            propagation.install(key_rules)
            logs.install()
            _sdk._OTelSDKConfigurator().configure(  # noqa: SLF001
                span_processors=[CorrelationProcessor(key_rules)], export_span_processor=DrainingSpanProcessor
            )
            shutdown.install()
        with fail_open("cannot speed up the SDK"):
            span_attributes.install()
            span_start.install()
            resource_hash.install()
            otlp_exporters.install()
        with fail_open("cannot look for missing extras"):
            missing_extras.warn_once(os.environ)
            untraced.watch()
        with fail_open("cannot run the environment's own sitecustomize"):
            shadowed_site.run()

    def load_instrumentor(self, entry_point: EntryPoint, **kwargs: Any) -> None:
        """Load the instrumentation of one library when the program imports that library.

        Upstream imports every installed library, used or not. That takes more than a second, and changes
        programs that expect to be the first to import a library.
        """

        def load() -> None:
            self._load(entry_point, kwargs)

        module = DEFERRED.get(entry_point.name)
        if module is None:
            with fail_open(f"cannot wait for the library of {entry_point.name}"):
                load_at_first_import(entry_point, load)
        else:
            when_imported([module], entry_point.value, load)

    def _load(self, entry_point: EntryPoint, options: dict[str, Any]) -> None:
        """Load laban's version of the instrumentation, or upstream's if there is none or it fails."""
        loader = _LOADERS.get(entry_point.name)
        if loader is not None:
            with fail_open(f"cannot patch the instrumentation of {entry_point.name}"):
                loader(self, entry_point, options)
                return
        with fail_open(f"cannot load the instrumentation of {entry_point.name}"):
            self.load_upstream(entry_point, **options)

    def load_upstream(self, entry_point: EntryPoint, **kwargs: Any) -> None:
        """Load the upstream instrumentation that the entry point names."""
        super().load_instrumentor(entry_point, **kwargs)


def setup(service: str | None = None, endpoint: str | None = None) -> None:
    """Trace this program, as `laban run` does. Call it before the program uses the libraries to trace.

    Does nothing under `laban run` or when called a second time.

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
        _auto_instrumentation._load_instrumentors(distro)  # noqa: SLF001


Loader = Callable[[LabanDistro, EntryPoint, dict[str, Any]], None]


def _load_with_asgi_patch(distro: LabanDistro, entry_point: EntryPoint, options: dict[str, Any]) -> None:
    from laban.http import asgi  # needs the upstream ASGI instrumentation

    asgi.install(configured_rules())
    distro.load_upstream(entry_point, **options)


def _load_logging(distro: LabanDistro, entry_point: EntryPoint, options: dict[str, Any]) -> None:
    distro.load_upstream(entry_point, **options)
    handler = getattr(entry_point.load(), "_logging_handler", None)
    if handler is not None:
        logs.take_from_root(handler)


def _load_grpc_server(distro: LabanDistro, entry_point: EntryPoint, options: dict[str, Any]) -> None:
    distro.load_upstream(entry_point, **options)
    from laban.grpc import server

    server.install()


def _load_grpc_client(_distro: LabanDistro, _entry_point: EntryPoint, options: dict[str, Any]) -> None:
    from laban.grpc.client import LabanGrpcClient

    LabanGrpcClient().instrument(**options)  # type: ignore[no-untyped-call]  # upstream has no types


def _load_grpc_aio_client(_distro: LabanDistro, _entry_point: EntryPoint, options: dict[str, Any]) -> None:
    from laban.grpc.aio_client import LabanGrpcAioClient

    LabanGrpcAioClient().instrument(**options)  # type: ignore[no-untyped-call]  # upstream has no types


def _replacing_upstream(path: str) -> Loader:
    """A loader for laban's instrumentor `module:class`, which derives from upstream's."""
    module, _, name = path.partition(":")

    def load(_distro: LabanDistro, entry_point: EntryPoint, options: dict[str, Any]) -> None:
        instrumentor = getattr(import_module(module), name)()
        instrumentor.instrument(**options)
        # Upstream's instrumentor is a singleton. A program that uses it to uninstrument must get this one.
        entry_point.load()._instance = instrumentor  # noqa: SLF001

    return load


DEFERRED: Final = {
    "aiobreaker": "aiobreaker",
    "aio-pika": "aio_pika",
    "aiohttp-client": "aiohttp",
    "aiohttp-server": "aiohttp.web",
    "aiokafka": "aiokafka",
    "apscheduler": "apscheduler.executors.base",
    "boto3": "boto3",
    "celery": "celery",
    "circuitbreaker": "circuitbreaker",
    "confluent_kafka": "confluent_kafka",
    "fastapi": "fastapi",
    "faststream": "faststream._internal.endpoint.subscriber.usecase",
    "faust": "faust.streams",
    "grpc_aio_client": "grpc",
    "grpc_aio_server": "grpc",
    "grpc_client": "grpc",
    "grpc_server": "grpc",
    "httpx": "httpx",
    "httpx2": "httpx2",
    "kafka": "kafka",
    "nats": "nats",
    "pika": "pika",
    "purgatory": "purgatory",
    "pybreaker": "pybreaker",
    "requests": "requests",
    "starlette": "starlette.applications",
    "tenacity": "tenacity",
    "urllib3_retries": "urllib3",
}
"""Instrumentation name → the module whose import triggers its loading."""

_LOADERS: Final[dict[str, Loader]] = {
    "aio-pika": _replacing_upstream("laban.messaging.aio_pika:LabanAioPikaInstrumentor"),
    "aiohttp-client": _replacing_upstream("laban.http.aiohttp_client:LabanAiohttpClientInstrumentor"),
    "aiohttp-server": _replacing_upstream("laban.http.aiohttp_server:LabanAiohttpServerInstrumentor"),
    "aiokafka": _replacing_upstream("laban.messaging.aiokafka.instrumentor:LabanAiokafkaInstrumentor"),
    "boto3": _replacing_upstream("laban.messaging.sqs:LabanBoto3SQSInstrumentor"),
    "celery": _replacing_upstream("laban.messaging.celery:LabanCeleryInstrumentor"),
    "confluent_kafka": _replacing_upstream(
        "laban.messaging.confluent_kafka.instrumentor:LabanConfluentKafkaInstrumentor"
    ),
    "httpx": _replacing_upstream("laban.http.httpx:LabanHttpxInstrumentor"),
    "pika": _replacing_upstream("laban.messaging.pika:LabanPikaInstrumentor"),
    "requests": _replacing_upstream("laban.http.requests:LabanRequestsInstrumentor"),
    "fastapi": _load_with_asgi_patch,
    "starlette": _replacing_upstream("laban.http.starlette:LabanStarletteInstrumentor"),
    "grpc_server": _load_grpc_server,
    "grpc_client": _load_grpc_client,
    "grpc_aio_client": _load_grpc_aio_client,
    "kafka": _replacing_upstream("laban.messaging.kafka_python:LabanKafkaInstrumentor"),
    "logging": _load_logging,
}
