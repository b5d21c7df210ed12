"""What can go wrong in the shop and in the demo.

SampleError
├── BadFault           a fault that is not spelled as one
├── UndecodableEvent   a record that is no event of the shop
├── BadOrder           an order for something that the shop does not sell
├── PeerFailed         a service that this one needs did not answer, or answered with an error
├── PublishFailed      the broker did not acknowledge an event in time
├── BrokerUnavailable  no Kafka broker answers, or the embedded one could not be started
├── PartFailed         a process of the demo did not become ready, or ended by itself
└── NotCaughtUp        consumers that should have caught up did not, in time
"""


class SampleError(Exception):
    """Base of all errors of the samples; its text says what was wrong, where, and what to do."""


class BadFault(SampleError, ValueError):
    """A fault that is not spelled as one; the text lists what is accepted."""


class UndecodableEvent(SampleError):
    """A record that is no event of the shop: repeating it cannot help."""


class BadOrder(SampleError):
    """An order for something that the shop does not sell: the customer's mistake."""


class PeerFailed(SampleError):
    """A service that this one needs did not answer, or answered with an error.

    Attributes:
        peer: the name of that service.
    """

    def __init__(self, peer: str, reason: str) -> None:
        self.peer = peer
        super().__init__(f"{peer}: {reason}")


class PublishFailed(SampleError):
    """The broker did not acknowledge an event in time."""


class BrokerUnavailable(SampleError):
    """No Kafka broker answers at an address, or the embedded one could not be started."""


class PartFailed(SampleError):
    """A process of the demo did not become ready, or ended by itself; names it and shows its last lines."""


class NotCaughtUp(SampleError):
    """Consumers that should have caught up did not, in time; names their groups and lags."""
