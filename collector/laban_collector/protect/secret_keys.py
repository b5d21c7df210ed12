"""The words of a key tell whether its values are secret, and whether its numbers are IDs or payment cards.

A key is read as people read it: `db.userPassword`, `USER_PASSWORD`, `user[passwords][0]` and `userpassword` have
the same words. The last word says what the value is: a `token_count` is a count, and an `auth_type` is a type.
"""

import re
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import pairwise
from typing import Final

_SEGMENT: Final = re.compile(r"[^\W\d_]+")
_CAMEL: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\WA-Za-z]+")


class Secrecy(Enum):
    """Which values of a key are secret."""

    NONE = auto()
    TEXTS = auto()
    """Texts, lists and maps; numbers with such a key are counts (`tokens`)."""
    ALL = auto()
    """Numbers as well: nobody counts a `pin`."""


class NumberContext(Enum):
    """What a long number is likely to be, from the words near it."""

    UNKNOWN = auto()
    ID = auto()
    CARD = auto()


# Words that make a key secret wherever they stand in it. Values are kept only where the last word is one of _HEADS.
_SECRETS_WITH_NUMBERS: Final = frozenset(
    {
        *("password", "passwd", "passcode", "passphrase", "passwort", "pwd", "pswd", "psw", "pword"),
        *("kennwort", "wachtwoord", "senha", "contraseña", "contrasena", "otp", "totp", "hotp"),
        *("cvv", "cvc", "cvn", "ssn"),
    }
)
_SECRET_TEXTS: Final = frozenset(
    {
        *("secret", "token", "apikey", "credential", "cred", "authorization", "authorisation", "cookie"),
        *("jwt", "csrf", "xsrf", "accesskey", "privatekey", "secretkey", "authkey", "sessionid", "sessid"),
        *("jsessionid", "phpsessid", "aspsessionid", "sessionkey", "mnemonic", "signingkey", "accountkey"),
    }
)
_SECRETS: Final = _SECRETS_WITH_NUMBERS | _SECRET_TEXTS
_ENDINGS_WITH_NUMBERS: Final = ("password", "passwd", "passcode", "passphrase", "pwd")
_ENDINGS: Final = (
    *_ENDINGS_WITH_NUMBERS,
    *("secret", "token", "apikey", "credential", "cookie", "sessionid", "sessid"),
    *("accesskey", "privatekey", "secretkey", "authkey", "sessionkey", "jwt"),
)
_WHOLE_ENDINGS: Final = ("password", "passwd", "passphrase", "passcode", "secret", "apikey", "credential")
"""Endings of a segment in mixed case that is no camel case: `userPassWord`."""
_QUALIFIED: Final = re.compile(
    r"(?:password|passwd)s?(?:hash(?:ed)?|salt|old|new|confirm(?:ation)?|repeat|again|plain|text|digest|value)"
)
_PHRASES_WITH_NUMBERS: Final = frozenset(
    {
        *(("pass", "word"), ("pass", "code"), ("pass", "phrase"), ("pass", "wd"), ("pass", "wort")),
        *(
            ("security", "code"),
            ("verification", "code"),
            ("access", "code"),
            ("mfa", "code"),
            ("fa", "code"),
        ),
        *(("recovery", "code"), ("backup", "code"), ("sms", "code"), ("pin", "code"), ("auth", "code")),
        *(("time", "code"), ("card", "verification"), ("social", "security")),
    }
)
_PHRASES: Final = frozenset(
    {
        *(("api", "key"), ("access", "key"), ("private", "key"), ("encryption", "key"), ("signing", "key")),
        *(("decryption", "key"), ("master", "key"), ("account", "key"), ("shared", "key"), ("hmac", "key")),
        *(("subscription", "key"), ("ssh", "key"), ("session", "key"), ("license", "key"), ("auth", "key")),
        *(("session", "id"), ("sess", "id"), ("previous", "id"), ("security", "answer")),
        *(("seed", "phrase"), ("recovery", "phrase"), *_PHRASES_WITH_NUMBERS),
    }
)
_WEAK: Final = frozenset({"auth", "oauth", "pass", "pin", "bearer", "csc", "pw"})
"""Words that make a key secret only at its end, or before one of _CONTENTS."""
_WEAK_WITH_NUMBERS: Final = frozenset({"pin", "csc"})
_CONTENTS: Final = frozenset(
    {
        *(
            "key",
            "code",
            "header",
            "data",
            "value",
            "string",
            "hash",
            "info",
            "payload",
            "raw",
            "text",
            "blob",
        ),
        *("line", "plain", "digest", "cred", "param", "number"),
    }
)
_PASSES: Final = (
    *("db", "user", "usr", "my", "mysql", "pg", "postgres", "smtp", "imap", "root", "admin", "ftp", "ldap"),
    *(
        "ssh",
        "redis",
        "mongo",
        "rabbit",
        "rabbitmq",
        "amqp",
        "http",
        "proxy",
        "login",
        "key",
        "store",
        "mail",
    ),
    *("email", "wifi", "sql", "account", "client", "server", "trust", "require"),
)
"""Words before `pass` that together with it are a password: `dbpass`, but not `compass`."""
_NO_PASS: Final = frozenset(
    {
        *("boarding", "first", "second", "third", "final", "render", "compiler", "single", "multi", "season"),
        *(
            "gate",
            "day",
            "ski",
            "bus",
            "test",
            "check",
            "tests",
            "checks",
            "by",
            "mountain",
            "train",
            "travel",
        ),
    }
)
_NO_AUTH: Final = frozenset(
    {"requires", "require", "required", "needs", "no", "without", "skip", "has", "is", "enable", "disable"}
)
_NO_PIN: Final = frozenset({"gpio", "board", "chip", "is", "map", "bowling"})
_NO_TOKEN: Final = frozenset(
    {
        *(
            "input",
            "output",
            "prompt",
            "completion",
            "total",
            "max",
            "maximum",
            "min",
            "used",
            "usage",
            "num",
        ),
        *("cached", "cache", "read", "creation", "reasoning", "generated", "remaining", "limit", "count"),
        *("thinking", "embedding", "context", "budget", "special", "eos", "bos", "pad", "stop", "unexpected"),
        *(
            "page",
            "pagination",
            "continuation",
            "next",
            "cursor",
            "cancellation",
            "fencing",
            "sync",
            "resume",
        ),
        *("n", "per", "avg", "average", "mean", "design"),
    }
)
"""Words before `token` that make it a unit, a cursor or a symbol."""
_HEADS: Final = frozenset(
    {
        *("count", "type", "limit", "usage", "policy", "length", "size", "expiry", "expiration", "expire"),
        *(
            "expired",
            "ttl",
            "age",
            "version",
            "index",
            "status",
            "state",
            "strength",
            "url",
            "uri",
            "endpoint",
        ),
        *("provider", "method", "scheme", "kind", "enabled", "disabled", "required", "valid", "invalid"),
        *(
            "validated",
            "validity",
            "algorithm",
            "alg",
            "manager",
            "service",
            "server",
            "host",
            "port",
            "name",
        ),
        *("time", "timestamp", "date", "at", "created", "updated", "changed", "attempt", "retry", "rate"),
        *(
            "budget",
            "reset",
            "rotation",
            "path",
            "file",
            "dir",
            "mode",
            "domain",
            "format",
            "family",
            "issuer",
        ),
        *("audience", "scope", "present", "exist", "error", "failure", "result", "source", "location"),
        *("region", "ms", "second", "sec", "minute", "day", "in", "field", "column", "label", "title"),
        *("description", "used", "remaining", "total", "max", "min", "num", "rotated", "configured", "class"),
        *(
            "consent",
            "banner",
            "prefix",
            "release",
            "duration",
            "latency",
            "bucket",
            "reuse",
            "input",
            "output",
        ),
        *("success", "successful", "failed", "ok", "level", "store", "filename", "exp", "check"),
    }
)
"""Last words of keys whose values are about a secret, and not the secret."""

