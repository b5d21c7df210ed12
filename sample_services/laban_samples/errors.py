"""The errors of the shop and of the demo.

SampleError
├── BadFault           an invalid fault specification
├── UndecodableEvent   a record that is not an event of the shop
├── BadOrder           an order for an item that the shop does not sell
├── PeerFailed         another service did not respond, or responded with an error
├── PublishFailed      the broker did not acknowledge an event in time
├── BadKafkaSecurity   a LABAN_KAFKA_* variable has an invalid value, or names a file that cannot be read
├── BrokerUnavailable  no Kafka broker responds, or the embedded broker did not start
└── ProcessFailed      a process of the demo did not become ready, or ended unexpectedly
"""


class SampleError(Exception):
    """Base of all sample errors; the text says what failed, where, and how to fix it."""


class BadFault(SampleError, ValueError):
    """An invalid fault specification; the text lists the accepted faults."""


class UndecodableEvent(SampleError):
    """A record that is not an event of the shop; a retry cannot succeed."""


class BadOrder(SampleError):
    """An order for an item that the shop does not sell; the customer's mistake."""


class PeerFailed(SampleError):
    """Another service did not respond, or responded with an error.

    Attributes:
        peer: the name of the other service.
    """

    def __init__(self, peer: str, reason: str) -> None:
        self.peer = peer
        super().__init__(f"{peer}: {reason}")


class PublishFailed(SampleError):
    """The broker did not acknowledge an event in time."""


class BadKafkaSecurity(SampleError):
    """A LABAN_KAFKA_* variable has an invalid value, or names a file that cannot be read."""


class BrokerUnavailable(SampleError):
    """No Kafka broker responds at an address, or the embedded broker did not start."""


class ProcessFailed(SampleError):
    """A process of the demo did not become ready, or ended unexpectedly; with the end of its log."""
