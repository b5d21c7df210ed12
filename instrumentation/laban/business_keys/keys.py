"""Pure functions for business keys: canonical names, LABAN_KEYS syntax, route parameters, valid values.

Traced services use them to set keys on spans; the collector uses them to find keys on the spans of any
instrumentation.
"""

import re
from functools import lru_cache
from itertools import zip_longest
from typing import Final, Literal, NamedTuple, cast, get_args
from urllib.parse import unquote

from laban.errors import MalformedRule

MAX_VALUE_LENGTH: Final = 128
"""In characters. A longer value is not an ID, and baggage must stay small."""

MAX_LISTED: Final = 100
"""Elements of a list attribute that can be values of a business key. More are not a list of IDs."""

_EXACT: Final = 2**53
"""A double below it is an exact integer."""

Source = Literal["route", "json", "header", "attribute", "kafka.key"]
"""What a rule searches: a route parameter, a JSON field, a header, a span attribute or a Kafka key."""

SOURCES: Final[tuple[str, ...]] = get_args(Source)

# Namespaces of the semantic conventions and of infrastructure: `messaging.message.id` is not a business key.
_TECHNICAL_NAMESPACES: Final = frozenset(
    {
        "aws",
        "azure",
        "browser",
        "client",
        "cloud",
        "code",
        "container",
        "db",
        "deployment",
        "exception",
        "faas",
        "feature_flag",
        "gcp",
        "gen_ai",
        "host",
        "http",
        "k8s",
        "messaging",
        "net",
        "network",
        "os",
        "otel",
        "otlp",
        "peer",
        "process",
        "rpc",
        "server",
        "service",
        "session",
        "telemetry",
        "thread",
        "tls",
        "url",
        "user_agent",
    }
)
# IDs of calls, connections and traces, which are not business entities.
_TECHNICAL_ENTITIES: Final = _TECHNICAL_NAMESPACES | frozenset(
    {"connection", "instance", "parent", "producer", "request", "span", "trace", "transaction_span"}
)
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_KEY: Final = re.compile(r"[A-Za-z][\w.-]{0,63}")
_PARAMETER: Final = re.compile(r"\{(\w+)(?::(\w+))?\}|<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>|(?<=/):(\w+)")
_WHOLE_PARAMETER: Final = re.compile(_PARAMETER.pattern.replace("(?<=/)", ""))
_MARK: Final = re.compile("[{<:]")


class KeyRule(NamedTuple):
    """A rule that finds one business key in one place.

    Attributes:
        key: the canonical name, `order.id`.
        source: the place to search.
        argument: the parameter, field, header or attribute; for `kafka.key` a topic pattern as in a shell.
    """

    key: str
    source: Source
    argument: str


@lru_cache(maxsize=4096)
def canonical_key(name: str) -> str | None:
    """The business key for an attribute, field or parameter of this name, or None.

    `order_id`, `orderId`, `app.order.id` and `order.id` all give `order.id`. Names of the semantic
    conventions (`messaging.message.id`, `session.id`) and IDs of calls (`trace_id`, `request.id`) give None.
    """
    segments = name.split(".")
    if segments[0].lower() in _TECHNICAL_NAMESPACES and len(segments) > 1:
        return None
    words = _words(segments[-1])
    if words == ["id"] and len(segments) > 1:
        words = [*_words(segments[-2]), "id"]
    if words and words[0] == "x":
        words = words[1:]
    if len(words) < 2 or words[-1] != "id":
        return None
    entity = "_".join(words[:-1])
    if entity in _TECHNICAL_ENTITIES or words[-2] in _TECHNICAL_ENTITIES:
        return None
    return f"{entity}.id"


def _words(segment: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(segment)]


def parse_rules(text: str) -> tuple[KeyRule, ...]:
    """Parse LABAN_KEYS: `order.id=route:order_id|kafka.key:orders*, customer.id=header:X-Customer`.

    Raises:
        MalformedRule: an entry is not a rule; the message names the entry, the reason and the accepted
            syntax.
    """
    return tuple(rule for entry in re.split(r"[,;\s]+", text) if entry for rule in _parse_entry(entry))


def _parse_entry(entry: str) -> list[KeyRule]:
    key, equals, sources = entry.partition("=")
    if not equals or not sources:
        raise MalformedRule(entry, "has no KEY=SOURCE")
    if not _KEY.fullmatch(key):
        raise MalformedRule(entry, f"has the key {key!r}; use letters, digits, '.', '_' and '-'")
    return [_parse_source(entry, canonical_key(key) or key, source) for source in sources.split("|")]


def _parse_source(entry: str, key: str, text: str) -> KeyRule:
    source, _, argument = text.partition(":")
    if source not in SOURCES:
        raise MalformedRule(entry, f"has the unknown source {source!r}")
    if source == "kafka.key":
        argument = argument or "*"
    if not argument:
        raise MalformedRule(entry, f"has no name after {source}:")
    return KeyRule(key, cast("Source", source), argument)


