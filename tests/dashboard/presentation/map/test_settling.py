from laban_dashboard.presentation.map.settling import Settling
from laban_mapper.model import ServiceMap
from tests.dashboard.shop_answers import edge, graph_of

CALL = edge("service:order", "service:user", "http", 10)
OUTSIDE = edge("service:order", "external:10.0.0.7:80", "http", 1)


def ids(found: ServiceMap) -> set[str]:
    return {node.id for node in found.nodes}


def test_a_party_that_sends_no_spans_is_drawn_when_it_has_been_there_for_five_seconds() -> None:
    settling = Settling()
    settling.settled(graph_of([CALL]), 100.0)
    both = graph_of([CALL, OUTSIDE])
    assert ids(settling.settled(both, 102.0)) == {"service:order", "service:user"}
    assert ids(settling.settled(both, 106.9)) == {"service:order", "service:user"}
    assert ids(settling.settled(both, 107.0)) == {"service:order", "service:user", "external:10.0.0.7:80"}


def test_the_first_map_is_believed_and_services_never_wait() -> None:
    settling = Settling()
    found = graph_of([OUTSIDE])
    assert settling.settled(found, 0.0) == found
    found = graph_of([OUTSIDE, CALL])
    assert settling.settled(found, 1.0) == found
