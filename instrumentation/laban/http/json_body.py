"""Business keys in JSON request bodies, whatever the framework."""

import json
from typing import Final

from opentelemetry import trace

from laban.business_keys.correlation import correlations_of
from laban.business_keys.rules import KeyRules

MAX_BODY: Final = 64 * 1024
"""Bytes; a longer body is handed through unread."""


def note_keys(body: bytes, rules: KeyRules) -> None:
    """Put the business keys in a body that the application has read on the current span and the entry."""
    span = trace.get_current_span()
    correlations = correlations_of(span)
    if correlations is None:
        return
    try:
        document = json.loads(body)
    except ValueError:
        return  # not JSON after all: the application will say so
    correlations.add(rules.in_json(document), on=span)


def is_json(content_type: str) -> bool:
    """Whether a Content-Type header announces JSON."""
    return content_type.partition(";")[0].strip().lower() == "application/json"
