"""Who may come in: a bearer token, and the host and origin that a request names.

A page in a browser on this machine can reach what listens on loopback. It cannot choose its `Origin` header,
and when it hides behind a name that resolves to loopback (DNS rebinding), its `Host` header tells that name.
"""

import hmac
import ipaddress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Self

from laban_collector.errors import BadSettings
from laban_collector.receive.address import Address
from laban_collector.settings import Settings

_LISTENERS = ("otlp_grpc", "otlp_http", "api")
_HOSTS: Final = 256
"""Names that are remembered: each request names one, mostly the same."""


@dataclass(frozen=True, slots=True)
class Access:
    """The rules of one collector.

    Attributes:
        token: what a sender must give as `Authorization: Bearer TOKEN`; None: nothing.
        hosts: names that requests may be sent to, lower case, beside loopback and plain IP addresses.
        origins: pages that may send from a browser, `https://shop.example`; all others are refused.
    """

    token: str | None = field(default=None, repr=False)
    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The rules that the settings ask for.

        Raises:
            BadSettings: other machines could connect, and no token keeps strangers out.
        """
        exposed = [
            name for name in _LISTENERS if not is_loopback(Address.parse(getattr(settings, name)).host)
        ]
        if exposed and settings.token is None and not settings.open_to_everyone:
            places = ", ".join(f"{name} {getattr(settings, name)}" for name in exposed)
            raise BadSettings(
                f"Other machines could connect to {places}, and anyone there could read and write. Set a "
                "token in LABAN_TOKEN, for senders and askers to give, or, where the network itself keeps "
                "strangers out, LABAN_OPEN_TO_EVERYONE=true."
            )
        token = settings.token
        return cls(
            None if token is None else token.get_secret_value(),
            frozenset(settings.host_names),
            frozenset(settings.origins),
        )

    def knows(self, authorization: str) -> bool:
        """Whether the value of an `Authorization` header carries the token, if one is needed."""
        if self.token is None:
            return True
        scheme, _, given = authorization.partition(" ")
        matches = hmac.compare_digest(given.strip().encode(), self.token.encode())
        return matches and scheme.lower() == "bearer"

    def serves_host(self, host: str) -> bool:
        """Whether a `Host` header names this collector; any name may resolve to it, an IP cannot lie."""
        name = _without_port(host.strip().lower())
        return is_loopback(name) or _is_ip(name) or name in self.hosts

    def serves_origin(self, origin: str) -> bool:
        """Whether a page from this `Origin` may send."""
        return origin.strip().lower() in self.origins


@lru_cache(_HOSTS)
def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host: `localhost`, 127.0.0.0/8 or ::1."""
    host = host.lower()
    return host == "localhost" or (_is_ip(host) and ipaddress.ip_address(host).is_loopback)


@lru_cache(_HOSTS)
def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
