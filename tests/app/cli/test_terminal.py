"""Nothing that spans contain reaches the terminal as a command."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from laban_app.cli import terminal
from laban_mapper.model import Edge, Node, ServiceMap
from laban_mapper.times import utc_time

from ...collector.json_requests import json_span
from ...hostile import HOSTILE, UNSAFE
from ...serving import laban

NASTY = "\x1b]0;title\x07\x1b[2Jx\r\nforged\x7f\x9b31m\u202egnp\u2066"
ERRORS = """
import sys
from laban.__main__ import main
for line in sys.stdin.read().split("|"):
    sys.argv = ["laban", *line.split("~")]
    try:
        main()
    except SystemExit as ended:
        print("exit", ended.code, file=sys.stderr)
"""


def test_an_answer_is_made_safe_in_all_its_parts() -> None:
    node = Node(id=f"service:{NASTY}", kind="service", name=NASTY)
    edge = Edge(source=node.id, target=node.id, kind="sync", protocol=NASTY, calls=1, errors=0)
    answer = ServiceMap(since=utc_time(0), until=utc_time(1), nodes=[node], edges=[edge])
    shown = terminal.safe(answer)
    assert (
        UNSAFE.search("".join([shown.nodes[0].name, shown.edges[0].source, shown.edges[0].protocol])) is None
    )
    assert "\n" not in shown.nodes[0].name
    assert shown.edges[0].source == shown.nodes[0].id
    assert (shown.since, shown.edges[0].calls) == (answer.since, 1)


def test_a_console_prints_only_its_own_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(NASTY)
    table.add_row(Text(NASTY, style="red"))
    console = terminal.stdout()
    console.print(table)
    console.print(NASTY)
    assert UNSAFE.search(capsys.readouterr().out) is None


def test_json_escapes_what_a_terminal_could_obey(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_json(Node(id="a", kind="service", name=NASTY))
    printed = capsys.readouterr().out
    assert UNSAFE.search(printed) is None
    assert json.loads(printed)["name"] == NASTY


def export(path: Path) -> str:
    """Write a file with control characters in every text of a failed call and of a failed message."""
    text = {"value": {"stringValue": NASTY}}
    keys = (
        *("http.route", "http.request.method", "server.address", "exception.message", "error.type"),
        *("messaging.destination.name", "messaging.consumer.group.name", "messaging.system", "db.system"),
    )
    attributes = [
        {"key": "order.id", "value": {"stringValue": "N-1"}},
        *({"key": key} | text for key in keys),
    ]
    spans = [
        json_span(
            spanId=f"{kind + 1:016x}",
            parentSpanId=f"{kind:016x}" if kind > 2 else "",
            kind=kind,
            name=NASTY,
            attributes=attributes if kind > 3 else attributes[:6],
            status={"code": 2, "message": NASTY},
            events=[{"name": "exception", "attributes": attributes}],
        )
        for kind in (2, 3, 4, 5)
    ]
    resource = {"attributes": [{"key": "service.name"} | text]}
    sent = {
        "resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": NASTY}, "spans": spans}]}]
    }
    path.write_text(json.dumps(sent) + "\n" + json.dumps({NASTY: 1}))
    return str(path)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("nasty")
    done = laban("import", export(folder / "spans.jsonl"), "--db", str(folder / "spans.duckdb"))
    assert done.stdout.startswith("4 spans")
    assert UNSAFE.search(done.stdout + done.stderr) is None
    return str(folder / "spans.duckdb")


@pytest.mark.parametrize(
    "command",
    [
        ("order", "N-1", "--all"),
        ("order", "N-1", "--json"),
        ("order", "N-2"),
        ("map",),
        ("map", "--json"),
        ("status",),
        ("lag",),
        ("lag", "--waiting"),
        ("diagram", "--format", "mermaid"),
        ("diagram", "--format", "dot"),
        ("diagram", "--format", "svg"),
    ],
    ids=" ".join,
)
def test_no_command_prints_a_control_character_of_a_span(database: str, command: tuple[str, ...]) -> None:
    done = laban(*command, "--db", database)
    printed = done.stdout + done.stderr
    assert len(printed) > 20
    assert UNSAFE.search(printed.replace("\t", " ")) is None
    assert not any(line.startswith("forged") for line in printed.splitlines())


def test_the_stderr_console_is_as_safe(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.stderr().print(NASTY)
    assert UNSAFE.search(capsys.readouterr().err) is None


def test_a_console_prints_every_hostile_text_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    for text in HOSTILE:
        table = Table(text)
        table.add_row(text, Text(text))
        terminal.stdout().print(table, text)
        terminal.print_json(Node(id="a", kind="service", name=text.replace("\n", " ")))
    assert UNSAFE.search(capsys.readouterr().out) is None


def test_no_error_repeats_an_argument_that_commands_a_terminal(tmp_path: Path) -> None:
    nasty = NASTY.replace("\r\n", " ")  # as an argument may be, in a terminal that pasted it
    wrong = [
        *((nasty,), (f"--{nasty}",), ("order",), ("order", "1", f"--{nasty}"), ("order", "1", nasty)),
        *(("map", "--since", nasty), ("map", "--url", nasty), ("map", "--db", nasty), ("story", nasty)),
        *(("story", f"{nasty}={nasty}", "--db", nasty), ("diagram", "--format", nasty), ("import", nasty)),
        *(
            ("backup", nasty, "--db", nasty),
            ("export", "-o", nasty, "--db", nasty),
            ("serve", "--api", nasty),
        ),
        *(("lag", "--url", f"http://{nasty}"), ("status", "--url", f"http://127.0.0.1:1/{nasty}")),
        ("run", "--", nasty),
    ]
    lines = "|".join("~".join(arguments) for arguments in wrong)
    command = [sys.executable, "-c", ERRORS]
    done = subprocess.run(
        command, cwd=tmp_path, input=lines, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    assert UNSAFE.search(done.stdout + done.stderr) is None
    assert done.stderr.count("exit") == len(wrong)
    assert "Traceback" not in done.stderr
