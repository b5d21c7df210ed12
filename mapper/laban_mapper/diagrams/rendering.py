"""Renders a service map as SVG, PNG, DOT or Mermaid."""

import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Final, Literal, get_args

from laban_mapper.diagrams.dot import to_dot
from laban_mapper.diagrams.drawing import simplify
from laban_mapper.diagrams.mermaid import to_mermaid
from laban_mapper.diagrams.selection import TOP
from laban_mapper.errors import RenderFailed
from laban_mapper.model import ServiceMap

Format = Literal["svg", "png", "dot", "mermaid"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

_TIMEOUT_S: Final = 60
_PNG_DPI: Final = "144"


def render(service_map: ServiceMap, form: Format, note: str | None = None) -> bytes:
    """Render the diagram of a service map, with a note as its title; the same map gives the same bytes.

    Raises:
        RenderFailed: Graphviz is not installed, or it failed.
    """
    drawing = simplify(service_map)
    if form == "mermaid":
        return to_mermaid(drawing, note).encode()
    source = to_dot(drawing, note)
    return source.encode() if form == "dot" else draw(source, form)


def draw(source: str, form: str, *, dpi: str = _PNG_DPI) -> bytes:
    """Lay out and draw DOT source with Graphviz, in any of its formats.

    Raises:
        RenderFailed: Graphviz is not installed, or it failed.
    """
    command = [str(engine()), f"-T{form}", *([f"-Gdpi={dpi}"] if form == "png" else [])]
    try:
        done = subprocess.run(
            command, input=source.encode(), capture_output=True, timeout=_TIMEOUT_S, check=True
        )
    except subprocess.CalledProcessError as error:
        raise RenderFailed(f"Graphviz failed: {error.stderr.decode(errors='replace').strip()}") from error
    except subprocess.TimeoutExpired as error:
        raise RenderFailed(
            f"Graphviz has not finished in {_TIMEOUT_S} s. Draw less (--top {TOP}, --focus NAME), or write "
            "the text of the drawing (--format dot, --format mermaid)."
        ) from error
    except OSError as error:
        raise RenderFailed(f"Graphviz could not run: {error}") from error
    return done.stdout


def engine() -> Path:
    """The path of `graphviz-pure`, or else of `dot`; raises RenderFailed if neither is installed.

    `graphviz-pure` has its own fonts and draws the same bytes on every machine.
    """
    own = Path(sysconfig.get_path("scripts")) / "graphviz-pure"
    for found in (str(own) if own.exists() else None, shutil.which("graphviz-pure"), shutil.which("dot")):
        if found:
            return Path(found)
    raise RenderFailed(
        "No Graphviz found. Install laban[server] (it includes graphviz-pure) or Graphviz itself, "
        "or use --format dot or mermaid."
    )
