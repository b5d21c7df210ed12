"""Instrumentation scope names: fixed per library, whatever the modules are called."""

import ast
from collections.abc import Generator
from pathlib import Path
from typing import Any

import laban
from laban import vocabulary

SOURCES = Path(laban.__file__).parent

SCOPES = {
    "kafka_python": "laban.kafka_python",
    "aiokafka": "laban.aiokafka",
    "confluent_kafka": "laban.confluent_kafka",
    "processing": "laban.processing",
    "apscheduler": "laban.apscheduler",
    "faust": "laban.faust",
    "nats": "laban.nats",
    "pika": "laban.pika",
    "grpc": "laban.grpc",
    "asgi": "laban.asgi",
}
"""Backends group by these names: a change breaks the dashboards of users."""


def test_each_library_has_its_scope_name() -> None:
    found = {
        name.removeprefix("SCOPE_").lower(): value
        for name, value in vars(vocabulary).items()
        if name.startswith("SCOPE_")
    }
    assert found == SCOPES


def scopes_in_use() -> Generator[tuple[str, str]]:
    """Module and scope argument of each tracer and meter that the instrumentation creates."""
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called: Any = node.func if isinstance(node, ast.Call) else None
            name = getattr(called, "attr", None) or getattr(called, "id", None)
            if isinstance(node, ast.Call) and name in ("get_tracer", "NoOpMeter"):
                yield str(path.relative_to(SOURCES)), ast.unparse(node.args[0])


def test_every_tracer_and_meter_uses_a_scope_name_of_the_vocabulary() -> None:
    used = {scope for module, scope in scopes_in_use() if module != "sdk/span_start.py"}
    assert used == {f"vocabulary.SCOPE_{library.upper()}" for library in SCOPES}
