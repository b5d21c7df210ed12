from zoneinfo import ZoneInfo

from laban_app.answers.sides import side_of
from laban_dashboard.presentation.comparison_rows import bullets, edge_table, group_table, system_table
from laban_mapper.drift.comparison.comparing import compare
from laban_mapper.model_compare import Comparison
from tests.dashboard.shop_answers import BEGIN, END, ShopAnswers, edge, shop_edges

BERLIN = ZoneInfo("Europe/Berlin")


def compared() -> Comparison:
    """The shop before and after its entry became slow; the later side has a name that is Markdown."""
    before, after = (
        ShopAnswers(edges=[edge("entry:clients", "service:order", "http", 900, 18, p95), *shop_edges()[1:]])
        for p95 in (212.0, 900.0)
    )
    return compare(side_of(before, "2h..1h", BEGIN, END), side_of(after, "*1h*..", BEGIN, END))


def test_systems_are_side_by_side_in_the_time_zone_of_the_reader_and_differences_are_bold() -> None:
    rows = {row.pop("System"): list(row.values()) for row in system_table(compared(), BERLIN)}
    assert rows["Requests"] == ["900", "900"]
    assert rows["Request p95"] == ["212\N{NO-BREAK SPACE}ms", "**900\N{NO-BREAK SPACE}ms**"]
    assert rows["Time"][0].replace("\\", "") == "20 Nov 12:30:00 – 13:00:00"
    assert "After: \\*1h\\*\\.\\." in system_table(compared(), BERLIN)[0]


def test_edges_that_changed_are_told_with_both_sides() -> None:
    rows, left_out = edge_table(compared(), everything=False)
    assert [(row["Change"], row["p95"]) for row in rows] == [
        (":orange-badge[slower]", "212 ms → **900 ms**".replace(" ms", "\N{NO-BREAK SPACE}ms"))
    ]
    assert left_out == 0
    assert len(edge_table(compared(), everything=True)[0]) == len(ShopAnswers().edges)


def test_an_entry_that_is_the_same_is_shown_only_with_the_others_that_are() -> None:
    answers = ShopAnswers()
    same = compare(side_of(answers, "a", BEGIN, END), side_of(answers, "b", BEGIN, END))
    assert edge_table(same, everything=False) == ([], 0)
    assert "entry web ─▶ order \\(http\\)" in [row["Edge"] for row in edge_table(same, everything=True)[0]]


def test_groups_have_their_most_lag_on_each_side() -> None:
    rows, left_out = group_table(compared())
    assert {row["Consumer group"] for row in rows} == {"analytics", "email", "payment"}
    assert left_out == 0


def test_a_long_list_says_what_it_leaves_out() -> None:
    assert bullets(["a [b]", "c"]) == "- A \\[b\\]\n- C"
    assert bullets(["x"] * 5, most=2).endswith("- and 3 more")
