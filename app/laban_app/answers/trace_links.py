"""The table `[links]` of the settings: where else a trace can be looked at."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from laban_collector.errors import BadSettings
from laban_collector.settings import load_settings

_PLACE: Final = "{trace_id}"


@dataclass(frozen=True, slots=True)
class TraceLink:
    """A page of another tool that shows a trace.

    Attributes:
        name: as in the settings: `jaeger`.
        template: its address, with `{trace_id}` where the ID goes.
    """

    name: str
    template: str

    def address(self, trace_id: str) -> str:
        """Return the address of the page of a trace."""
        return self.template.replace(_PLACE, quote(trace_id, safe=""))


def trace_links() -> list[TraceLink]:
    """Return the links of `[links]` in `laban.toml`, or of `LABAN_LINKS__NAME`, by name.

    Raises:
        BadSettings: an address is none, or has no `{trace_id}`; two names read the same; or another setting
            is wrong.
    """
    found = sorted(load_settings().links.items())
    read_as = [name.replace("_", " ").casefold() for name, _ in found]
    for (name, _), read in zip(found, read_as, strict=True):
        if read_as.count(read) > 1:
            raise BadSettings(f"[links] {name} in laban.toml: another link has the same name.")
    for name, template in found:
        parts = urlsplit(template)
        if parts.scheme not in ("http", "https") or not parts.netloc or _PLACE not in template:
            raise BadSettings(
                f"[links] {name} in laban.toml: {template!r} is not an address with {_PLACE} in it, such as "
                f'"http://jaeger:16686/trace/{_PLACE}"'
            )
    return [TraceLink(name, template) for name, template in found]
