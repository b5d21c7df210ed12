from pathlib import Path

import pytest

from laban_app.answers.trace_links import trace_links
from laban_collector.errors import BadSettings

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_links_come_from_the_file_and_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("laban.toml").write_text(
        '[links]\njaeger = "http://jaeger:16686/trace/{trace_id}"\n', encoding="utf-8"
    )
    monkeypatch.setenv("LABAN_LINKS__GRAFANA", "https://grafana.example/explore?trace={trace_id}")
    assert [(link.name, link.address(TRACE)) for link in trace_links()] == [
        ("grafana", f"https://grafana.example/explore?trace={TRACE}"),
        ("jaeger", f"http://jaeger:16686/trace/{TRACE}"),
    ]


def test_two_links_with_the_same_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("laban.toml").write_text('[links]\nJaeger_ui = "http://a/{trace_id}"\n', encoding="utf-8")
    monkeypatch.setenv("LABAN_LINKS__JAEGER_UI", "http://b/{trace_id}")
    with pytest.raises(BadSettings, match="another link has the same name"):
        trace_links()


def test_without_settings_there_are_none() -> None:
    assert trace_links() == []


@pytest.mark.parametrize("template", ["http://jaeger/trace/", "javascript:alert({trace_id})", "{trace_id}"])
def test_what_is_no_address_of_a_trace_is_refused(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABAN_LINKS__JAEGER", template)
    with pytest.raises(BadSettings, match=r"\[links\] jaeger in laban.toml: .* is not an address"):
        trace_links()
