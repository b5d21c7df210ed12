"""Hosts: the name or the address of a peer, from host names, `host:port`, URLs and connection strings.

One host is written in one way: in lower case, without a trailing dot, and without a port.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

ORIGIN: Final = r"^(?P<origin>[A-Za-z][A-Za-z0-9+.\-:]*//[^/?#]*)"
"""The part of a URL that `host_of_url` reads. For RE2, too."""
UNUSUAL: Final = r"[^a-z0-9._\-]|^[^a-z0-9]|[^a-z0-9]$"
"""What `host_name` may change. For RE2, too."""
ONLY_NUMBERS: Final = r"^[0-9.]*$|^[0-9a-fA-F]*:[0-9a-fA-F:.]*$"
"""IP addresses, which are no names of callers. For RE2, too."""

_URL: Final = re.compile(
    r"(?s)(?:jdbc:)?(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*)://(?:[^/?#@]*@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^/?#:;,@\[\]\\\x00-\x20]+)(?::(?P<port>[0-9]{1,5}))?(?:[/?#;,\\].*)?"
)
"""A URL with a host. Of several hosts, the first."""
_HOST_PORT: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^/\\:;,@\[\]\s]+)(?::([0-9]{1,5}))?")
_IPV6: Final = re.compile(r"[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%\S+)?")
_MAPPED: Final = re.compile(r"::ffff:([0-9]{1,3}(?:\.[0-9]{1,3}){3})", re.IGNORECASE)
_CONNECTION: Final = re.compile(
    r"(?:^|;)\s*(?:data source|server|host|address|addr|network address)\s*=\s*"
    r"(?:tcp:)?([^;,\s]+)(?:,([0-9]{1,5}))?",
    re.IGNORECASE,
)
_CALLER: Final = re.compile(r"[a-z0-9](?:[a-z0-9._\-]*[a-z0-9])?")
_CONTAINS_ADDRESS: Final = re.compile(r"(?:^|[^0-9])[0-9]{1,3}(?:[.\-_][0-9]{1,3}){3}(?:[^0-9]|$)")
_NO_NAMES: Final = frozenset(
    ("localhost", "localhost.localdomain", "ip6-localhost", "unknown", "none", "null", "undefined", "n-a")
)
_DEFAULT_PORTS: Final = {
    "http": 80,
    "ws": 80,
    "https": 443,
    "wss": 443,
    "mysql": 3306,
    "mariadb": 3306,
    "postgresql": 5432,
    "postgres": 5432,
    "sqlserver": 1433,
    "mongodb": 27017,
    "redis": 6379,
    "rediss": 6379,
    "amqp": 5672,
    "amqps": 5671,
}
_PORTS: Final = range(1, 65_536)
_DISTINCT: Final = 4096


class Host(NamedTuple):
    """A host; `port` is 0 if it is unknown."""

    name: str
    port: int = 0


@lru_cache(_DISTINCT)
def host(sent: str) -> Host | None:
    """Return the host of an address (a name, an IP address, `host:port` or a URL); None if it is empty.

    What is none of these (a socket's path, a list of hosts) is returned as sent.
    """
    sent = sent.strip()
    if not sent:
        return None
    if "://" in sent:
        return host_of_url(sent) or Host(sent)
    if mapped := _MAPPED.fullmatch(sent):
        return Host(mapped[1])
    if _IPV6.fullmatch(sent):
        return Host(sent.lower())
    if found := _HOST_PORT.fullmatch(sent):
        return clean_host(found[1], found[2])
    return Host(sent)


def host_name(sent: str) -> str | None:
    """Return the name or the address of the host, as `host` does."""
    found = host(sent)
    return None if found is None else found.name


def port(sent: str) -> int:
    """Return the port in an address, as `host` does; 0 for none."""
    found = host(sent)
    return 0 if found is None else found.port


def host_of_url(url: str) -> Host | None:
    """Return the host of a URL, or None; without a port, it has the default port of the scheme."""
    found = _URL.fullmatch(url)
    return None if found is None else clean_host(found["host"], found["port"], found["scheme"])


@lru_cache(_DISTINCT)
def host_of_connection(sent: str) -> Host | None:
    """Return the host in a connection string (a URL, or `Server=…;…`); None if it has none."""
    if "://" in sent:
        return host_of_url(sent)
    found = _CONNECTION.search(sent)
    named = None if found is None else host(found[1])
    return Host(named.name, _port(found[2]) or named.port) if found and named else None


def name_in_connection(sent: str) -> str | None:
    """Return the host in a connection string, as `host_of_connection` does."""
    found = host_of_connection(sent)
    return None if found is None else found.name


def port_in_connection(sent: str) -> int:
    """Return the port in a connection string; 0 for none."""
    found = host_of_connection(sent)
    return 0 if found is None else found.port


def clean_host(name: str, digits: str | None, scheme: str | None = None) -> Host:
    """Return the parts of an address as a host."""
    name = name[1:-1] if name.startswith("[") else name
    clean = name.lower()
    clean = clean[:-1] if clean.endswith(".") and len(clean) > 1 else clean
    default = 0 if scheme is None else _DEFAULT_PORTS.get(scheme.lower(), 0)
    return Host(clean, _port(digits) or default)


@lru_cache(_DISTINCT)
def caller_name(sent: str) -> str | None:
    """Return the name of a caller, if its address is a name that identifies it, or None.

    A name that contains an IP address (`ip-10-0-0-1.internal`) comes from reverse DNS: there is one for each
    address, so it names no service.
    """
    found = host(sent)
    if found is None or not _CALLER.fullmatch(found.name) or found.name in _NO_NAMES:
        return None
    if _CONTAINS_ADDRESS.search(found.name) or not any(map(str.isalpha, found.name)):
        return None
    return None if found.name.endswith(".localhost") else found.name


def _port(sent: str | None) -> int:
    number = int(sent) if sent else 0
    return number if number in _PORTS else 0
