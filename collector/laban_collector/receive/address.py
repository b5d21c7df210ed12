"""HOST:PORT, read and written."""

import re
from typing import NamedTuple, Self

_ADDRESS = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^\s:\[\]]+)):(?P<port>[0-9]{1,5})", re.ASCII
)


class Address(NamedTuple):
    """Where something listens. Port 0 means: a free one, chosen when it is bound."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `127.0.0.1:4317`, `localhost:0` or `[::1]:4317`.

        Raises:
            ValueError: it is none of these; the text says what is expected.
        """
        match = _ADDRESS.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:4317 or [::1]:4317")
        port = int(match["port"])
        if port > 65535:
            raise ValueError(f"{text!r} has port {port}; ports end at 65535")
        return cls(match["v6"] or match["host"], port)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
