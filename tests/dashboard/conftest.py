"""The pages of the dashboard, run without a browser, asking the hand-made shop."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import laban_dashboard
from laban_app.answers.protocol import Answers
from laban_dashboard import place
from tests.dashboard.shop import ShopAnswers

APP = Path(laban_dashboard.__file__).with_name("app.py")
OpenPage = Callable[..., AppTest]


@pytest.fixture
def shop() -> ShopAnswers:
    """What the pages ask; change it before opening one."""
    return ShopAnswers()


@pytest.fixture
def open_page(shop: ShopAnswers, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenPage]:
    """Opens a page by the name of its file, with query parameters."""

    def answer(_url: str | None, _db: Path | None) -> Answers:
        return shop

    def opened(name: str, **query: str) -> AppTest:
        at = AppTest.from_file(APP, default_timeout=30).run()
        for key, value in query.items():
            at.query_params[key] = value
        return at.switch_page(f"views/{name}.py").run()

    monkeypatch.setattr(place, "open_answers", answer)
    place.forget()
    yield opened
    place.forget()
