"""Identifiers are readable, stable and different for different names."""

import itertools

from laban_mapper.diagrams.identifiers import KEYS, NAMES, WORDS, identifiers, node_identifiers

from ...hostile import HOSTILE

SIMILAR = ("a-b", "a_b", "a b", "A-b", "a--b", "-a-b", "a.b", "a/b", "ä-b", "a-b\x00", "a-b " + "x" * 300)


def test_plain_names_stay_readable() -> None:
    assert node_identifiers(["service:order", "service:order-api2", "topic:orders.new"]) == {
        "service:order": "service_order",
        "service:order-api2": "service_order_api2",
        "topic:orders.new": "topic_orders_new__9f1d5b4c35",
    }
    assert identifiers({"topic:orders.new": "orders.new"}, NAMES) == {"topic:orders.new": "orders.new"}
    assert identifiers({"1": "OrderCreated"}, KEYS) == {"1": "OrderCreated"}


def test_similar_and_hostile_names_do_not_collide_whatever_else_is_there() -> None:
    ids = [f"{kind}:{name}" for kind in ("service", "topic") for name in (*SIMILAR, *HOSTILE)]
    for alphabet in (WORDS, NAMES, KEYS):
        together = node_identifiers(ids, alphabet)
        assert len({one.lower() if alphabet.lower else one for one in together.values()}) == len(ids)
        alone = dict(itertools.chain.from_iterable(node_identifiers([one], alphabet).items() for one in ids))
        assert alone == together
        assert max(map(len, together.values())) <= 63


def test_two_things_with_one_plain_name_have_two_identifiers() -> None:
    first, second = identifiers({"a-b|c": "a-b-c", "a|b-c": "a-b-c"}).values()
    assert first != second
