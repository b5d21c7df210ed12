"""Decides whose business keys to accept: anybody on the internet can send `baggage: order.id=…`.

LABAN_TRUST_BAGGAGE is `internal` (the default), `all` or `none`. `internal` rejects the keys of an HTTP or
gRPC request that came from outside: the caller has a public address, or a header of an edge proxy
(X-Forwarded-For, Forwarded, X-Real-IP) contains one. If the edge adds no such header and hides the caller's
address, set `none` on the service behind it. Kafka records are always trusted: brokers are internal.
"""

import ipaddress
import os
import re
from functools import lru_cache
from typing import Final, Literal, cast, get_args

from opentelemetry.propagators.textmap import CarrierT, Getter

from laban.fail_open import warn_once

Trusted = Literal["internal", "all", "none"]

_SETTING: Final = "LABAN_TRUST_BAGGAGE"
FORWARDED: Final = ("x-forwarded-for", "forwarded", "x-real-ip")
"""Headers in which edge proxies send the address of the caller."""
_SEPARATOR: Final = re.compile(r"[,;\s\"=]+")


class Trust:
    """Decides whether to trust the sender of a request."""

    def __init__(self, trusted: Trusted = "internal") -> None:
        self._trusted = trusted

    def accepts(self, carrier: CarrierT, getter: Getter[CarrierT]) -> bool:
        """Whether to accept the business keys in these headers."""
        if isinstance(carrier, (list, tuple)):
            return True  # the headers of a Kafka record
        if self._trusted != "internal":
            return self._trusted == "all"
        return not any(is_public(address) for address in _addresses(carrier, getter))


def configured_trust() -> Trust:
    """The trust that LABAN_TRUST_BAGGAGE sets. An invalid value causes a warning and the default."""
    word = os.environ.get(_SETTING, "internal").strip().lower()
    if word not in get_args(Trusted):
        warn_once(f"{_SETTING}: %r is not one of {', '.join(get_args(Trusted))}; using internal", word)
        return Trust()
    return Trust(cast("Trusted", word))


@lru_cache(maxsize=1024)
def is_public(address: str) -> bool:
    """Whether this is a public IP address, with or without a port; host names are not."""
    host = address.strip("[]")
    if host.count(":") == 1:
        host = host.partition(":")[0]
    elif "]" in host:
        host = host.partition("]")[0]
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def _addresses(carrier: CarrierT, getter: Getter[CarrierT]) -> list[str]:
    """Possible addresses of the caller: the words of the forwarding headers, and ASGI's client."""
    values = [value for name in FORWARDED for value in getter.get(carrier, name) or ()]
    words = [word for value in values for word in _SEPARATOR.split(str(value)) if word]
    client = carrier.get("client") if isinstance(carrier, dict) else None
    if isinstance(client, (tuple, list)) and client:
        words.append(str(client[0]))
    return words