_CARDS: Final = frozenset(
    {
        *("card", "pan", "cc", "ccn", "creditcard", "debitcard", "cardnumber", "cardno", "cardnum", "visa"),
        *("mastercard", "amex", "maestro", "ccnum", "ccnumber", "credit", "debit", "payment", "paid", "pay"),
        *("charge", "charged", "paying"),
    }
)
_FREE: Final = frozenset(
    {
        *("note", "comment", "text", "body", "input", "data", "value", "message", "description", "payload"),
        *("content", "query", "statement", "info", "detail", "remark", "memo", "label"),
    }
)
"""Last words of keys whose values may contain anything."""
_IDS: Final = frozenset(
    {
        *("id", "uid", "gid", "pid", "tid", "guid", "oid", "xid", "txid", "offset", "seq", "sequence", "key"),
        *("timestamp", "time", "ts", "epoch", "ns", "nano", "nanos", "us", "micro", "micros", "ms", "milli"),
        *(
            "millis",
            "nanosecond",
            "microsecond",
            "millisecond",
            "at",
            "since",
            "until",
            "start",
            "end",
            "lsn",
        ),
        *(
            "order",
            "orders",
            "invoice",
            "tracking",
            "shipment",
            "parcel",
            "user",
            "customer",
            "message",
            "event",
        ),
        *(
            "request",
            "trace",
            "span",
            "ticket",
            "batch",
            "job",
            "product",
            "item",
            "sku",
            "ean",
            "gtin",
            "upc",
        ),
        *(
            "isbn",
            "barcode",
            "imei",
            "partition",
            "count",
            "size",
            "byte",
            "total",
            "hash",
            "checksum",
            "version",
        ),
        *(
            "port",
            "cursor",
            "duration",
            "ref",
            "reference",
            "index",
            "position",
            "length",
            "lag",
            "fingerprint",
        ),
        *(
            "crc",
            "serial",
            "snowflake",
            "correlation",
            "transaction",
            "tx",
            "txn",
            "session",
            "revision",
            "block",
        ),
        *(
            "node",
            "device",
            "sensor",
            "phone",
            "tenant",
            "account",
            "thread",
            "process",
            "object",
            "row",
            "rows",
        ),
        *(
            "record",
            "document",
            "doc",
            "entity",
            "delivery",
            "tag",
            "nonce",
            "seed",
            "bucket",
            "shard",
            "page",
        ),
        *(
            "watermark",
            "generation",
            "heap",
            "memory",
            "address",
            "date",
            "created",
            "updated",
            "file",
            "path",
        ),
    }
)
"""Words near a number that make it an ID, a time or an amount."""


