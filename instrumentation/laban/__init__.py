"""laban: write down the choreography of your services.

Programs need none of this: `laban run -- CMD` traces them as they are. For what no instrumentation can know:

    correlate(order_id="123")        say which order this is about
    with processing(record): …       handle a Kafka record where no wrapper can see it
    setup()                          what `laban run` does, from inside a program
"""

from laban.business_keys.correlation import correlate
from laban.messaging.processing import processing

__all__ = ["correlate", "processing", "setup"]


def setup(service: str | None = None, endpoint: str | None = None) -> None:
    """What `laban run` does, from inside a program: call it first, before the libraries are used.

    In a program that `laban run` has started, and the second time, it does nothing.

    Args:
        service: `OTEL_SERVICE_NAME`.
        endpoint: `OTEL_EXPORTER_OTLP_ENDPOINT`, such as http://localhost:4318.
    """
    from laban import distro  # the SDK: importing laban alone stays cheap

    distro.setup(service, endpoint)
