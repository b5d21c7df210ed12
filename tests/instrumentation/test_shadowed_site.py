"""The environment's own `sitecustomize` runs under `laban run`, once, as it does without."""

import sys
from pathlib import Path

import pytest

from .stock import BothWays

NOWHERE = {"OTEL_TRACES_EXPORTER": "none"}


# `laban` itself is a Python program in the same environment.
IN_THE_PROGRAM = "import sys\nif sys.orig_argv[1:2] == ['-c']: "


@pytest.mark.parametrize(
    "text", ["print('customized'); sys.team = 'shop'", "print('half'); raise LookupError('no such team')"]
)
def test_the_environments_own_sitecustomize_runs(tmp_path: Path, text: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(IN_THE_PROGRAM + text)
    command = [sys.executable, "-c", "import sys; print(getattr(sys, 'team', None))"]
    variables = NOWHERE | {"PYTHONPATH": str(tmp_path)}
    plain, traced = BothWays(command, command, variables).results()
    assert traced == plain
    assert plain[1] in {"customized\nshop\n", "half\nNone\n"}
