from collections import Counter

from laban_collector.store.duckdb.profiles.sampling import (
    FEWEST,
    LARGEST,
    PLENTY,
    SAVED,
    SHARE,
    Budget,
    Candidate,
    Sampler,
)


def candidates(name: str, number: int, spans: int = 10) -> list[Candidate]:
    return [Candidate(0, 1 + at, spans, 1, None, "web", name, number) for at in range(number)]


def names(chosen: list[Candidate]) -> Counter[str]:
    return Counter(one.name for one in chosen)


def test_every_trace_is_chosen_while_there_is_room() -> None:
    assert names(Sampler().choose(candidates("a", 20) + candidates("b", 3), 1_000)) == {"a": 20, "b": 3}


def test_rare_kinds_come_first() -> None:
    chosen = Sampler().choose(candidates("usual", 200) + candidates("rare", 5), 200)
    assert names(chosen) == {"usual": 15, "rare": 5}


def test_a_kind_with_plenty_of_examples_is_chosen_less_often() -> None:
    sampler = Sampler()
    assert len(sampler.choose(candidates("a", 2 * PLENTY), 10**9)) == PLENTY
    assert len(sampler.choose(candidates("a", 200), 10**9)) == 10
    later = [one._replace(start=3600 * 10**9) for one in candidates("a", 200)]
    assert len(sampler.choose(later, 10**9)) == 200, "another hour"


def test_a_huge_trace_is_not_chosen() -> None:
    assert Sampler().choose(candidates("a", 1, LARGEST + 1), 10**9) == []


def test_what_a_step_does_not_need_is_saved_up_to_a_limit() -> None:
    step = 30 * 10**9
    budget = Budget(0)
    assert budget.of(10, 0) == FEWEST
    budget.spend(100)
    assert budget.of(10, step) == 2 * FEWEST - 100
    budget.spend(2 * FEWEST)
    assert budget.of(10, 2 * step) == FEWEST
    budget.spend(FEWEST + 100)
    assert budget.of(10**6, 5 * step) == 10**6 // SHARE + 2 * FEWEST, "two steps without spans"
    budget.spend(0)
    assert budget.of(10, 10**6 * step) == FEWEST + SAVED