class SecretKeys:
    """Tells which keys have secret values.

    Args:
        keys: patterns of additional secret keys, such as `customer.email` or `*.iban`.
        kept: patterns of keys that are not secret although they match the rules.
    """

    def __init__(self, keys: Sequence[str] = (), kept: Sequence[str] = ()) -> None:
        self._keys = tuple(keys)
        self._kept = tuple(kept)
        self.secrecy = lru_cache(1 << 14)(self._secrecy)

    def is_secret(self, key: str) -> bool:
        """Whether texts with this key are secret."""
        return self.secrecy(key) is not Secrecy.NONE

    def _secrecy(self, key: str) -> Secrecy:
        if any(fnmatchcase(key, pattern) for pattern in self._kept):
            return Secrecy.NONE
        if any(fnmatchcase(key, pattern) for pattern in self._keys):
            return Secrecy.TEXTS
        return _secrecy_of_words(key)


@lru_cache(1 << 14)
def number_context(words: str) -> NumberContext:
    """What the long numbers of a key, or after these words, are likely to be."""
    singular = [_singular(word) for word in split_words(words)]
    if not singular:
        return NumberContext.UNKNOWN
    if singular[-1] in _IDS - _FREE and singular[-2:-1] not in (["card"], ["pan"], ["cc"]):
        return NumberContext.ID
    if not _CARDS.isdisjoint(singular):
        return NumberContext.CARD
    is_unknown = singular[-1] in _FREE or _IDS.isdisjoint(singular)
    return NumberContext.UNKNOWN if is_unknown else NumberContext.ID


def split_words(key: str) -> list[str]:
    """The words of a key, in lower case: `db.userPassword` has three."""
    return [word.lower() for segment in _SEGMENT.findall(key) for word in _CAMEL.findall(segment)]


def _secrecy_of_words(key: str) -> Secrecy:
    words = split_words(key)
    if not words or _singular(words[-1]) in _HEADS:
        return Secrecy.NONE
    found = max(_matches(words), key=lambda one: one.value, default=Secrecy.NONE)
    if found is Secrecy.NONE:
        mixed = [segment for segment in _SEGMENT.findall(key) if len(_CAMEL.findall(segment)) > 1]
        found = max(map(_of_segment, mixed), key=lambda one: one.value, default=Secrecy.NONE)
    return found


def _matches(words: Sequence[str]) -> Iterator[Secrecy]:
    """What each word, and each pair of words, says of the key."""
    for at, word in enumerate(words):
        before = words[at - 1] if at else ""
        yield _of_word(word, before)
        is_head = at == len(words) - 1 or _singular(words[at + 1]) in _CONTENTS
        if is_head and _is_weak_secret(word, before):
            yield Secrecy.ALL if word in _WEAK_WITH_NUMBERS else Secrecy.TEXTS
    for first, second in pairwise(words):
        if (first, second) in _PHRASES_WITH_NUMBERS:
            yield Secrecy.ALL
        elif (first, _singular(second)) in _PHRASES:
            yield Secrecy.TEXTS


def _of_word(word: str, before: str) -> Secrecy:
    singular = _singular(word)
    if singular.endswith("token") and (before in _NO_TOKEN or singular[: -len("token")] in _NO_TOKEN):
        return Secrecy.NONE
    if singular in _SECRETS or singular.endswith(_ENDINGS) or _QUALIFIED.fullmatch(singular):
        with_numbers = singular in _SECRETS_WITH_NUMBERS or singular.endswith(_ENDINGS_WITH_NUMBERS)
        return Secrecy.ALL if with_numbers and singular == word else Secrecy.TEXTS
    is_pass = word.endswith("pass") and word[: -len("pass")] in _PASSES
    return Secrecy.TEXTS if is_pass else Secrecy.NONE


def _is_weak_secret(word: str, before: str) -> bool:
    if _singular(word) not in _WEAK:
        return False
    exceptions = {"pass": _NO_PASS, "auth": _NO_AUTH, "pin": _NO_PIN}.get(word, frozenset[str]())
    return before not in exceptions


def _of_segment(segment: str) -> Secrecy:
    """What letters without a separator say, whatever their case: `PassWord`."""
    word = _singular(segment.lower())
    if word in _SECRETS or word.endswith(_WHOLE_ENDINGS):
        return Secrecy.ALL if word.endswith(_ENDINGS_WITH_NUMBERS) else Secrecy.TEXTS
    return Secrecy.NONE


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 2 and word.endswith("s") and not word.endswith("ss") else word
