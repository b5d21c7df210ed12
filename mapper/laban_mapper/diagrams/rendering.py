"""Runs Graphviz: lays out and draws DOT source."""

import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Final

from laban_mapper.diagrams.selection import TOP
from laban_mapper.errors import RenderFailed

_TIMEOUT_S: Final = 60
_PNG_DPI: Final = "144"


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
