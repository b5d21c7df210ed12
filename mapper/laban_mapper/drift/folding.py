"""Names without what differs in each run: IDs, addresses, ports that were free."""

import ipaddress
import re
from typing import Final

_UUID: Final = re.compile(r"(?i)(?<![0-9a-z])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-z])")
_POD: Final = re.compile(r"-[0-9a-f]{8,10}-[bcdfghjklmnpqrstvwxz2456789]{5}(?![0-9a-z])")
"""The end of the name of a pod: the hash of its template, and five characters without vowels."""
_HEX: Final = re.compile(r"(?i)(?<![0-9a-z])(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,}(?![0-9a-z])")
_DATE: Final = re.compile(
    r"(?<![0-9])20[0-9]{2}([-._]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12][0-9]|3[01])(?![0-9])"
)
_NUMBER: Final = re.compile(r"(?<![0-9A-Za-z:])(?!(?:19|20)[0-9]{2}(?![0-9]))[0-9]{4,}(?![0-9A-Za-z])")
"""A number of four digits and more, but no year and no port. `orders-v2` and `eu-west-1` are names, too."""
_IPV4: Final = re.compile(r"(?<![0-9A-Za-z.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9A-Za-z.])")
_IPV6: Final = re.compile(
    r"\[([0-9A-Fa-f:.]+)\]|(?<![0-9A-Za-z:])([0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?![0-9A-Za-z:])"
)
_FREE_PORT: Final = re.compile(
    r":(?:3276[89]|327[7-9][0-9]|32[89][0-9]{2}|3[3-9][0-9]{3}|[45][0-9]{4}|6[0-5][0-9]{3})(?![0-9])"
)
"""A port that Linux gives to whoever asks for a free one: 32768 and above."""


def folded(name: str) -> str:
    """Return a name of a service, topic, group or host, with `{id}`, `{ip}` … for what may differ."""
    if not any(character.isdigit() for character in name) and ":" not in name:
        return name
    name = _IPV6.sub(_address, _DATE.sub("{date}", _UUID.sub("{id}", name)))
    name = _IPV4.sub("{ip}", name)
    name = _FREE_PORT.sub(":{port}", name)
    name = _HEX.sub("{id}", _POD.sub("-{id}", name))
    return _NUMBER.sub("{id}", name)


def _address(found: re.Match[str]) -> str:
    """Return `{ip}`, or the text if it only looks like an address: `EXCHANGE:KEY:QUEUE`."""
    try:
        ipaddress.ip_address(found[1] or found[2])
    except ValueError:
        return found[0]
    return "{ip}"


def folded_operation(operation: str) -> str:
    """Return an operation without IDs in its path; a route keeps its parameters as written."""
    return _NUMBER.sub("{id}", _HEX.sub("{id}", _UUID.sub("{id}", operation)))
