"""Fixtures that run the dashboard's pages without a browser, on hand-made answers."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

import laban_dashboard
from laban_app.answers.protocol import Answers
from laban_dashboard import answer_source
from tests.dashboard.shop_answers import ShopAnswers

APP = Path(laban_dashboard.__file__).with_name("app.py")
OpenPage = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def components() -> Iterator[None]:
    """Streamlit searches all installed packages for components when an app starts: let it search once."""
    with pytest.MonkeyPatch.context() as patched:
        found = cache(manifest_scanner.scan_component_manifests)
        patched.setattr(manifest_scanner, "scan_component_manifests", found)
        yield


@pytest.fixture
def shop() -> ShopAnswers:
    """The answers that the pages get; change them before you open a page."""
    return ShopAnswers()


@pytest.fixture
def open_page(shop: ShopAnswers, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenPage]:
    """Open a page by the name of its file, with query parameters."""

    def answer(_url: str | None, _db: Path | None, **_: object) -> Answers:
        return shop

    def opened(name: str, **query: str) -> AppTest:
        at = AppTest.from_file(APP, default_timeout=30)
        if "_" in name:  # Streamlit knows the URL of a page only after a run
            at.run()
        for key, value in query.items():
            at.query_params[key] = value
        return at.switch_page(f"views/{name}.py").run()

    monkeypatch.setattr(answer_source, "open_answers", answer)
    answer_source.reconnect()
    yield opened
    answer_source.reconnect()