def route_parameters(template: str, path: str) -> dict[str, str]:
    """The values of a route template's parameters in a path; empty if the path does not match.

    Supports `{order_id}`, `{order_id:path}`, `:order_id` and `<int:order_id>`. Ignores the query, and
    percent-decodes the values.
    """
    path = path.partition("?")[0]
    values = _by_segments(template, path)
    if values is None:
        match = template_pattern(template).fullmatch(path)
        values = match.groupdict() if match else {}
    return {name: unquote(value) for name, value in values.items()}


def _by_segments(template: str, path: str) -> dict[str, str] | None:
    """What `template_pattern` would find; None if a parameter is not a whole segment of the path.

    Compiling a pattern takes 50 times as long, and services may make up routes without end.
    """
    parts = template.rstrip("/").split("/")
    segments = path.removesuffix("/").split("/")
    matches = len(parts) == len(segments)
    values: dict[str, str] = {}
    for number, (part, segment) in enumerate(zip_longest(parts, segments, fillvalue="")):
        if not _MARK.search(part):
            matches = matches and part == segment
            continue
        parameter = _WHOLE_PARAMETER.fullmatch(part)
        if parameter is None or not number or "path" in parameter.groups():
            return None
        braced, _, _, angled, colon = parameter.groups()
        values.setdefault(braced or angled or colon, segment)
        matches = matches and segment != ""
    return values if matches else {}


def parameter_names(template: str) -> list[str]:
    """The names of a route template's parameters, in their order; much faster than its pattern."""
    found = (braced or angled or colon for braced, _, _, angled, colon in _PARAMETER.findall(template))
    return list(dict.fromkeys(found))


@lru_cache(maxsize=1024)
def template_pattern(template: str) -> re.Pattern[str]:
    """A pattern that matches the paths of a route, without query; it has one group per parameter."""
    pattern = ""
    end = 0
    for parameter in _PARAMETER.finditer(template):
        braced, braced_type, angled_type, angled, colon = parameter.groups()
        name = braced or angled or colon
        value = ".+" if "path" in (braced_type, angled_type) else "[^/]+"
        # A group name must be unique; if a parameter occurs twice, the first one wins.
        group = value if f"(?P<{name}>" in pattern else f"(?P<{name}>{value})"
        pattern += re.escape(template[end : parameter.start()]) + group
        end = parameter.end()
    return re.compile(pattern + re.escape(template[end:].rstrip("/")) + "/?")


def route_keys(template: str, path: str) -> dict[str, str]:
    """The business keys in a path: both `/orders/{order_id}` and `/orders/{id}` contain `order.id`.

    Leaves out values that cannot be IDs (see `bounded`).
    """
    found: dict[str, str] = {}
    for name, value in route_parameters(template, path).items():
        key = parameter_key(template, name)
        kept = bounded(value)
        if key and kept:
            found[key] = kept
    return found


def parameter_key(template: str, name: str) -> str | None:
    """The business key for a parameter of a route, or None."""
    return _collection_key(template, name) if name.lower() == "id" else canonical_key(name)


@lru_cache(maxsize=1024)
def _collection_key(template: str, parameter: str) -> str | None:
    """`order.id` for the parameter `id` of `/orders/{id}`."""
    for match in _PARAMETER.finditer(template):
        if parameter in match.groups():
            collection = template[: match.start()].rstrip("/").rpartition("/")[2]
            return canonical_key(f"{entity_of(collection)}_id")
    return None


def entity_of(collection: str) -> str:
    """The singular of a collection's name: `orders` → `order`, `price-entries` → `price_entry`."""
    name = "_".join(_words(collection))
    if name.endswith("ies") and len(name) > 4:
        return name[:-3] + "y"
    if name.endswith(("sses", "shes", "ches", "xes", "zzes", "tuses", "buses", "nuses")):
        return name[:-2]
    if name.endswith("s") and not name.endswith(("ss", "us")):
        return name[:-1]
    return name


def bounded(value: object) -> str | None:
    """The value as text if it can be an ID: a string or integer of 1 to 128 printable characters."""
    if type(value) is str and len(value) <= MAX_VALUE_LENGTH and value.isalnum():
        return value  # the common case; the checks below are four times as slow
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    text = str(value).strip()
    return text if 0 < len(text) <= MAX_VALUE_LENGTH and text.isprintable() else None


def attribute_values(value: object) -> list[str]:
    """The values of an attribute that can be IDs; of a list, those of its first MAX_LISTED elements.

    Many languages have no integers, or none in their SDK: 1234.0 is 1234. A truth value is `true` or `false`.
    """
    items = value[:MAX_LISTED] if isinstance(value, list) else (value,)
    return [text for item in items if (text := bounded(_without_fraction(item))) is not None]


def _without_fraction(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return int(value) if abs(value) < _EXACT else str(value)
    return value
