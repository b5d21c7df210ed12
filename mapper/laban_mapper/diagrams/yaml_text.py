"""Writes YAML that 1.1 and 1.2 read the same way, from values that come from spans of strangers."""

from collections.abc import Iterator, Mapping, Sequence

from laban_mapper.drift.file_writer import scalar
from laban_mapper.printable import printable

Value = str | int | Mapping[str, "Value"] | Sequence["Value"]


def to_yaml(value: Mapping[str, Value]) -> str:
    """One document; the keys stay in their order."""
    return "".join(f"{line}\n" for line in _lines(value))


def _lines(value: Value) -> Iterator[str]:
    match value:
        case str():
            yield scalar(value)
        case int():
            yield str(value)
        case Mapping():
            for key, below in value.items():
                yield from _entry(f"{scalar(key)}:", below, "  ")
            if not value:
                yield "{}"
        case _:
            for below in value:
                yield from _item(below)
            if not value:
                yield "[]"


def _entry(head: str, below: Value, indent: str) -> Iterator[str]:
    if isinstance(below, str) and _is_block(below):
        yield f"{head} |"
        yield from (f"{indent}{line}" for line in below.split("\n")[:-1])
        return
    lines = list(_lines(below))
    if isinstance(below, str | int) or not below:
        yield f"{head} {lines[0]}"
        return
    yield head
    yield from (f"{indent}{line}" for line in lines)


def _item(below: Value) -> Iterator[str]:
    """The first line after the dash, the others below it."""
    for number, line in enumerate(_lines(below)):
        yield f"  {line}" if number else f"- {line}"


def _is_block(text: str) -> bool:
    """Whether a text of several lines can stand as it is."""
    lines = text.split("\n")
    return (
        len(lines) > 2
        and not lines[-1]
        and bool(lines[-2])
        and text[0] not in " \n"
        and all(printable(line) == line for line in lines)
    )
