"""The cached hash of a resource equals the SDK's, and is computed once."""

from collections.abc import Generator

import pytest
from opentelemetry.sdk import resources
from opentelemetry.sdk.resources import Resource

from laban.sdk import resource_hash


@pytest.fixture(autouse=True)
def patched() -> Generator[None]:
    resource_hash.install()
    resource_hash.install()
    yield
    resource_hash.uninstall()


def test_equal_resources_have_equal_hashes() -> None:
    shop, same, other = (Resource({"service.name": name}) for name in ("shop", "shop", "other"))
    assert hash(shop) == hash(same) == hash(shop)
    assert len({shop, same, other}) == 2
    merged = shop.merge(other)
    assert hash(merged) == hash(Resource(merged.attributes))
    resource_hash.uninstall()
    assert hash(shop) == hash(same) == hash(Resource({"service.name": "shop"}))


def test_a_hash_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = Resource({"service.name": "shop"})
    first = hash(resource)
    monkeypatch.setattr(resources, "dumps", None)
    assert hash(resource) == first
