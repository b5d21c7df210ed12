"""Network addresses as HOST:PORT."""

import re
from typing import NamedTuple, Self

_ADDRESS = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^\s:\[\]]+)):(?P<port>[0-9]{1,5})", re.ASCII
)


class Address(NamedTuple):
    """A host and a port. Port 0 means a free port, chosen when the address is bound."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `127.0.0.1:4317`, `localhost:0` or `[::1]:4317`.

        Raises:
            ValueError: the text is not an address; the message shows the expected form.
        """
        match = _ADDRESS.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:4317 or [::1]:4317")
        port = int(match["port"])
        if port > 65535:
            raise ValueError(f"{text!r} has port {port}; the highest port is 65535")
        return cls(match["v6"] or match["host"], port)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
