from pathlib import Path

import httpx

from ....serving import serving


def test_the_api_needs_the_token_and_can_be_switched_off(tmp_path: Path) -> None:
    environment = {"LABAN_TOKEN": "a-token-of-tests", "LABAN_JAEGER_API": "false"}
    with serving(tmp_path / "spans.duckdb", environment=environment) as running:
        for path in ("/api/services", "/api/v3/services", "/api/traces/abc"):
            assert httpx.get(running.url + path).status_code == 401
            known = httpx.get(running.url + path, headers={"authorization": "Bearer a-token-of-tests"})
            assert known.status_code == 404
            assert "errors" not in known.json()
            foreign = httpx.get(running.url + path, headers={"host": "evil.example"})
            assert foreign.status_code == 403
