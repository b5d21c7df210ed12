"""What can go wrong in the collector.

CollectorError
├── BadSettings           a setting has a value that it cannot have
├── AddressInUse          a receiver's address is taken, or cannot be bound
├── UnreadableFile        a file to import that cannot be opened
├── StoreError            the database refused
│   ├── StoreLocked       another process has the file open
│   ├── StoreUnwritable   the disk takes no more, or fails
│   ├── StoreNotFound     no such file, or no such directory
│   ├── StoreDamaged      the file is not a database, or is broken
│   ├── StoreForeign      a database, but not one of laban's
│   ├── StoreTooNew       written by a newer laban or DuckDB
│   └── StoreUnsupported  this kind of store cannot do it
├── RequestError          a request that cannot be stored as it is
│   ├── UndecodableRequest    its bytes are not what they claim to be
│   ├── DecoderFailed         a defect of ours: the decoder failed on it
│   ├── RequestTooLarge       over the limit, compressed or not
│   ├── UploadTooSlow         its body does not come
│   └── Overloaded            too much in flight: try again later
└── NotAccepting          the collector is stopping
"""


class CollectorError(Exception):
    """Base of all errors of the collector; its text says what was wrong, where and what to do."""


class BadSettings(CollectorError):
    """A setting has a value that it cannot have."""


class AddressInUse(CollectorError):
    """A receiver's address is taken by another process, or cannot be bound."""


class UnreadableFile(CollectorError):
    """A file to import cannot be opened."""


class StoreError(CollectorError):
    """The database refused."""


class StoreLocked(StoreError):
    """Another process has the file open; DuckDB lets nobody else in, not even to read."""


class StoreUnwritable(StoreError):
    """The disk takes no more, or fails: nobody's defect here, and over when there is space again."""


class StoreNotFound(StoreError):
    """There is no such file, or no directory to make it in."""


class StoreDamaged(StoreError):
    """The file is not a database, or is broken. It is never written to."""


class StoreForeign(StoreError):
    """The file is a database, but not one of laban's. It is never written to."""


class StoreTooNew(StoreError):
    """The file was written by a newer laban or DuckDB than this one."""


class StoreUnsupported(StoreError):
    """This kind of store cannot do what was asked, such as a backup."""


class RequestError(CollectorError):
    """A request that cannot be stored as it is."""


class UndecodableRequest(RequestError):
    """The bytes of a request are not what they claim to be; the sender must not repeat it."""


class DecoderFailed(RequestError):
    """A defect of ours: the decoder failed on a request, or on one that it was decoded with."""


class RequestTooLarge(RequestError):
    """A request is over the limit, compressed or not."""


class UploadTooSlow(RequestError):
    """The body of a request takes too long to come; the sender may try again."""


class Overloaded(RequestError):
    """Too much is in flight; the sender should try again.

    Attributes:
        retry_after: when, in seconds from now.
    """

    def __init__(self, message: str, retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class NotAccepting(CollectorError):
    """The collector is stopping, and takes no more."""
