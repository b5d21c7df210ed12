"""From whom business keys are accepted: anybody on the internet can send `baggage: order.id=…`.

LABAN_TRUST_BAGGAGE is `internal` (the default), `all` or `none`. `internal` accepts every HTTP and gRPC
request that gives no sign of having come from outside: a public address of the caller, or one in the headers
that edge proxies add (X-Forwarded-For, Forwarded, X-Real-IP). Where an edge adds no such header and hides the
caller's address, set `none` on the service behind it. Kafka records are always believed: brokers are inside.
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
"""Headers in which edge proxies say from where a request came."""
_SEPARATOR: Final = re.compile(r"[,;\s\"=]+")


class Trust:
    """Decides whether the sender of a request is one of our own."""

    def __init__(self, trusted: Trusted = "internal") -> None:
        self._trusted = trusted

    def accepts(self, carrier: CarrierT, getter: Getter[CarrierT]) -> bool:
        """Whether to believe the business keys in these headers."""
        if isinstance(carrier, (list, tuple)):
            return True  # the headers of a Kafka record
        if self._trusted != "internal":
            return self._trusted == "all"
        return not any(is_public(address) for address in _addresses(carrier, getter))


def configured_trust() -> Trust:
    """What LABAN_TRUST_BAGGAGE says; with a word that is none of the three, a warning and the default."""
    word = os.environ.get(_SETTING, "internal").strip().lower()
    if word not in get_args(Trusted):
        warn_once(f"{_SETTING}: %r is not one of {', '.join(get_args(Trusted))}; internal it is", word)
        return Trust()
    return Trust(cast("Trusted", word))


@lru_cache(maxsize=1024)
def is_public(address: str) -> bool:
    """Whether this is an address of the internet, with or without a port; names are not."""
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
    """Where a request says that it came from: words of the forwarding headers, and ASGI's client."""
    values = [value for name in FORWARDED for value in getter.get(carrier, name) or ()]
    words = [word for value in values for word in _SEPARATOR.split(str(value)) if word]
    client = carrier.get("client") if isinstance(carrier, dict) else None
    if isinstance(client, (tuple, list)) and client:
        words.append(str(client[0]))
    return words
