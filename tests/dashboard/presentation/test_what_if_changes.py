from laban_dashboard.presentation.what_if_changes import (
    Kind,
    change_text,
    in_words,
    places,
    suggestions,
    texts_of,
)
from laban_mapper.whatif.changes import ChangeTexts
from tests.dashboard.shop_answers import ShopAnswers

FOUND = ShopAnswers().service_map()


def test_the_changes_of_a_url_are_a_question() -> None:
    given: dict[Kind, list[str]] = {
        "down": ["user"],
        "timeout": ["order→pricing=300ms"],
        "async": ["order→inventory"],
    }
    assert texts_of(given) == ChangeTexts(
        down=("user",), turned=("order→inventory",), timeouts=("order→pricing=300ms",)
    )


def test_a_change_is_written_as_on_the_command_line_and_told_in_words() -> None:
    assert change_text("down", "user", "") == "user"
    assert change_text("slow", "pricing", " 2s ") == "pricing=2s"
    assert change_text("slow", "pricing", "") == "pricing=500ms"
    assert in_words("down", "user") == "user does not answer"
    assert in_words("slow", "a=b=500ms") == "a=b takes 500 ms longer"
    assert in_words("retries", "order→user=2") == "order→user is tried again up to 2 times"
    assert in_words("slow", "{place}=1s") == "{place} takes 1 s longer"


def test_services_databases_and_hosts_can_be_down_and_calls_can_time_out() -> None:
    down = places(FOUND, "down")
    assert {"user", "orders-db", "bank.example:443"} <= set(down)
    assert not {"web", "orders", "email→email"} & set(down)
    assert "order→user" in places(FOUND, "timeout")
    assert "order→orders-db" in places(FOUND, "timeout")
    assert "order→orders-db" not in places(FOUND, "async")
    assert {"user", "order→user"} <= set(places(FOUND, "slow"))
    assert len(down) == len(set(down))


def test_something_to_begin_with_is_suggested() -> None:
    assert suggestions(FOUND)[0] == ("down", "orders-db")
    assert suggestions(ShopAnswers(edges=[]).service_map()) == []
