"""The diagram in a document stands between two markers, and nothing else changes."""

import pytest

from laban_mapper.diagrams.markdown_block import BEGIN, END, with_block
from laban_mapper.errors import BadMarkers


def test_the_block_replaces_what_stood_there_and_keeps_the_rest() -> None:
    document = f"# A\n\n  {BEGIN}  \nold\nlines\n{END}\n\ttail \x00\xe4".encode("latin-1")
    first = with_block(document, "flowchart LR\n", "x.md")
    assert first == f"# A\n\n  {BEGIN}  \n```mermaid\nflowchart LR\n```\n{END}\n\ttail \x00\xe4".encode(
        "latin-1"
    )
    assert with_block(first, "flowchart LR\n", "x.md") == first


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("nothing", f"x.md has no line {BEGIN}"),
        (f"{BEGIN}\n", f"x.md has no line {END}"),
        (f"text {BEGIN}\n{END}\n", f"has no line {BEGIN}"),
        (f"{BEGIN}\n{END}\n{BEGIN}\n", f"has the line {BEGIN} more than once: lines 1 and 3"),
        (f"{BEGIN}\n{END}\n{END}\n", f"has the line {END} more than once: lines 2 and 3"),
        (f"{END}\n{BEGIN}\n", r"\(line 1\) before"),
    ],
)
def test_bad_markers_are_told_with_their_lines(document: str, told: str) -> None:
    with pytest.raises(BadMarkers, match=told):
        with_block(document.encode(), "flowchart LR\n", "x.md")
