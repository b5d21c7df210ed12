"""Finds business keys in JSON request bodies, for any framework."""

import json
from typing import Final

from opentelemetry import trace

from laban.business_keys.correlation import correlations_of
from laban.business_keys.key_rules import KeyRules

MAX_BODY: Final = 64 * 1024
"""In bytes. A longer body is not searched."""


def record_keys(body: bytes, rules: KeyRules) -> None:
    """Set the business keys of a body that the application has read on the current and the entry span."""
    span = trace.get_current_span()
    correlations = correlations_of(span)
    if correlations is None:
        return
    try:
        document = json.loads(body)
    except ValueError:
        return  # not JSON after all; the application reports that
    correlations.add(rules.in_json(document), on=span)


def is_json(content_type: str) -> bool:
    """Whether a Content-Type header means JSON."""
    return content_type.partition(";")[0].strip().lower() == "application/json"
