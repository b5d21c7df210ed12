"""Parts of URLs as text; the mapper imports no network library."""

import re
from typing import Final

_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")
_ENCODED: Final = re.compile("(?:%[0-9A-Fa-f]{2})+")
_HOST: Final = re.compile(r"^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*")


def quoted_path(path: str) -> str:
    """Return a path of a file as a relative URI: other characters are percent-encoded UTF-8."""
    encoded = path.encode(errors="replace")
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in encoded)


def unquoted(text: str) -> str:
    """Return a text with its percent-encoded characters decoded."""
    return _ENCODED.sub(lambda found: bytes.fromhex(found[0].replace("%", "")).decode(errors="replace"), text)


def path_of_url(url: str) -> str:
    """Return the path of a URL or of a relative reference, without query and fragment."""
    return re.split(r"[?#]", _HOST.sub("", url), maxsplit=1)[0]


def quoted_value(value: str) -> str:
    """Return a text as a value in the query of a URL."""
    return quoted_path(value).replace("/", "%2F")
