"""docs/spellings.md names the keys that the collector reads."""

import re
from pathlib import Path

from laban.vocabulary import CONSULTED, PROMOTED

PAGE = (Path(__file__).parents[1] / "docs" / "spellings.md").read_text(encoding="utf-8")
KINDS = {"SERVER": 2, "CLIENT": 3, "CONSUMER": 5}


def rows(table: int) -> list[list[str]]:
    """Return the cells of one of the tables, without its head."""
    tables = re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE)
    return [re.split(r" *\| *", line.strip("| ")) for line in tables[table].splitlines()[2:]]


def keys(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([^`]+)`", cell))


def test_the_page_lists_the_keys_of_each_column_in_their_order() -> None:
    written = {(keys(column)[0], on): keys(accepted) for column, on, accepted in rows(0)}
    expected: dict[tuple[str, str], tuple[str, ...]] = {}
    for promoted in PROMOTED:
        others = promoted.keys_by_kind
        expected[promoted.column, "other spans" if others else "all spans"] = promoted.keys
        for kind, accepted in others.items():
            [on] = [
                on
                for column, on in written
                if column == promoted.column and kind in [KINDS.get(word) for word in re.split(r"\W+", on)]
            ]
            expected[promoted.column, on] = accepted
    assert written == expected


def test_the_page_lists_the_attributes_that_are_only_consulted() -> None:
    assert [(what, keys(fills), keys(accepted)) for what, fills, accepted in rows(1)] == [
        (one.name.replace("_", " "), one.columns, one.keys) for one in CONSULTED
    ]
