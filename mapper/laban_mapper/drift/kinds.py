"""The kinds of drift: each with a stable code and name, by which `--allow` names it."""

from typing import Final, Literal, get_args

from laban_mapper.reports.report import ReportRule

DriftKind = Literal[
    "sync-to-async",
    "async-to-sync",
    "changed-protocol",
    "changed-event-version",
    "moved-consumer",
    "gone-call",
    "gone-consumer",
    "gone-publisher",
    "gone-event",
    "gone-operation",
    "gone-service",
    "new-call",
    "new-consumer",
    "new-publisher",
    "new-event",
    "new-operation",
    "new-service",
    "undeclared",
    "unobserved",
    "too-little-traffic",
]
KINDS: Final[tuple[DriftKind, ...]] = get_args(DriftKind)
"""In the order in which they are shown."""

_WRITE: Final = "If it is meant, write the file again (laban choreography -o FILE) and commit it."
_MARK: Final = f"{_WRITE} If it is rare, put its place under `optional:` in the file."
_DOCUMENT: Final = "Correct the document, or the service."

_RULES: Final[dict[DriftKind, tuple[str, str, str | None]]] = {
    "new-service": ("D101", "A service runs that the file does not have.", _WRITE),
    "gone-service": ("D102", "A service of the file no longer runs.", _MARK),
    "new-call": ("D111", "A service calls another one, which the file does not say.", _WRITE),
    "gone-call": ("D112", "A service no longer calls another one, although the file says so.", _MARK),
    "new-operation": ("D113", "A service asks for an operation that the file does not have.", _WRITE),
    "gone-operation": ("D114", "A service no longer asks for an operation of the file.", _MARK),
    "changed-protocol": ("D115", "A service calls another one by another protocol.", _WRITE),
    "new-publisher": ("D121", "A service publishes to a topic, which the file does not say.", _WRITE),
    "gone-publisher": ("D122", "A service no longer publishes to a topic.", _MARK),
    "new-consumer": ("D131", "A group consumes a topic, which the file does not say.", _WRITE),
    "gone-consumer": ("D132", "A group of the file no longer consumes a topic: messages pile up.", _MARK),
    "moved-consumer": ("D133", "Other services than in the file consume a topic in a group.", _WRITE),
    "sync-to-async": ("D141", "A call has become a message: the caller no longer waits.", _WRITE),
    "async-to-sync": ("D142", "A message has become a call: the caller waits, and fails with it.", _WRITE),
    "new-event": ("D151", "A topic has a type of events, or one of its versions, that is new.", _WRITE),
    "gone-event": ("D152", "A type of events, or one of its versions, is no longer published.", _MARK),
    "changed-event-version": ("D153", "The events of a type have another version.", _WRITE),
    "undeclared": ("D201", "What runs is not in the document.", _DOCUMENT),
    "unobserved": ("D202", "What is in the document was never seen.", _DOCUMENT),
    "too-little-traffic": (
        "D301",
        "Not seen, but there was too little traffic to tell; it does not count.",
        None,
    ),
}
RULES: Final[dict[DriftKind, ReportRule]] = {
    kind: ReportRule(code, kind, sentence, "info" if kind == "too-little-traffic" else "error", advice)
    for kind, (code, sentence, advice) in _RULES.items()
}
OF_DOCUMENTS: Final[tuple[DriftKind, ...]] = ("undeclared", "unobserved", "too-little-traffic")
OF_CHOREOGRAPHY: Final[tuple[DriftKind, ...]] = tuple(
    kind for kind in KINDS if kind not in ("undeclared", "unobserved")
)


def kind_of(name: str) -> DriftKind | None:
    """The kind with a name; None if there is none."""
    for kind in KINDS:
        if kind == name:
            return kind
    return None
