"""The tables of the terminal."""

from io import StringIO

from rich.console import Console

from laban_app.cli.tables import show_map
from laban_mapper.model import Edge, Node, ServiceMap
from laban_mapper.times import utc_time


def test_on_a_narrow_terminal_only_names_wrap() -> None:
    name = "a-service-with-a-name-that-is-longer-than-half-of-the-terminal"
    edge = Edge(
        source="service:web",
        target=f"service:{name}",
        kind="sync",
        protocol="http",
        calls=1_234_567,
        errors=12_345,
        p50_ms=754.0,
        p95_ms=8600.0,
        p99_ms=61_000.0,
    )
    nodes = [
        Node(id="service:web", kind="service", name="web"),
        Node(id=f"service:{name}", kind="service", name=name),
    ]
    answer = ServiceMap(since=utc_time(0), until=utc_time(86_400 * 10**9), nodes=nodes, edges=[edge])
    screen = StringIO()
    show_map(answer, Console(file=screen, width=80))
    shown = screen.getvalue()
    for whole in ("1234567", "12345", "754 ms", "8.6 s", "1 min 1 s"):
        assert whole in shown
    assert "…" not in shown
    assert "1970-01-01 00:00:00 to 1970-01-02 00:00:00 UTC" in " ".join(shown.split())
    assert max(len(line) for line in shown.splitlines()) <= 80
