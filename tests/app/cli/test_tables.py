"""The tables of the terminal."""

from io import StringIO

from rich.console import Console

from laban_app.cli.tables import show_map, show_status
from laban_mapper.model import CollectorStatus, Contract, Edge, LogCounts, Node, NodeKind, ServiceMap, Status
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
    edge_lines = shown[shown.index("──▶") :].split("\n\n")[0].splitlines()
    assert all(line.startswith("      ") for line in edge_lines[1:])


def test_event_types_stand_below_their_edge_and_again_only_where_they_differ_or_fail() -> None:
    created = Contract(event_type="Created\x1b[2J", version="1", calls=4, first=utc_time(0), last=utc_time(0))
    newer = created.model_copy(update={"version": "2", "errors": 3})
    ends = [("service:a", "topic:t", [created, newer]), ("topic:t", "group:b", [created, newer])]
    ends += [("topic:t", "group:c", [created, created.model_copy(update={"version": "2"})])]
    ends += [("group:b", "service:b", [created, newer])]
    edges = [
        Edge(source=one, target=other, kind="async", protocol="kafka", calls=8, errors=3, contracts=contracts)
        for one, other, contracts in ends
    ]
    edges[0].contracts[1] = created.model_copy(update={"version": "2"})
    kinds: list[tuple[NodeKind, str]] = [
        ("service", "a"),
        ("topic", "t"),
        ("group", "b"),
        ("group", "c"),
        ("service", "b"),
    ]
    nodes = [Node(id=f"{kind}:{name}", kind=kind, name=name) for kind, name in kinds]
    answer = ServiceMap(since=utc_time(0), until=utc_time(10**9), nodes=nodes, edges=edges)
    screen = StringIO()
    show_map(answer, Console(file=screen, width=80))
    told = [line.split() for line in screen.getvalue().splitlines() if "Created" in line]
    assert told == [["Created\\x1b[2J", "(1,", "2)"], ["Created\\x1b[2J", "(2)", "4", "3"]]


def test_status_counts_what_was_refused_in_the_singular_and_the_plural() -> None:
    collector = CollectorStatus(
        received=1,
        stored=1234,
        duplicates=1,
        rejected=2,
        refused={"malformed": 1, "too large": 2},
        in_flight=0,
        unloaded=0,
        commits=1,
        commit_mean=0.002,
        file=4096,
        used=4096,
        wal=0,
        forgotten=0,
        ledger="all 1 commits are present",
        ledger_agrees=True,
        set_aside=[],
        failure=None,
        others={"other:services": 95_000, "other:hosts": 1},
        logs=LogCounts(stored=1200, rejected=3, refused=1, forgotten=200),
    )
    answer = Status(
        version="1", spans=1234, traces=1, services=["web"], first=None, last=None, collector=collector
    )
    screen = StringIO()
    show_status(answer, Console(file=screen, width=120))
    rows = {line.split("  ")[0]: line.split("  ", 1)[1].strip() for line in screen.getvalue().splitlines()}
    assert rows["spans"] == "1,234 in 1 trace"
    assert rows["stored"] == "1,234 spans, 1 duplicate"
    assert rows["logs"] == "1,200 records stored, 3 rejected, 1 request refused, 200 deleted by retention"
    screen.truncate(0)
    show_status(answer.model_copy(update={"traces_estimated": True}), Console(file=screen, width=120))
    assert "1,234 in about 1 trace" in screen.getvalue()
    assert rows["refused"] == "1 request malformed, 2 requests too large, 2 spans of accepted requests"
    assert rows["map"] == (
        "1 call of other hosts, 95,000 calls of other services: an hour had more names than the limit"
    )
    assert rows["commits"] == "1 journal write, 2.0 ms each"
