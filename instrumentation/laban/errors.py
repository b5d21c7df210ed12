"""Errors that a user of the instrumentation can fix.

LabanError
└── MalformedRule     an entry of LABAN_KEYS is not a rule

Every other failure inside the instrumentation is a logged warning. It never stops the traced program.
"""


class LabanError(Exception):
    """Base of all errors of the instrumentation; its message says what failed, where, and how to fix it."""


class MalformedRule(LabanError, ValueError):
    """An entry of LABAN_KEYS is not a rule."""

    def __init__(self, entry: str, reason: str) -> None:
        super().__init__(
            f"LABAN_KEYS: {entry!r} {reason}. Accepted: KEY=SOURCE|SOURCE …, entries separated by comma, "
            "semicolon or space; a SOURCE is route:PARAMETER, json:FIELD, header:NAME, attribute:NAME or "
            "kafka.key:TOPIC (a pattern such as orders*). Example: "
            "order.id=route:order_id|json:order.id|kafka.key:orders*"
        )
