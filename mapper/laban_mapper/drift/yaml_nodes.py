"""Reads YAML, and the JSON that it contains, as nodes that know their lines.

Nothing is constructed from the file: a scalar is its text. An alias is refused in files of laban, because a
few of them can stand for billions of nodes; in documents of others, only what is asked for is visited.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import yaml

from laban_mapper.errors import BadDocument
from laban_mapper.printable import printable

MAX_BYTES: Final = 8_000_000
_SHOWN: Final = 60


class Document:
    """A parsed file.

    Args:
        name: of the file, for errors.
        content: of the file.

    Raises:
        BadDocument: it is too large, no UTF-8, or no YAML.
    """

    def __init__(self, name: str, content: bytes) -> None:
        self.name = name
        if len(content) > MAX_BYTES:
            raise BadDocument(f"{name}: {len(content):,} bytes; at most {MAX_BYTES:,} are read.")
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            raise self.error(line, "this is not UTF-8. Save the file as UTF-8.") from error
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            problem = printable(error.problem or error.context or "not YAML")
            raise self.error(mark.line + 1 if mark else 1, f"this is not YAML: {problem}.") from error
        except (yaml.YAMLError, RecursionError) as error:
            raise self.error(1, f"this is not YAML: {printable(str(error))[:200]}") from error
        if root is None:
            raise self.error(1, "the file is empty.")
        self.root: yaml.Node = root

    def error(self, line: int, problem: str) -> BadDocument:
        """An error that names the file and the line."""
        return BadDocument(f"{self.name}:{line}: {problem}")

    def entries(self, node: yaml.Node, what: str) -> Iterator[tuple[str, int, yaml.Node]]:
        """Yield the keys of a mapping with their lines and values.

        Raises:
            BadDocument: it is no mapping, or a key is no text or is there twice.
        """
        if _is_empty(node):
            return
        if not isinstance(node, yaml.MappingNode):
            raise self.error(line_of(node), f"{what} must be a mapping (`name:`), not {_kind(node)}.")
        known: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self.error(line_of(key), f"a name in {what} must be text, not {_kind(key)}.")
            if key.value in known:
                raise self.error(line_of(key), f"{shown(key.value)} is there twice in {what}. Keep one.")
            known.add(key.value)
            yield key.value, line_of(key), value

    def items(self, node: yaml.Node, what: str) -> Iterator[tuple[str, int]]:
        """Yield the texts of a list with their lines; raises BadDocument if it is none."""
        if _is_empty(node):
            return
        if not isinstance(node, yaml.SequenceNode):
            raise self.error(line_of(node), f"{what} must be a list (`- name`), not {_kind(node)}.")
        for item in node.value:
            yield self.text(item, f"an entry of {what}"), line_of(item)

    def text(self, node: yaml.Node, what: str) -> str:
        """The text of a scalar; raises BadDocument if it is none."""
        if not isinstance(node, yaml.ScalarNode):
            raise self.error(line_of(node), f"{what} must be text, not {_kind(node)}.")
        return str(node.value)


def line_of(node: yaml.Node) -> int:
    """The line of a node, from 1."""
    return int(node.start_mark.line) + 1


def shown(text: str) -> str:
    """A text of a file in an error."""
    short = printable(text)
    return f"'{short if len(short) <= _SHOWN else short[: _SHOWN - 1] + '…'}'"


def top(root: yaml.Node) -> Mapping[str, yaml.Node]:
    """The entries of a mapping by name; empty if it is none."""
    if not isinstance(root, yaml.MappingNode):
        return {}
    return {key.value: value for key, value in root.value if isinstance(key, yaml.ScalarNode)}


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value in ("", "~", "null") and node.style is None


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    return "a list" if isinstance(node, yaml.SequenceNode) else f"the text {shown(str(node.value))}"
