"""What can go wrong while instrumenting, as far as a person can do something about it.

LabanError
└── MalformedRule     LABAN_KEYS cannot be read

Everything else that goes wrong inside the instrumentation is a warning: it never stops the traced program.
"""


class LabanError(Exception):
    """Base of all errors of the instrumentation; its text says what, where and what to do."""


class MalformedRule(LabanError, ValueError):
    """LABAN_KEYS holds an entry that is no rule."""

    def __init__(self, entry: str, reason: str) -> None:
        super().__init__(
            f"LABAN_KEYS: {entry!r} {reason}. Accepted: KEY=SOURCE|SOURCE …, entries separated by comma, "
            "semicolon or space; a SOURCE is route:PARAMETER, json:FIELD, header:NAME, attribute:NAME or "
            "kafka.key:TOPIC (a pattern such as orders*). Example: "
            "order.id=route:order_id|json:order.id|kafka.key:orders*"
        )
