"""The watch of a document: it writes what has changed, and goes on where a single look would fail."""

import time
from pathlib import Path

import pytest

from laban_app.cli.diagram_document import watch_document
from laban_app.errors import CollectorUnreachable, NothingToDraw, OutputFailed
from laban_mapper.diagrams.markdown_block import BEGIN, END


class Stopped(Exception):
    """The end of a watch, as a user ends it."""


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def pause(_: float) -> None:
        return None

    monkeypatch.setattr(time, "sleep", pause)
    path = tmp_path / "choreography.md"
    path.write_text(f"{BEGIN}\n{END}\n", encoding="utf-8")
    return path


def watch(document: Path, looks: list[str | Exception], *, once: bool = False) -> list[str]:
    """Watch until the looks are used up; returns what the document showed before each."""
    shown: list[str] = []

    def drawn() -> str:
        shown.append(document.read_text(encoding="utf-8"))
        look = looks.pop(0)
        if isinstance(look, Exception):
            raise look
        return look

    watch_document(document, drawn, 10, once=once)
    return shown


def block(mermaid: str) -> str:
    return f"{BEGIN}\n```mermaid\n{mermaid}\n```\n{END}\n"


def test_a_watch_follows_changes_and_outlives_an_absent_collector(
    document: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone, quiet = CollectorUnreachable("No collector."), NothingToDraw("Nothing to draw.")
    looks: list[str | Exception] = ["A", "A", gone, gone, quiet, "B", Stopped()]
    with pytest.raises(Stopped):
        watch(document, looks)
    assert document.read_text(encoding="utf-8") == block("B")
    told = capsys.readouterr().err.splitlines()
    assert told == [
        f"wrote {document}",
        f"{document} shows what runs",
        f"No collector. {document} stays as it is.",
        f"Nothing to draw. {document} stays as it is.",
        f"wrote {document}",
    ]


def test_a_single_look_fails_without_a_collector_and_leaves_the_document(document: Path) -> None:
    before = document.read_bytes()
    with pytest.raises(CollectorUnreachable):
        watch(document, [CollectorUnreachable("No collector.")], once=True)
    assert document.read_bytes() == before


def test_a_link_stays_a_link_and_a_file_that_cannot_be_written_stays(
    document: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = document.with_name("link.md")
    link.symlink_to(document.name)
    watch(link, ["A"], once=True)
    assert link.is_symlink()
    assert document.read_text(encoding="utf-8") == block("A")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OutputFailed, match="No space left"):
        watch(document, ["B"], once=True)
    assert document.read_text(encoding="utf-8") == block("A")
    assert sorted(path.name for path in document.parent.iterdir()) == ["choreography.md", "link.md"]
