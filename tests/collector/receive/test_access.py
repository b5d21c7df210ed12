import pytest

from laban_collector.address import is_loopback
from laban_collector.errors import BadSettings
from laban_collector.receive.access import Access
from laban_collector.settings import load_settings

TOKEN = "correct-horse"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "::1"])
def test_loopback_hosts_are_recognized(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "laban", "localhost.example"])
def test_other_hosts_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("listener", ["otlp_grpc", "otlp_http", "api"])
def test_listening_beyond_loopback_needs_a_token(listener: str) -> None:
    with pytest.raises(BadSettings, match=rf"could connect to {listener} 0\.0\.0\.0:1.*LABAN_TOKEN"):
        Access.from_settings(load_settings(**{listener: "0.0.0.0:1"}))
    assert Access.from_settings(load_settings(**{listener: "0.0.0.0:1"}, token=TOKEN)).token == TOKEN


def test_open_to_everyone_replaces_the_token() -> None:
    assert Access.from_settings(load_settings(api="0.0.0.0:1", open_to_everyone=True)).token is None


def test_only_the_token_is_accepted() -> None:
    access = Access(TOKEN)
    assert access.accepts_token(f"Bearer {TOKEN}")
    assert access.accepts_token(f"bearer  {TOKEN} ")
    for other in ("", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer", "Bearer \xff"):
        assert not access.accepts_token(other)
    assert Access().accepts_token("")


@pytest.mark.parametrize(
    "host", ["127.0.0.1:4318", "localhost", "[::1]:4318", "10.1.2.3:1", "Laban.svc:4318"]
)
def test_loopback_hosts_ip_addresses_and_configured_hosts_are_accepted(host: str) -> None:
    assert Access(hosts=frozenset({"laban.svc"})).accepts_host(host)


@pytest.mark.parametrize(
    "host", ["", "evil.example", "localhost.evil.example:4318", "127.0.0.1.evil.example"]
)
def test_other_hosts_are_refused(host: str) -> None:
    assert not Access(hosts=frozenset({"laban.svc"})).accepts_host(host)


def test_the_token_is_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABAN_TOKEN", TOKEN)
    settings = load_settings()
    assert (
        TOKEN
        not in f"{settings!r} {settings} {settings.model_dump_json()} {Access.from_settings(settings)!r}"
    )


def test_an_invalid_token_is_refused_and_not_repeated_in_the_error() -> None:
    for bad in ("short", "has a space", "umlaut-äöü"):
        with pytest.raises(BadSettings, match=r"token .*LABAN_TOKEN.*8 characters") as refused:
            load_settings(token=bad)
        assert bad not in str(refused.value)
        assert bad not in repr(refused.value.__cause__)
