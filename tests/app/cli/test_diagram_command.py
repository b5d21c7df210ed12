"""`laban diagram`: the formats, the options that choose and shape, and a document that is kept true."""

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import typer

from laban_app.cli.app import load_command
from laban_app.errors import InputUnreadable, NothingToDraw, UnknownValue
from laban_mapper.diagrams.markdown_block import BEGIN, END
from laban_mapper.diagrams.registry import FORMATS
from laban_mapper.errors import BadMarkers, UnknownEntry

from ...mapper.shop_spans import hybrid_order
from ...serving import Serving, laban, serving
from ..answers.test_local import named

Captured = pytest.CaptureFixture[bytes]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("served") / "spans.duckdb") as running:
        running.send(named(hybrid_order(), "123"))
        yield running


def run(served: Serving, *arguments: str) -> int | None:
    """Run the command in this process; returns its exit code if it is not 0."""
    code = load_command("diagram").main([*arguments, "--url", served.url], standalone_mode=False)
    assert code is None or isinstance(code, int)
    return code


def drawn(served: Serving, captured: Captured, *arguments: str) -> str:
    run(served, *arguments)
    return captured.readouterr().out.decode()


BEGINNINGS = {
    "svg": b"<?xml",
    "png": b"\x89PNG",
    "dot": b"digraph",
    "mermaid": b"---\ntitle",
    "plantuml": b"@startuml",
    "structurizr": b"workspace",
    "asyncapi": b'asyncapi: "3.0.0"',
    "backstage": b"# What ran",
    "json": b"{",
}


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_written_with_the_window_and_the_version(
    served: Serving, tmp_path: Path, form: str
) -> None:
    target = tmp_path / "diagram"
    run(served, "--format", form, "-o", str(target))
    content = target.read_bytes()
    assert content.startswith(BEGINNINGS[form])
    if form not in ("png", "json", "backstage"):
        assert "2026-09-21 14:13:20" in content.decode().replace("&#160;", " ").replace("&#45;", "-")
        assert b"laban 0." in content


def test_a_picture_of_the_busiest_nodes_says_what_it_leaves_out(
    served: Serving, capsysbinary: Captured
) -> None:
    run(served, "--top", "2")
    told = capsysbinary.readouterr()
    assert told.err.startswith(b"The busiest 5 of 10 nodes")
    assert b"--format mermaid or dot" in told.err
    assert "The busiest 5 of 10" in told.out.decode().replace("&#160;", " ")


def test_scopes_narrow_the_map(served: Serving, capsysbinary: Captured) -> None:
    def names(*arguments: str) -> set[str]:
        answer = json.loads(drawn(served, capsysbinary, "--format", "json", *arguments))
        return {node["name"] for node in answer["nodes"]}

    whole = names()
    near = names("--service", "payment")
    assert near == names("--focus", "payment")
    assert {"payment", "orders", "order"} <= near < whole
    assert names("--service", "payment", "--depth", "3") > near
    assert names("--entry", "POST /orders") >= {"clients", "order", "orders", "payment", "email"}
    assert names("--order", "123") == names("--order", "order.id=123") >= {"order", "orders", "payment"}


def test_an_order_is_a_sequence_in_mermaid_and_a_dynamic_view_in_structurizr(
    served: Serving, capsysbinary: Captured
) -> None:
    assert drawn(served, capsysbinary, "--format", "mermaid", "--order", "123").startswith("sequenceDiagram")
    workspace = drawn(served, capsysbinary, "--format", "structurizr", "--order", "123")
    dynamic = workspace.partition('dynamic system_services "order" "order 123: ok" {')[2].partition("}")[0]
    assert "entry_clients -> service_order" in dynamic
    assert 'topic_orders -> service_payment "group payment"' in dynamic


def test_the_asyncapi_document_of_a_service_is_what_the_check_of_drift_expects(
    served: Serving, tmp_path: Path, capsysbinary: Captured
) -> None:
    document = tmp_path / "payment.yaml"
    run(served, "--format", "asyncapi", "--service", "payment", "-o", str(document))
    text = document.read_text(encoding="utf-8")
    assert "title: payment\n" in text
    assert "payment-receive-orders-payment:" in text
    assert "email" not in text
    check = [str(document), "--complete", "--url", served.url]
    assert not load_command("check").main(check, standalone_mode=False)
    document.write_text(text.replace("address: orders", "address: refunds"), encoding="utf-8")
    assert load_command("check").main(check, standalone_mode=False) == 1
    capsysbinary.readouterr()


