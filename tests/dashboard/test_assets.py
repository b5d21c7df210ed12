"""The assets in the package: vendored code, licence, components."""

import re
from pathlib import Path

import pytest

import laban_dashboard

PACKAGE = Path(laban_dashboard.__file__).parent
OWN = [
    *PACKAGE.glob("components/*.js"),
    *PACKAGE.glob("components/*.html"),
    *PACKAGE.glob("components/*.css"),
]


def test_the_notice_names_the_vendored_version_and_the_licence_is_included() -> None:
    code = (PACKAGE / "static" / "cytoscape.esm.min.mjs").read_text(encoding="utf-8")
    notice = (PACKAGE / "static" / "NOTICE").read_text(encoding="utf-8")
    (version,) = re.findall(r"Cytoscape\.js (\d+\.\d+\.\d+)", notice)
    assert f'"{version}"' in code
    assert "Permission is hereby granted" in (PACKAGE / "static" / "cytoscape.LICENSE.txt").read_text()


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_no_component_writes_html_or_references_another_host(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert "innerHTML" not in text
    assert "insertAdjacentHTML" not in text
    assert not re.search(r"https?://", text)
