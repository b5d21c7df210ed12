"""Runs the `sitecustomize` that the environment has of its own.

OpenTelemetry's auto-instrumentation is a `sitecustomize` at the front of the path, so Python does not find
another one any more: that of a distribution, of a debugger, of a team.
"""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from typing import Final

_NAME: Final = "sitecustomize"


def run() -> None:
    """Run it if OpenTelemetry's is being imported in its place. Its errors are printed, as Python does."""
    ours = getattr(sys.modules.get(_NAME), "__spec__", None)
    if ours is None or not ours.origin or Path(ours.origin).parent.name != "auto_instrumentation":
        return
    folder = Path(ours.origin).parent.resolve()
    others = [path for path in sys.path if Path(path).resolve() != folder]
    spec = importlib.machinery.PathFinder.find_spec(_NAME, others)
    if spec is None or spec.loader is None:
        return
    try:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    except Exception as error:  # noqa: BLE001 - any error of the code of others
        sys.stderr.write(
            f"Error in sitecustomize; set PYTHONVERBOSE for traceback:\n{type(error).__name__}: {error}\n"
        )
