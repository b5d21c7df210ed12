"""The exceptions of the collector.

CollectorError
├── BadSettings           a setting has an invalid value
├── AddressInUse          the address of a receiver is taken, or cannot be bound
├── UnreadableFile        a file to import cannot be opened
├── ClusterError          a Kafka cluster cannot be read
│   ├── KafkaUnreachable          no broker answers
│   ├── KafkaLoginFailed          the brokers refuse the user, the token or the certificate
│   └── KafkaCredentialsUnusable  a password, token or certificate cannot be read
├── StoreError            the database failed
│   ├── StoreLocked       another process has the file open
│   ├── StoreUnwritable   the disk is full, or fails
│   ├── StoreNotFound     no such file, or no such directory
│   ├── StoreDamaged      the file is damaged, or not a database
│   ├── StoreForeign      the file is a database of another program
│   ├── StoreTooNew       written by a newer laban or DuckDB
│   └── StoreUnsupported  this kind of store does not support the operation
├── RequestError          a request cannot be stored
│   ├── UndecodableRequest    its bytes do not match its declared format
│   ├── DecoderFailed         a bug in laban: the decoder failed
│   ├── RequestTooLarge       it is over a limit, compressed or not
│   ├── UploadTooSlow         its body is not complete in time
│   └── Overloaded            too much in flight: retry later
└── NotAccepting          the collector is stopping
"""


class CollectorError(Exception):
    """Base class. The message says what is wrong, where, and what to do."""


class BadSettings(CollectorError):
    """A setting has an invalid value."""


class AddressInUse(CollectorError):
    """The address of a receiver is taken by another process, or cannot be bound."""


class UnreadableFile(CollectorError):
    """A file to import cannot be opened."""


class ClusterError(CollectorError):
    """A Kafka cluster cannot be read. The message has no secret."""


class KafkaUnreachable(ClusterError):
    """No broker of the cluster answers."""


class KafkaLoginFailed(ClusterError):
    """The brokers refuse the user, the token or the certificate, or the client refuses theirs."""


class KafkaCredentialsUnusable(ClusterError):
    """A password, a token or a certificate cannot be read, or no token is issued."""


class StoreError(CollectorError):
    """The database failed."""


class StoreLocked(StoreError):
    """Another process has the file open. DuckDB locks out all others, even readers."""


class StoreUnwritable(StoreError):
    """The disk is full, or fails. Not a bug in laban; it ends when there is space again."""


class StoreNotFound(StoreError):
    """The file, or the directory to create it in, does not exist."""


class StoreDamaged(StoreError):
    """The file is damaged, or not a database. laban does not write to it."""


class StoreForeign(StoreError):
    """The file is a database of another program. laban does not write to it."""


class StoreTooNew(StoreError):
    """The file was written by a newer version of laban or DuckDB."""


class StoreUnsupported(StoreError):
    """This kind of store does not support the operation, such as a backup."""


class RequestError(CollectorError):
    """A request cannot be stored."""


class UndecodableRequest(RequestError):
    """The bytes of a request do not match its declared format. The sender must not retry."""


class DecoderFailed(RequestError):
    """A bug in laban: the decoder failed on a request, or on another request of its group."""


class RequestTooLarge(RequestError):
    """A request is over a limit, compressed or not."""


class UploadTooSlow(RequestError):
    """The body of a request is not complete in time. The sender may retry."""


class Overloaded(RequestError):
    """Too much is in flight. The sender should retry.

    Attributes:
        retry_after: seconds until the retry.
    """

    def __init__(self, message: str, retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class NotAccepting(CollectorError):
    """The collector is stopping and accepts no more requests."""
