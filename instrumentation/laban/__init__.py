"""laban: traces a service's calls and messages, with its business keys.

`laban run -- CMD` traces a program without a change to it. The functions below serve what no instrumentation
can know:

    correlate(order_id="123")        name the order that the current work is about
    with processing(record): …       handle a Kafka record outside the loop that received it
    setup()                          trace this program, as `laban run` does
"""

from laban.business_keys.correlation import correlate
from laban.messaging.processing import processing

__all__ = ["correlate", "processing", "setup"]


def setup(service: str | None = None, endpoint: str | None = None) -> None:
    """Trace this program, as `laban run` does. Call it before the program uses the libraries to trace.

    Does nothing under `laban run` or when called a second time.

    Args:
        service: `OTEL_SERVICE_NAME`.
        endpoint: `OTEL_EXPORTER_OTLP_ENDPOINT`, such as http://localhost:4318.
    """
    from laban import distro  # loads the SDK; `import laban` alone stays cheap

    distro.setup(service, endpoint)
