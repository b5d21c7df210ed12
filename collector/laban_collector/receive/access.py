"""Access rules: the bearer token, and the permitted values of the Host and Origin headers.

A web page in a browser on this machine can send requests to loopback addresses. It cannot choose its `Origin`
header. If it uses a name that resolves to loopback (DNS rebinding), its `Host` header contains that name.
"""

import hmac
from dataclasses import dataclass, field
from typing import Self

from laban_collector.address import Address, is_ip, is_loopback
from laban_collector.errors import BadSettings
from laban_collector.settings import Settings

_LISTENERS = ("otlp_grpc", "otlp_http", "api")


@dataclass(frozen=True, slots=True)
class Access:
    """The access rules of one collector.

    Attributes:
        token: required as `Authorization: Bearer TOKEN`; None if no token is required.
        hosts: accepted host names in lower case, in addition to loopback names and IP addresses.
        origins: web origins that may send requests, such as `https://shop.example`; others are refused.
    """

    token: str | None = field(default=None, repr=False)
    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the rules that the settings define.

        Raises:
            BadSettings: other machines could connect, and no token is set.
        """
        exposed = [
            name for name in _LISTENERS if not is_loopback(Address.parse(getattr(settings, name)).host)
        ]
        if exposed and settings.token is None and not settings.open_to_everyone:
            places = ", ".join(f"{name} {getattr(settings, name)}" for name in exposed)
            raise BadSettings(
                f"Other machines could connect to {places} and read and write without a token. "
                "Set LABAN_TOKEN, or set LABAN_OPEN_TO_EVERYONE=true if the network restricts access."
            )
        token = settings.token
        return cls(
            None if token is None else token.get_secret_value(),
            frozenset(settings.host_names),
            frozenset(settings.origins),
        )

    def accepts_token(self, authorization: str) -> bool:
        """Whether an `Authorization` header contains the token; always true if no token is required."""
        if self.token is None:
            return True
        scheme, _, given = authorization.partition(" ")
        matches = hmac.compare_digest(given.strip().encode(), self.token.encode())
        return matches and scheme.lower() == "bearer"

    def accepts_host(self, host: str) -> bool:
        """Whether a `Host` header is a name of this collector. Any IP address is: DNS cannot forge it."""
        name = _without_port(host.strip().lower())
        return is_loopback(name) or is_ip(name) or name in self.hosts

    def accepts_origin(self, origin: str) -> bool:
        """Whether pages of this `Origin` may send requests."""
        return origin.strip().lower() in self.origins


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
