"""Who may see the dashboard: everyone, those who know the token, or those whom Streamlit's login lets in."""

import hmac
import secrets
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from laban_collector.address import is_loopback
from laban_collector.settings import Settings
from laban_dashboard.errors import OpenToEveryone

Way = Literal["open", "token", "streamlit"]
GRANTED_S: Final = 12 * 3600
_MOST_GRANTS: Final = 1000
_GRANT_BYTES: Final = 32


class Grants:
    """Random texts that stand for a login, for some hours or until this process ends.

    At most 1,000 are known; a new one replaces the oldest.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def give(self) -> str:
        """Return a new grant."""
        grant = secrets.token_urlsafe(_GRANT_BYTES)
        while len(self._until) >= _MOST_GRANTS:
            self._until.pop(next(iter(self._until)), None)
        self._until[grant] = self._clock() + GRANTED_S
        return grant

    def holds(self, grant: str) -> bool:
        """Whether this is a grant that has not expired."""
        return self._until.get(grant, 0.0) > self._clock()

    def take_back(self, grant: str) -> None:
        """Forget a grant."""
        self._until.pop(grant, None)


def lets_in(given: str, settings: Settings) -> bool:
    """Whether this is the token; takes as long for a wrong one."""
    token = settings.token
    return token is not None and hmac.compare_digest(
        given.strip().encode(), token.get_secret_value().encode()
    )


def way_in(settings: Settings) -> Way:
    """How browsers are let in: by Streamlit's login if it is set up, else by the token if there is one."""
    if has_streamlit_login():
        return "streamlit"
    return "open" if settings.token is None else "token"


def check_exposure(host: str, settings: Settings) -> None:
    """Refuse to show data to other machines without a login.

    Raises:
        OpenToEveryone: other machines could connect, and nothing keeps them out.
    """
    if not is_loopback(host) and way_in(settings) == "open":
        raise OpenToEveryone(
            f"Other machines could open the dashboard at {host} and see all data. Set LABAN_TOKEN, which the "
            "dashboard then asks for, or set up Streamlit's login ([auth] in .streamlit/secrets.toml). Or "
            "leave out --host, to listen on this machine only."
        )


def has_streamlit_login(folders: tuple[Path, ...] | None = None) -> bool:
    """Whether a file of secrets, here or in the home directory, sets up Streamlit's own login."""
    for folder in folders if folders is not None else (Path.cwd(), Path.home()):
        file = folder / ".streamlit" / "secrets.toml"
        try:
            if "auth" in tomllib.loads(file.read_text(encoding="utf-8")):
                return True
        except (OSError, ValueError):
            continue
    return False