def test_what_is_unknown_is_said(served: Serving) -> None:
    with pytest.raises(NothingToDraw, match="Did you mean 'payment'"):
        run(served, "--service", "paymnt")
    with pytest.raises(NothingToDraw, match="no node 'nobody'"):
        run(served, "--service", "nobody")
    with pytest.raises(NothingToDraw, match="Did you mean 'payments'"):
        run(served, "--service", "payments-api")
    with pytest.raises(UnknownEntry, match="order POST /orders"):
        run(served, "--entry", "GET /nowhere")
    for part in (("--service", "nobody"), ("--entry", "GET /nowhere"), ("--order", "nobody")):
        assert laban("diagram", *part, "--url", served.url).returncode == 1
    with pytest.raises(UnknownValue):
        run(served, "--order", "nobody")
    with pytest.raises(NothingToDraw, match="no calls in this time range"):
        run(served, "--since", "2020-01-01T00:00:00Z", "--until", "2020-01-02T00:00:00Z")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--format", "gif"), "svg, png, dot, mermaid, plantuml, structurizr, asyncapi, backstage, json"),
        (("--top", "2", "--all"), "exclude each other"),
        (("--focus", "a", "--service", "b"), "give one of them"),
        (("--labels", "some"), "all, rate, latency, contract, none"),
        (("--topics", "hide"), "show, collapse"),
        (("--theme", "pink"), "auto, light, dark, inherit"),
        (("--group-by", "team"), "not namespace"),
        (("--format", "asyncapi", "--labels", "rate"), "about formats that draw"),
        (("--check",), "need --watch"),
        (("--watch", "x.md", "--format", "svg"), "writes Mermaid"),
        (("--watch", "x.md", "--check", "--once"), "exclude each other"),
    ],
)
def test_options_that_contradict_are_refused(served: Serving, arguments: tuple[str, ...], told: str) -> None:
    with pytest.raises(typer.BadParameter, match=told):
        run(served, *arguments)


def test_labels_topics_and_theme_shape_the_picture(served: Serving, capsysbinary: Captured) -> None:
    bare = drawn(served, capsysbinary, "--labels", "none", "--topics", "collapse", "--theme", "dark")
    assert "p95" not in bare
    assert "#0f172a" in bare
    assert "orders" not in {text.text for text in ET.fromstring(bare).iter()}  # noqa: S314 - our own document
    automatic = drawn(served, capsysbinary)
    assert "prefers-color-scheme: dark" in automatic
    assert "currentColor" in drawn(served, capsysbinary, "--theme", "inherit")


def test_a_document_is_written_checked_and_left_alone(
    served: Serving, tmp_path: Path, capsysbinary: Captured
) -> None:
    document = tmp_path / "choreography.md"
    before, after = b"# Title\r\n\xff not UTF-8\r\n", b"\r\nrest, without a line break"
    document.write_bytes(before + f"{BEGIN}\r\nold\r\n{END}".encode() + after)
    document.chmod(0o640)
    assert run(served, "--watch", str(document), "--check") == 1
    told = capsysbinary.readouterr()
    assert b"-old" in told.out
    assert b"+    service_order(" in told.out
    assert b"--once" in told.err
    run(served, "--watch", str(document), "--once")
    content = document.read_bytes()
    assert content.startswith(before + f"{BEGIN}\r\n```mermaid\r\nflowchart LR\r\n".encode())
    assert content.endswith(f"\r\n```\r\n{END}".encode() + after)
    assert b"/s" not in content
    assert document.stat().st_mode & 0o777 == 0o640
    written = document.stat()
    run(served, "--watch", str(document), "--once")
    assert not run(served, "--watch", str(document), "--check")
    assert (document.stat().st_mtime_ns, document.stat().st_ino) == (written.st_mtime_ns, written.st_ino)
    assert [path.name for path in tmp_path.iterdir()] == ["choreography.md"]


def test_a_document_without_markers_or_no_document_is_an_error(served: Serving, tmp_path: Path) -> None:
    document = tmp_path / "plain.md"
    document.write_text("nothing\n", encoding="utf-8")
    with pytest.raises(BadMarkers, match="has no line <!-- laban diagram -->"):
        run(served, "--watch", str(document), "--once")
    assert document.read_text(encoding="utf-8") == "nothing\n"
    with pytest.raises(InputUnreadable, match=r"missing\.md"):
        run(served, "--watch", str(tmp_path / "missing.md"), "--check")
